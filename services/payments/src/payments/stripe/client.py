"""The client of Stripe's API, built on Stripe's library.

A call without a response is retried with its idempotency key, so that it is executed only once. If
there is still no response, the outcome is unknown: `StripeUnavailable`. A call that Stripe would
refuse again, for example because of a revoked key, raises `StripeRefused`. Responses stay plain
mappings, because Stripe's objects are expensive to create. Tokens and client secrets are not
logged.
"""

import logging
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, cast

import aiohttp
import stripe
import structlog
from pydantic import SecretStr
from stripe import _api_requestor

from common.errors import ServiceUnavailable
from common.observability import tracing
from payments.metrics import STRIPE_REFUSALS
from payments.stripe.mapping import StripeObject

log = structlog.get_logger("stripe-gateway")

MAX_NETWORK_RETRIES: Final = 2
MAX_PAGE_SIZE: Final = 100
_SERVER_ERROR: Final = 500
RESOURCE_ID: Final = re.compile(r"/(pi|re|pm|ctoken|acct|tr|dp|du)_\w+")
for _noisy_logger in ("stripe", "aiohttp"):  # they log tokens
    logging.getLogger(_noisy_logger).setLevel(logging.WARNING)
stripe.enable_telemetry = False


def _log_nothing(message: str, **details: object) -> None:
    """Replace the log of Stripe's library, which formats every body although it is not logged."""


# A third of the CPU of a call, for which the library has no setting: its log, and the search of the
# environment for an agent that it names to Stripe.
_api_requestor.log_info = _log_nothing  # pyright: ignore[reportPrivateImportUsage]
_api_requestor.log_debug = _log_nothing  # pyright: ignore[reportPrivateImportUsage]
_api_requestor._APIRequestor.AI_AGENTS = []  # noqa: SLF001 - as above


class StripeUnavailable(ServiceUnavailable):
    """Stripe did not respond, or not with a result, so the outcome of the call is unknown."""

    default_message = "The card processor is not responding. It is safe to try again in a moment."


class StripeRefused(StripeUnavailable):
    """Stripe refused the call because of its key, its account or its parameters.

    Stripe would refuse it again until an operator has changed something.
    """


PERMANENT_ERRORS: Final = (
    stripe.AuthenticationError,
    stripe.PermissionError,
    stripe.InvalidRequestError,
    stripe.IdempotencyError,
)


class StripeClient:
    """Sends requests to Stripe's API."""

    def __init__(self, key: SecretStr, *, api_base: str | None, timeout_seconds: float) -> None:
        self._http = _RetryingHttpClient(timeout=timeout_seconds)
        self._api = stripe.StripeClient(
            key.get_secret_value(),
            http_client=self._http,
            max_network_retries=MAX_NETWORK_RETRIES,
            base_addresses={"api": api_base} if api_base else {},
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()

    async def get(self, path: str, params: Mapping[str, object] | None = None) -> StripeObject:
        """Send a GET request."""
        return await self._call("get", path, params or {})

    async def post(
        self, path: str, params: Mapping[str, object], *, idempotency_key: str | None = None
    ) -> StripeObject:
        """Send a POST request, by default with an idempotency key that Stripe's library creates."""
        options = {"idempotency_key": idempotency_key} if idempotency_key else {}
        return await self._call("post", path, {**params, **options})

    async def iter_pages(
        self, path: str, params: Mapping[str, object]
    ) -> AsyncGenerator[Sequence[StripeObject]]:
        """Yield the pages of a list, each with as many objects as Stripe allows.

        Raises:
            StripeUnavailable: Stripe did not respond.
        """
        position: dict[str, str] = {}
        while True:
            async with translate_stripe_errors():
                page = await self.get(path, {"limit": MAX_PAGE_SIZE, **params, **position})
                found: list[StripeObject] = page["data"]
                has_more = bool(found) and page["has_more"]
                position = {"starting_after": found[-1]["id"]} if has_more else {}
            yield found
            if not has_more:
                return

    async def _call(self, method: str, path: str, params: Mapping[str, object]) -> StripeObject:
        template = RESOURCE_ID.sub("/{id}", path)
        attributes = {"http.request.method": method.upper(), "url.template": template}
        with tracing.span(f"{method.upper()} {template}", "client", attributes):
            response = await self._api.raw_request_async(method, path, **params)
        return cast(StripeObject, response.data)


class _RetryingHttpClient(stripe.AIOHTTPClient):
    """Stripe's HTTP client, which also retries responses that break off in the body."""

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: object = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send a request and read the whole response."""
        try:
            return await super().request_async(method, url, headers, post_data)
        except (aiohttp.ClientError, TimeoutError) as error:
            self._handle_request_error(error)


def is_server_error(error: stripe.APIError) -> bool:
    """Return whether Stripe responded with a 5xx, which it repeats under the same key for a day."""
    return (error.http_status or 0) >= _SERVER_ERROR


@asynccontextmanager
async def translate_stripe_errors() -> AsyncGenerator[None]:
    """Translate Stripe's errors and malformed responses.

    Raises:
        StripeRefused: Stripe refused the call, and would refuse it again.
        StripeUnavailable: there was no usable response.
    """
    try:
        yield
    except stripe.StripeError as error:
        log.warning(
            "Stripe request failed",
            kind=type(error).__name__,
            status=error.http_status,
            code=error.code,
            request=error.request_id,
        )
        # Not `from error`, because its message may contain a token.
        if isinstance(error, PERMANENT_ERRORS):
            STRIPE_REFUSALS.labels(str(error.http_status)).inc()
            raise StripeRefused(retry_after=3) from None
        raise StripeUnavailable(retry_after=3) from None
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        # JSON of another shape, or a status added later: the outcome is unknown, too.
        kind = type(error).__name__
        log.error("invalid Stripe response", kind=kind, problem=str(error))  # noqa: TRY400 - a traceback would show the parameters
        raise StripeUnavailable(retry_after=3) from None
