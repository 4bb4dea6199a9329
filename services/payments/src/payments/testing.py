"""Test support: access to Stripe, a fake orders service, and clients of payments."""

import hashlib
import hmac
import json
import time
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import stripe

from common.auth.tokens import User
from common.events import (
    CancelReason,
    OrderCancelled,
    OrderCreated,
    OrderedTicket,
    OrderEvent,
    OrderStatus,
    OrderUpdated,
    Outcome,
)
from common.testing.client import Client
from common.testing.events import EventProbe
from common.testing.polling import TIMEOUT_SECONDS, eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from payments.domain.charge import Charge, charge_id_of

STRIPE_KEY: Final = "sk_test_local_payments"
WEBHOOK_SECRET: Final = "whsec_that_only_the_tests_know"
PRICE: Final = 1999
VISA: Final = "tok_visa"
UNTIL_CLEARED: Final[dict[str, Any]] = {"action": "delay", "delay_ms": int(1000 * TIMEOUT_SECONDS)}
"""A fault that delays a call until the test has done what must happen meanwhile."""


class StripeProbe:
    """Reads and changes the local Stripe server directly."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=TIMEOUT_SECONDS,
            auth=(STRIPE_KEY, ""),
            headers={"X-Stripe-Local": "1"},
        )
        self._stripe = stripe.AIOHTTPClient(timeout=TIMEOUT_SECONDS)
        client = stripe.StripeClient(
            STRIPE_KEY, http_client=self._stripe, base_addresses={"api": url}
        )
        self.api, self.api_v2 = client.v1, client.v2

    async def close(self) -> None:
        """Clear the faults and close the connections."""
        await self.clear_faults()
        await self._http.aclose()
        await self._stripe.close_async()

    async def inject_fault(self, call: str, action: str, **more: Any) -> None:
        """Make matching calls to Stripe fail."""
        fault = {"match": call, "action": action, **more}
        response = await self._http.post("/_local/faults", json=fault)
        assert response.is_success, response.text

    async def is_armed(self, fault: dict[str, Any]) -> bool:
        """Return whether a fault has not been used up."""
        armed = (await self._http.get("/_local/faults")).json()
        return any(fault.items() <= candidate.items() for candidate in armed)

    async def wait_until_used(self, fault: dict[str, Any]) -> None:
        """Wait until a fault has been used up, so that its last call has met it."""

        async def is_used() -> bool:
            return not await self.is_armed(fault)

        await eventually(is_used)

    async def clear_faults(self, call: str | None = None) -> None:
        """Remove the faults, or those of a call, and end their delays."""
        await self._http.delete("/_local/faults", params={"match": call} if call else None)

    async def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call a control route of the local Stripe server."""
        response = await self._http.request(method, f"/_local/{path}", json=body)
        assert response.is_success, response.text
        return response.json()

    async def intents(self, order_id: str) -> list[stripe.PaymentIntent]:
        """Return all PaymentIntents of an order."""
        found = (await self.api.payment_intents.list_async({"limit": 100})).data
        with_order = [intent for intent in found if "orderId" in intent.metadata]
        return [intent for intent in with_order if intent.metadata["orderId"] == order_id]

    async def intent(self, order_id: str) -> stripe.PaymentIntent:
        """Return the only PaymentIntent of an order."""
        (only,) = await self.intents(order_id)
        return only

    async def times_charged(self, order_id: str) -> int:
        """Return how many times an order was charged."""
        return sum(charge.paid for charge in await self._charges(order_id))

    async def declines(self, order_id: str) -> int:
        """Return how many times a card was declined for an order."""
        return sum(charge.status == "failed" for charge in await self._charges(order_id))

    async def refunds(self, order_id: str) -> list[stripe.Refund]:
        """Return all refunds of an order."""
        found: list[stripe.Refund] = []
        for intent in await self.intents(order_id):
            found += (await self.api.refunds.list_async({"payment_intent": intent.id})).data
        return found

    async def confirmation_token(self, method: str = "pm_card_visa") -> str:
        """Create the token that the payment form creates in a browser."""
        path = "/v1/test_helpers/confirmation_tokens"
        response = await self._http.post(path, data={"payment_method": method})
        assert response.is_success, response.text
        return response.json()["id"]

    async def authenticate(self, client_secret: str, outcome: str = "success") -> httpx.Response:
        """Complete 3-D Secure authentication as a browser does."""
        intent_id = client_secret.partition("_secret_")[0]
        form = {"key": "pk_test_local", "client_secret": client_secret, "outcome": outcome}
        path = f"/_local/payment_intents/{intent_id}/authenticate"
        return await self._http.post(path, data=form, auth=lambda request: request)

    async def events(self, intent_id: str) -> list[dict[str, Any]]:
        """Return the events of a PaymentIntent and its refunds, oldest first."""
        events = (await self._http.get("/v1/events", params={"limit": 100})).json()["data"]
        return [
            event
            for event in reversed(events)
            if intent_id in {event["data"]["object"].get(name) for name in ("id", "payment_intent")}
        ]

    async def _charges(self, order_id: str) -> list[stripe.Charge]:
        found: list[stripe.Charge] = []
        for intent in await self.intents(order_id):
            found += (await self.api.charges.list_async({"payment_intent": intent.id})).data
        return found


class FakeOrders:
    """Publishes the events of the orders service."""

    def __init__(self, published: EventProbe) -> None:
        self._published = published
        self._placed: dict[str, OrderCreated] = {}

    async def place(
        self,
        buyer: User,
        *,
        price: int = PRICE,
        seconds: float = 900,
        seller_id: str | None = None,
        release_at: datetime | None = None,
    ) -> str:
        """Create an order and wait until payments has consumed it."""
        order_id = self.place_unpublished(
            buyer, price=price, seconds=seconds, seller_id=seller_id, release_at=release_at
        )
        await self.publish(order_id)
        return order_id

    def place_unpublished(
        self,
        buyer: User,
        *,
        price: int = PRICE,
        seconds: float = 900,
        seller_id: str | None = None,
        release_at: datetime | None = None,
    ) -> str:
        """Create an order without publishing its event."""
        order = OrderCreated(
            id=new_id(),
            version=0,
            status=OrderStatus.CREATED,
            user_id=buyer.id,
            expires_at=utc_now() + timedelta(seconds=seconds),
            ticket=OrderedTicket(
                id=new_id(), title="Front row", price=price, hold=1, seller_id=seller_id
            ),
            release_at=release_at,
        )
        self._placed[order.id] = order
        return order.id

    async def cancel(self, order_id: str, *, event_id: str = "") -> None:
        """Cancel an order and wait until payments has consumed the event."""
        await self.publish(
            order_id,
            OrderCancelled,
            event_id=event_id,
            version=1,
            status=OrderStatus.CANCELLED,
            reason=CancelReason.EXPIRED,
        )

    async def return_order(self, order_id: str) -> None:
        """Cancel the show of a paid order, and wait until payments has consumed the event."""
        await self.publish(
            order_id,
            OrderUpdated,
            version=3,
            status=OrderStatus.COMPLETE,
            outcome=Outcome.RETURNING,
        )

    async def publish(
        self,
        order_id: str,
        kind: type[OrderEvent] = OrderCreated,
        *,
        event_id: str = "",
        **changes: Any,
    ) -> None:
        """Publish an event of an order and wait until payments has consumed it."""
        state = self._placed[order_id].model_dump(by_alias=False)
        event = kind.model_validate({**state, **changes})
        await self._published.publish(event, aggregate_id=order_id, event_id=event_id)
        await self._published.wait_until_handled("payments-orders")


async def pay(payments: Client, order_id: str, token: str = VISA) -> httpx.Response:
    """Send a payment for an order."""
    return await payments.post("/api/payments", json={"token": token, "orderId": order_id})


async def find_charge(payments: Client, order_id: str) -> Charge | None:
    """Return the stored charge of an order, or None."""
    store = payments.app.state.service.sync._store  # noqa: SLF001 - reads without a sync
    return await store.find(charge_id_of(order_id))


async def wait_for_status(payments: Client, order_id: str, status: str) -> Charge:
    """Wait until the charge of an order has this status."""

    async def reached() -> Charge | None:
        charge = await find_charge(payments, order_id)
        return charge if charge is not None and charge.status == status else None

    return await eventually(reached)  # pyright: ignore[reportReturnType] - never None


async def deliver_webhook(
    payments: Client,
    event: dict[str, Any] | bytes,
    *,
    secret: str = WEBHOOK_SECRET,
    age: int = 0,
    content: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """Send a webhook event, or any body, with Stripe's signature, optionally tampered with."""
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    at = int(time.time()) - age
    signed = hmac.new(secret.encode(), b"%d.%s" % (at, payload), hashlib.sha256).hexdigest()
    return await payments.post(
        "/api/payments/webhook",
        content=payload if content is None else content,
        headers=headers or {"Stripe-Signature": f"t={at},v1={signed}"},
    )
