"""The operations of Stripe that payments uses about disputes."""

from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Final

import stripe
from stripe.params import DisputeListParams

from payments.domain.charge import Charge
from payments.domain.stripe_objects import Dispute
from payments.stripe.client import (
    MAX_PAGE_SIZE,
    StripeClient,
    is_server_error,
    translate_stripe_errors,
)
from payments.stripe.connect_mapping import parse_dispute
from payments.stripe.mapping import StripeObject

DISPUTES_PATH: Final = "/v1/disputes"


class EvidenceRefused(Exception):
    """Stripe did not take the evidence, and would say the same again under the same key."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class DisputeApi:
    """Calls Stripe about disputes; every call may raise `StripeUnavailable`."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client

    async def find(self, charge: Charge) -> list[Dispute]:
        """Return the disputes of a payment, newest first."""
        params: DisputeListParams = {"payment_intent": charge.stripe_id, "limit": MAX_PAGE_SIZE}
        async with translate_stripe_errors():
            found: list[StripeObject] = (await self._client.get(DISPUTES_PATH, params))["data"]
            return [parse_dispute(dispute) for dispute in found]

    async def iter_disputed_intents(self, *, since: datetime) -> AsyncGenerator[str]:
        """Yield the PaymentIntents of the disputes that were created since then."""
        params: DisputeListParams = {"created": {"gte": int(since.timestamp())}}
        async for page in self._client.iter_pages(DISPUTES_PATH, params):
            async with translate_stripe_errors():
                intents: list[str | None] = [dispute["payment_intent"] for dispute in page]
            for intent_id in intents:
                if intent_id is not None:
                    yield intent_id

    async def submit_evidence(
        self, charge: Charge, dispute: Dispute, evidence: Mapping[str, str]
    ) -> Dispute:
        """Submit the evidence to the bank, which takes it once, and return the dispute.

        Raises:
            EvidenceRefused: Stripe did not take it.
        """
        asked = charge.evidence_for(dispute)
        key = f"{charge.id}:evidence:{dispute.id}"
        if asked is not None and asked.refusals:
            key = f"{key}:{asked.refusals}"
        params = {"evidence": dict(evidence), "submit": True}
        async with translate_stripe_errors():
            path = f"{DISPUTES_PATH}/{dispute.id}"
            try:
                return parse_dispute(await self._client.post(path, params, idempotency_key=key))
            except (
                stripe.IdempotencyError,
                stripe.InvalidRequestError,
                stripe.PermissionError,
            ) as error:
                raise EvidenceRefused(error.code or "refused") from None
            except stripe.APIError as error:
                if not is_server_error(error):
                    raise
                raise EvidenceRefused("server_error") from None
