"""Tests of the gateway with malformed responses, which leave the outcome unknown."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from pydantic import SecretStr

from common.events import OrderStatus
from common.testing.polling import TIMEOUT_SECONDS
from common.values.clock import utc_now
from common.values.ids import new_id
from payments.domain.charge import CURRENCY, new_charge
from payments.domain.order import Order, PaymentPolicy
from payments.stripe.gateway import Gateway, PaymentMethod, StripeUnavailable

ORDER = Order(new_id(), new_id(), 1999, OrderStatus.CREATED, utc_now() + timedelta(minutes=15))
CHARGE = (
    new_charge(ORDER, intent_id="pi_1", now=utc_now())
    .claim(ORDER, digest="d", owner="me", now=utc_now(), policy=PaymentPolicy())
    .after
)
METHOD = PaymentMethod("pm_1", "fingerprint", {"payment_method": "pm_1"})
CALLS: dict[str, Callable[[Gateway], Awaitable[object]]] = {
    "create": lambda gateway: gateway.create_intent(ORDER, CURRENCY),
    "retrieve": lambda gateway: gateway.retrieve(CHARGE),
    "find payment method": lambda gateway: gateway.find_payment_method(CHARGE, "pm_card_visa"),
    "find confirmation token": lambda gateway: gateway.find_payment_method(CHARGE, "ctoken_1"),
    "create payment method": lambda gateway: gateway.find_payment_method(CHARGE, "tok_visa"),
    "confirm": lambda gateway: gateway.confirm(CHARGE, METHOD),
    "cancel": lambda gateway: gateway.cancel(CHARGE),
    "refund": lambda gateway: gateway.refund(CHARGE),
}


@asynccontextmanager
async def gateway_answering(
    status: int, body: bytes, heads: list[bytes] | None = None
) -> AsyncGenerator[Gateway]:
    """Return a gateway whose server sends the same response to every request.

    Args:
        status: the status of the response.
        body: its body.
        heads: where the heads of the requests are stored.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request_head = await reader.readuntil(b"\r\n\r\n")
        if heads is not None:
            heads.append(request_head)
        head = f"HTTP/1.1 {status} So\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        Gateway(
            SecretStr("sk_test_unused"),
            api_base=f"http://127.0.0.1:{port}",
            webhook_secret=None,
            timeout_seconds=TIMEOUT_SECONDS,
        ) as gateway,
    ):
        yield gateway


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"null"),
        (200, b'"x"'),
        (200, b"{}"),
        (200, b'{"id": "\xff"}'),
        (400, b'{"error": null}'),
        (400, b'{"error": "no"}'),
        (400, b"{}"),
    ],
)
async def test_malformed_response_raises_stripe_unavailable(
    call: str, status: int, body: bytes
) -> None:
    async with gateway_answering(status, body) as gateway:
        with pytest.raises(StripeUnavailable):
            await CALLS[call](gateway)


@pytest.mark.parametrize("call", ["create", "retrieve", "confirm", "cancel"])
async def test_unknown_status_raises_stripe_unavailable(call: str) -> None:
    body = b'{"object": "payment_intent", "id": "pi_1", "status": "brand_new"}'
    async with gateway_answering(200, body) as gateway:
        with pytest.raises(StripeUnavailable):
            await CALLS[call](gateway)


async def test_library_of_stripe_formats_no_log_and_names_no_agent(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both cost as much as the rest of its work for a call."""
    caplog.set_level(logging.DEBUG, logger="stripe")
    monkeypatch.setenv("CLINE_ACTIVE", "1")
    heads: list[bytes] = []

    async with gateway_answering(200, b"{}", heads) as gateway:
        with suppress(StripeUnavailable):
            await gateway.retrieve(CHARGE)

    assert not [record for record in caplog.records if record.name == "stripe"]
    assert b"Stripe/v1 PythonBindings" in heads[0]
    assert b"AIAgent" not in heads[0]
