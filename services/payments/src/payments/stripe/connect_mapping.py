"""Parsing of the objects of Stripe Connect."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from common.events import DisputeStatus, TransfersStatus
from payments.domain.seller import Account, Requirement
from payments.domain.stripe_objects import Dispute, Transfer
from payments.stripe.mapping import StripeObject

MAX_REQUIREMENTS: Final = 50
NEEDS_RESPONSE: Final = "needs_response"

_TRANSFERS: Final = {
    "active": TransfersStatus.ACTIVE,
    "pending": TransfersStatus.PENDING,
    "restricted": TransfersStatus.RESTRICTED,
    "rejected": TransfersStatus.REJECTED,
}
_DISPUTE: Final = {
    "warning_needs_response": DisputeStatus.INQUIRY,
    "warning_under_review": DisputeStatus.INQUIRY,
    "warning_closed": DisputeStatus.WON,
    "won": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}


@dataclass(frozen=True, slots=True)
class Link:
    """A link to Stripe's pages. Who has it acts as the seller, so nothing logs or stores it."""

    url: str = field(repr=False)
    expires_at: datetime | None = None


def parse_account(data: StripeObject) -> Account:
    """Parse an account. One whose capability is missing or unknown cannot receive transfers."""
    if data.get("closed"):
        return Account(data["id"], TransfersStatus.CLOSED)
    configuration: StripeObject = data["configuration"] or {}
    recipient: StripeObject = configuration.get("recipient") or {}
    capabilities: StripeObject = recipient.get("capabilities") or {}
    balance: StripeObject = capabilities.get("stripe_balance") or {}
    capability: StripeObject = balance.get("stripe_transfers") or {}
    requirements: StripeObject = data.get("requirements") or {}
    entries: list[StripeObject] = requirements.get("entries") or []
    return Account(
        data["id"],
        _TRANSFERS.get(capability.get("status", ""), TransfersStatus.RESTRICTED),
        tuple(_parse_requirement(entry) for entry in entries[:MAX_REQUIREMENTS]),
    )


def _parse_requirement(data: StripeObject) -> Requirement:
    deadline: StripeObject = data.get("minimum_deadline") or {}
    return Requirement(data["description"], deadline.get("status"))


def parse_link(data: StripeObject) -> Link:
    """Parse a link for onboarding, or one to the pages of a seller, which has no expiry."""
    expires_at: str | None = data.get("expires_at")
    return Link(data["url"], datetime.fromisoformat(expires_at) if expires_at else None)


def parse_transfer(data: StripeObject) -> Transfer:
    """Parse a transfer."""
    reversals: list[StripeObject] = data["reversals"]["data"]
    return Transfer(
        data["id"],
        data["amount"],
        data["amount_reversed"],
        int(data["metadata"].get("round", 0)),
        reversals[0]["id"] if reversals else None,
    )


def parse_dispute(data: StripeObject) -> Dispute:
    """Parse a dispute. A status that is not final counts as open."""
    details: StripeObject = data["evidence_details"]
    due: int | None = details.get("due_by")
    return Dispute(
        data["id"],
        _DISPUTE.get(data["status"], DisputeStatus.OPEN),
        data["amount"],
        data.get("reason"),
        None if due is None else datetime.fromtimestamp(due, UTC),
        has_evidence=bool(details.get("submission_count")),
        needs_response=data["status"] == NEEDS_RESPONSE and not details.get("past_due"),
    )
