"""A call to Stripe: sent by its library, under a key, with a deadline, as often as it takes.

A call is repeated under its idempotency key, so that a lost answer is asked for again instead of
being done again. What stays unknown after that is `StripeAway`, never a failure. The answers are
taken as they came: to make objects of them costs more than the call. Neither a token nor a client
secret is ever logged.
"""

import logging
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypedDict, cast

import aiohttp
import stripe
import structlog
from pydantic import SecretStr

from common.errors import Unavailable
from common.observability import tracing
from payments.stripe.mapping import Told

log = structlog.get_logger("stripe-gateway")

RETRIES: Final = 2
OURS: Final = re.compile(r"/(pi|re)_\w+")
for _chatty in ("stripe", "aiohttp"):  # their details hold tokens
    logging.getLogger(_chatty).setLevel(logging.WARNING)
stripe.enable_telemetry = False


class Under(TypedDict, total=False):
    """The key that makes a call one, however often it is sent."""

    idempotency_key: str


class StripeAway(Unavailable):
    """Stripe did not answer, or not with a result: nobody knows what came of the call."""

    default = "The card processor does not answer. Nothing is lost; try again in a moment."


class Calls:
    """The way to Stripe's API."""

    def __init__(self, key: SecretStr, *, api_base: str | None, timeout_seconds: float) -> None:
        self._http = _Http(timeout=timeout_seconds)
        self._api = stripe.StripeClient(
            key.get_secret_value(),
            http_client=self._http,
            max_network_retries=RETRIES,
            base_addresses={"api": api_base} if api_base else {},
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()

    async def get(self, path: str, params: Mapping[str, object] | None = None) -> Told:
        """Ask for something."""
        return await self._call("get", path, params or {}, {})

    async def post(
        self, path: str, params: Mapping[str, object], under: Under | None = None
    ) -> Told:
        """Have something done."""
        return await self._call("post", path, params, under or {})

    async def _call(
        self, method: str, path: str, params: Mapping[str, object], under: Under
    ) -> Told:
        template = OURS.sub("/{id}", path)
        attributes = {"http.request.method": method.upper(), "url.template": template}
        with tracing.span(f"{method.upper()} {template}", "client", attributes):
            response = await self._api.raw_request_async(method, path, **params, **under)
        return cast(Told, response.data)


class _Http(stripe.AIOHTTPClient):
    """The library's own, but that an answer which breaks off half-way is asked for again too."""

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: object = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send a request, and read all of its answer."""
        try:
            return await super().request_async(method, url, headers, post_data)
        except (aiohttp.ClientError, TimeoutError) as error:
            self._handle_request_error(error)


@asynccontextmanager
async def answered() -> AsyncGenerator[None]:
    """Take whatever Stripe's library cannot make a result of as no answer.

    Raises:
        StripeAway: no answer.
    """
    try:
        yield
    except stripe.StripeError as error:
        log.warning(
            "no answer from Stripe",
            kind=type(error).__name__,
            status=error.http_status,
            code=error.code,
            request=error.request_id,
        )
        raise StripeAway(retry_after=3) from None  # its words may hold a token
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        # JSON of another shape, a status of tomorrow: what was done is not known either.
        kind = type(error).__name__
        log.error("an answer from Stripe is not understood", kind=kind, problem=str(error))  # noqa: TRY400 - a stack shows what a call was made with
        raise StripeAway(retry_after=3) from None
