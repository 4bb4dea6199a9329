"""What a connected account may do, and what Stripe still asks of it."""

from typing import Any, Final

from stripe_local.documents import PRIVATE, Document, nulls
from stripe_local.errors import StripeError
from stripe_local.resources.call import Call

KIND: Final = "v2.core.account"
ACTIVE, PENDING, RESTRICTED, REJECTED = "active", "pending", "restricted", "rejected"
STATES: Final = (ACTIVE, PENDING, RESTRICTED, REJECTED)

WORKING_BANK: Final = "000123456789"

_DETAILS: Final[dict[str, list[Document]]] = {
    ACTIVE: [],
    PENDING: [{"code": "requirements_pending_verification", "resolution": "no_resolution"}],
    RESTRICTED: [{"code": "requirements_past_due", "resolution": "provide_info"}],
    REJECTED: [{"code": "rejected_fraud", "resolution": "contact_stripe"}],
}
_TRANSFERS: Final = "stripe_balance.stripe_transfers"
_PAYOUTS: Final = "stripe_balance.payouts"


def can_receive(account: Document) -> bool:
    """Return whether transfers to an account are possible."""
    return account[PRIVATE]["transfers"] == ACTIVE and account[PRIVATE]["requested"]


def can_pay_out(account: Document) -> bool:
    """Return whether the money of an account can leave to its bank."""
    private: Document = account[PRIVATE]
    return private["transfers"] == ACTIVE and bool(private["bank"]) and not private["bank_failed"]


def require_open(account: Document) -> None:
    """Check that an account is not closed.

    Raises:
        StripeError: it is closed.
    """
    if account["closed"]:
        raise StripeError(400, f"The account {account['id']} is closed.", code="account_closed")


def change(call: Call, account: Document, **changes: Any) -> Document:
    """Change the private state of an account, and emit what changes with it."""
    before = _outside(account)
    account[PRIVATE] |= changes
    refresh(account)
    call.store.upsert(account)
    after = _outside(account)
    for capability in (_TRANSFERS, _PAYOUTS):
        if before[capability] != after[capability]:
            call.events.emit_thin(
                "v2.core.account[configuration.recipient].capability_status_updated",
                account,
                call.cause,
                {"updated_capability": capability},
            )
    if before["requirements"] != after["requirements"]:
        call.events.emit_thin("v2.core.account[requirements].updated", account, call.cause)
    return account


def refresh(account: Document) -> None:
    """Derive the capabilities and the requirements of an account from its private state."""
    private: Document = account[PRIVATE]
    state: str = private["transfers"]
    if private["requested"]:
        payouts = RESTRICTED if state == ACTIVE and not can_pay_out(account) else state
        account["configuration"]["recipient"]["capabilities"]["stripe_balance"] = {
            "payouts": {"status": payouts, "status_details": _DETAILS[payouts]},
            "stripe_transfers": {"status": state, "status_details": _DETAILS[state]},
        }
    account["requirements"] = _requirements(private)


def _outside(account: Document) -> dict[str, Any]:
    capabilities: Document = account["configuration"]["recipient"]["capabilities"]
    balance: Document = capabilities["stripe_balance"] or {}
    return {
        _TRANSFERS: (balance.get("stripe_transfers") or {}).get("status"),
        _PAYOUTS: (balance.get("payouts") or {}).get("status"),
        "requirements": [each["description"] for each in account["requirements"]["entries"]],
    }


def _requirements(private: Document) -> Document:
    match private["transfers"]:
        case "restricted" if private["onboarded"]:
            entries = [_entry("identity.individual.documents.primary_verification", "past_due")]
        case "restricted":
            entries = [
                _entry("identity.individual.legal_name", "currently_due"),
                _entry("configuration.recipient.default_outbound_destination", "currently_due"),
            ]
        case "pending":
            entries = [_entry("identity.individual.legal_name", "currently_due", "stripe")]
        case _:
            entries = []
    if private["bank_failed"]:
        entries.append(
            _entry(
                "configuration.recipient.default_outbound_destination",
                "past_due",
                capability=_PAYOUTS,
            )
        )
    deadlines = {each["minimum_deadline"]["status"] for each in entries}
    first = next((each for each in ("past_due", "currently_due") if each in deadlines), None)
    summary = {"minimum_deadline": {"status": first, "time": None}} if first else None
    return {"alternatives": None, "entries": entries, "summary": summary}


def _entry(
    description: str, status: str, awaiting: str = "user", capability: str = _TRANSFERS
) -> Document:
    return {
        "awaiting_action_from": awaiting,
        "description": description,
        "errors": [],
        "impact": {
            "restricts_capabilities": [
                {
                    "capability": capability,
                    "configuration": "recipient",
                    "deadline": {"status": status},
                }
            ]
        },
        "minimum_deadline": {"status": status},
        "requested_reasons": [{"code": "routine_onboarding"}],
        **nulls("reference"),
    }
