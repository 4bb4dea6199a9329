"""Conversion between charges and their documents.

A stored field keeps its name when the attribute gets a better one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from common.events import ChargeStatus, DisputeStatus, PayoutState
from common.persistence.mongo import Doc, object_id
from payments.domain.attempts import Attempt, Lease, Outcome
from payments.domain.charge import Charge
from payments.domain.evidence import Evidence
from payments.domain.payout import Payout
from payments.domain.stripe_objects import Card, Decline, Dispute
from payments.domain.suspicious_cards import conceal


def from_document(doc: Mapping[str, Any]) -> Charge:
    """Return the charge that a document stores."""
    return Charge(
        id=str(doc["_id"]),
        version=doc["version"],
        order_id=str(doc["order_id"]),
        user_id=doc["user_id"],
        amount=doc["amount"],
        currency=doc["currency"],
        status=ChargeStatus(doc["status"]),
        stripe_id=doc["stripe_id"],
        created_at=doc["created_at"],
        updated_at=doc["updated_at"],
        attempts=tuple(_attempt_from_document(attempt) for attempt in doc["attempts"]),
        lease=Lease(**doc["lease"]) if doc["lease"] else None,
        reconcile_at=doc["look_at"],
        order_cancelled=doc["order_cancelled"],
        no_more_attempts=doc["final"],
        card=Card(**doc["card"], fingerprint=doc.get("card_fingerprint")) if doc["card"] else None,
        last_error=_decline_from_document(doc["last_error"]) if doc["last_error"] else None,
        stripe_refund_id=doc["stripe_refund_id"],
        refund_reason=doc["refund_reason"],
        paid_at=doc["paid_at"],
        refunded_at=doc["refunded_at"],
        seller_id=doc.get("seller_id"),
        release_at=doc.get("release_at"),
        fee=doc.get("fee"),
        net=doc.get("net"),
        stripe_charge_id=doc.get("stripe_charge_id"),
        payout=_payout_from_document(doc.get("payout")),
        dispute=_dispute_from_document(doc.get("dispute")),
        shares_card=doc.get("shares_card", False),
        evidence=tuple(Evidence(**each) for each in doc.get("evidence") or ()),
    )


def _payout_from_document(doc: Mapping[str, Any] | None) -> Payout | None:
    if doc is None:
        return None
    fields: dict[str, Any] = dict(doc)
    return Payout(PayoutState(fields.pop("state")), **fields)


def _dispute_from_document(doc: Mapping[str, Any] | None) -> Dispute | None:
    if doc is None:
        return None
    fields: dict[str, Any] = {k: v for k, v in doc.items() if k != "needs_response"}
    return Dispute(status=DisputeStatus(fields.pop("status")), **fields)


def _attempt_from_document(doc: Mapping[str, Any]) -> Attempt:
    return Attempt(
        number=doc["n"],
        started_at=doc["at"],
        token_digest=doc["digest"],
        outcome=Outcome(doc["outcome"]) if doc["outcome"] else None,
        code=doc["code"],
        decline_code=doc["decline_code"],
        operator_code=doc.get("operator_code"),
    )


def _attempt_to_document(attempt: Attempt) -> Doc:
    return {
        "n": attempt.number,
        "at": attempt.started_at,
        "digest": attempt.token_digest,
        "outcome": attempt.outcome,
        "code": attempt.code,
        "decline_code": attempt.decline_code,
        **({"operator_code": attempt.operator_code} if attempt.operator_code else {}),
    }


def _decline_from_document(doc: Mapping[str, Any]) -> Decline:
    """Return the decline, concealed also if it was stored before declines were concealed."""
    return conceal(
        Decline(doc["message"], doc["code"], doc["decline_code"], decline_id=doc.get("mark"))
    )


def _decline_to_document(decline: Decline) -> Doc:
    return {
        "message": decline.message,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "mark": decline.decline_id,
    }


def to_document(charge: Charge) -> Doc:
    """Return the fields that store a charge."""
    card = charge.card
    return {
        "order_id": object_id(charge.order_id),
        "user_id": charge.user_id,
        "amount": charge.amount,
        "currency": charge.currency,
        "status": charge.status,
        "stripe_id": charge.stripe_id,
        "created_at": charge.created_at,
        "updated_at": charge.updated_at,
        "attempts": [_attempt_to_document(attempt) for attempt in charge.attempts],
        "lease": _to_subdocument(charge.lease),
        "look_at": charge.reconcile_at,
        "order_cancelled": charge.order_cancelled,
        "final": charge.no_more_attempts,
        "card": {"brand": card.brand, "last4": card.last4} if card else None,
        "card_fingerprint": card.fingerprint if card else None,
        "last_error": _decline_to_document(charge.last_error) if charge.last_error else None,
        "stripe_refund_id": charge.stripe_refund_id,
        "refund_reason": charge.refund_reason,
        "paid_at": charge.paid_at,
        "refunded_at": charge.refunded_at,
        "seller_id": charge.seller_id,
        "release_at": charge.release_at,
        "fee": charge.fee,
        "net": charge.net,
        "stripe_charge_id": charge.stripe_charge_id,
        "payout": _to_subdocument(charge.payout),
        "dispute": _dispute_to_document(charge.dispute),
        **({"shares_card": True} if charge.shares_card else {}),
        **_evidence_to_document(charge.evidence),
    }


def _dispute_to_document(dispute: Dispute | None) -> Doc | None:
    doc = _to_subdocument(dispute)
    return doc and {name: value for name, value in doc.items() if name != "needs_response"}


def _evidence_to_document(evidence: Sequence[Evidence]) -> Doc:
    """Return the field of the evidence, which most charges do not have."""
    return {"evidence": [_to_subdocument(each) for each in evidence]} if evidence else {}


def _to_subdocument(part: Lease | Payout | Dispute | Evidence | None) -> Doc | None:
    """Return the fields by name; `dataclasses.asdict` copies each value and is ten times slower."""
    return None if part is None else {name: getattr(part, name) for name in part.__slots__}
