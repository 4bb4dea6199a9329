"""Disputes: buyers who ask their bank for the money back."""

from typing import Final

import stripe

from stripe_local.clock import timestamp
from stripe_local.documents import PRIVATE, Document, new_id, now, nulls
from stripe_local.errors import StripeError, invalid, missing
from stripe_local.ledger import CUSTOMERS, PLATFORM
from stripe_local.resources.balance_transactions import Movement, find, move
from stripe_local.resources.call import Call, merge_metadata

_DAY_SECONDS: Final = 86_400
_RESPONSE_DAYS: Final = 7
_MAX_EVIDENCE_LENGTH: Final = 150_000
_NEEDS_RESPONSE: Final = ("needs_response", "warning_needs_response")
_OPEN: Final = (*_NEEDS_RESPONSE, "under_review", "warning_under_review")
_NETWORK_REASON_CODES: Final = {"fraudulent": "10.4", "product_not_received": "13.1"}
_FILES: Final = frozenset(
    {
        *("cancellation_policy", "customer_communication", "customer_signature"),
        *("duplicate_charge_documentation", "receipt", "refund_policy"),
        *("service_documentation", "shipping_documentation", "uncategorized_file"),
    }
)
"""The evidence that is the id of an uploaded file; files are not simulated."""
_EVIDENCE: Final = tuple(set(stripe.Dispute.Evidence.__annotations__) - {"enhanced_evidence"})
# https://docs.stripe.com/testing#evidence
_OUTCOMES: Final = {
    "winning_evidence": "won",
    "losing_evidence": "lost",
    "escalate_inquiry_evidence": "escalated",
}


def settle_charge(call: Call, charge: Document) -> None:
    """Dispute the charge of a test card, unless it has been refunded."""
    charge[PRIVATE]["due"] = None
    call.store.upsert(charge)
    amount: int = charge["amount"] - charge["amount_refunded"]
    if amount == 0:
        return
    match charge[PRIVATE]["dispute"]:
        case "inquiry":
            open_dispute(call, charge, amount, is_inquiry=True)
        case "multiple":
            open_dispute(call, charge, amount - amount // 2)
            open_dispute(call, charge, amount // 2)
        case reason:
            open_dispute(call, charge, amount, reason)


def open_dispute(
    call: Call,
    charge: Document,
    amount: int,
    reason: str = "fraudulent",
    *,
    is_inquiry: bool = False,
) -> Document:
    """Open a dispute, or an inquiry, which does not withdraw the money yet."""
    dispute = _new(charge, amount, reason, is_inquiry=is_inquiry)
    charge["disputed"] = True
    call.store.upsert(charge)
    call.store.upsert(dispute)
    call.emit("charge.dispute.created", dispute)
    if not is_inquiry:
        _withdraw(call, dispute)
    return dispute


def update(call: Call) -> Document:
    """POST /v1/disputes/{id}."""
    dispute, params = call.load_object("dispute"), call.params
    evidence: Document | None = params.get("evidence")
    submits: bool = params.get("submit", evidence is not None)
    if (evidence or submits) and dispute["status"] not in _NEEDS_RESPONSE:
        raise StripeError(400, "This dispute no longer accepts evidence.", param="evidence")
    for name, value in (evidence or {}).items():
        if name in _FILES and value:
            raise missing("file", value, f"evidence[{name}]", 400)
    dispute["evidence"] |= {name: value or None for name, value in (evidence or {}).items()}
    texts = [value for value in dispute["evidence"].values() if isinstance(value, str)]
    if sum(map(len, texts)) > _MAX_EVIDENCE_LENGTH:
        raise invalid(
            f"Evidence has a combined character limit of {_MAX_EVIDENCE_LENGTH}.", "evidence"
        )
    merge_metadata(dispute, params)
    dispute["evidence_details"]["has_evidence"] = bool(texts)
    if submits:
        _submit(call, dispute)
    call.store.upsert(dispute)
    call.emit("charge.dispute.updated", dispute)
    return dispute


def close(call: Call) -> Document:
    """POST /v1/disputes/{id}/close: accept it."""
    dispute = call.load_object("dispute")
    if dispute["status"] not in _NEEDS_RESPONSE:
        raise StripeError(400, "This dispute is already closed.")
    return decide(call, dispute, "lost")


def settle_dispute(call: Call, dispute: Document) -> None:
    """Decide a dispute: by the evidence of tests, or lost because nothing was submitted."""
    outcome: str = dispute[PRIVATE]["outcome"]
    dispute["evidence_details"]["past_due"] = dispute["status"] in _NEEDS_RESPONSE
    if outcome == "escalated":
        _escalate(call, dispute)
    else:
        decide(call, dispute, outcome)


def decide(call: Call, dispute: Document, outcome: str) -> Document:
    """Close a dispute as won or lost; an inquiry is only closed.

    Raises:
        StripeError: it is closed.
    """
    if dispute["status"] not in _OPEN:
        raise StripeError(400, "This dispute is already closed.")
    is_inquiry = dispute["status"].startswith("warning_")
    dispute["status"] = "warning_closed" if is_inquiry else outcome
    dispute["is_charge_refundable"] = is_inquiry or outcome == "won"
    dispute[PRIVATE]["due"] = None
    call.store.upsert(dispute)
    if outcome == "won" and not is_inquiry:
        _move(call, dispute, dispute["amount"], fee=0, category="dispute_reversal")
        call.emit("charge.dispute.funds_reinstated", dispute)
    call.emit("charge.dispute.closed", dispute)
    return dispute


def _submit(call: Call, dispute: Document) -> None:
    is_inquiry = dispute["status"].startswith("warning_")
    dispute["status"] = "warning_under_review" if is_inquiry else "under_review"
    dispute["evidence_details"]["submission_count"] += 1
    dispute["evidence_details"]["submission_method"] = "manual"
    outcome = _OUTCOMES.get((dispute["evidence"]["uncategorized_text"] or "").strip())
    if outcome == "escalated" and not is_inquiry:
        outcome = None
    due = timestamp() + call.settings.dispute_seconds if outcome else None
    dispute[PRIVATE] |= {"outcome": outcome, "due": due}


def _escalate(call: Call, dispute: Document) -> None:
    due_by = now() + _RESPONSE_DAYS * _DAY_SECONDS
    dispute |= {"status": "needs_response", "is_charge_refundable": False}
    dispute["evidence_details"] |= {"due_by": due_by, "past_due": False}
    dispute[PRIVATE] |= {"outcome": "lost", "due": due_by}
    call.store.upsert(dispute)
    call.emit("charge.dispute.updated", dispute)
    _withdraw(call, dispute)


def _withdraw(call: Call, dispute: Document) -> None:
    fee = call.settings.dispute_fee_cents
    _move(call, dispute, -dispute["amount"], fee=fee, category="dispute")
    call.emit("charge.dispute.funds_withdrawn", dispute)


def _move(call: Call, dispute: Document, amount: int, *, fee: int, category: str) -> None:
    movement = Movement(PLATFORM, "adjustment", amount, dispute["id"], fee=fee, category=category)
    (transaction,) = move(call, dispute["currency"], movement, counterpart=CUSTOMERS)
    dispute["balance_transactions"].append(find(call.store, transaction))
    call.store.upsert(dispute)


def _new(charge: Document, amount: int, reason: str, *, is_inquiry: bool) -> Document:
    due_by = now() + _RESPONSE_DAYS * _DAY_SECONDS
    brand: str = charge["payment_method_details"]["card"]["brand"]
    code = _NETWORK_REASON_CODES.get(reason)
    return {
        "id": new_id("du_1"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**nulls(*_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": is_inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": code,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": brand,
                "case_type": "inquiry" if is_inquiry else "chargeback",
                "network": brand,
                "network_reason_code": code,
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if is_inquiry else "needs_response",
        PRIVATE: {"outcome": "lost", "due": due_by},
    }
