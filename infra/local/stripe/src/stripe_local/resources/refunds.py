"""Refunds, which succeed at once or later, or (for one test card) fail later."""

from stripe_local.clock import timestamp
from stripe_local.documents import PRIVATE, Document, new_id, now, nulls
from stripe_local.errors import StripeError, invalid, missing
from stripe_local.ledger import CUSTOMERS, PLATFORM
from stripe_local.resources.balance_transactions import Movement, move
from stripe_local.resources.call import Call, merge_metadata
from stripe_local.store import Query


def create(call: Call) -> Document:
    """POST /v1/refunds."""
    charge = _find_charge(call)
    if charge["refunded"]:
        raise StripeError(
            400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if charge["disputed"]:
        _require_refundable(call, charge)
    refundable = charge["amount"] - charge["amount_refunded"]
    amount = call.params.get("amount") or refundable
    if not 1 <= amount <= refundable:
        raise StripeError(
            400,
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({refundable})",
            param="amount",
        )
    refund = merge_metadata(_new(call, charge, amount), call.params)
    refund["balance_transaction"] = _move(call, refund, "refund", -amount)
    call.store.upsert(refund)
    _add_refunded_amount(call, charge, amount)
    call.emit("refund.created", refund)
    call.emit("charge.refunded", charge)
    return refund


def settle_refund(call: Call, refund: Document) -> None:
    """Apply the delayed outcome of a refund."""
    if refund[PRIVATE].pop("fate") == "fails":
        refund |= {
            "status": "failed",
            "failure_reason": "expired_or_canceled_card",
            "failure_balance_transaction": _move(call, refund, "refund_failure", refund["amount"]),
        }
        charge = call.store.get(refund["charge"], "charge")
        if charge:
            _add_refunded_amount(call, charge, -refund["amount"])
    else:
        refund["status"] = "succeeded"
    refund[PRIVATE]["due"] = None
    call.store.upsert(refund)
    call.emit("refund.updated", refund)
    call.emit("charge.refund.updated", refund)
    if refund["status"] == "failed":
        call.emit("refund.failed", refund)


def _find_charge(call: Call) -> Document:
    """Return the successful Charge that a call refunds."""
    intent_id, charge_id = call.params.get("payment_intent"), call.params.get("charge")
    if bool(intent_id) == bool(charge_id):
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or "
            "charge.",
            code="parameter_missing",
        )
    if intent_id:
        intent = call.store.get(intent_id, "payment_intent")
        if intent is None:
            raise missing("payment_intent", intent_id, "payment_intent")
        charge_id = intent["latest_charge"]
    charge = call.store.get(charge_id, "charge") if charge_id else None
    if charge is None and charge_id and not intent_id:
        raise missing("charge", charge_id, "charge")
    if charge is None or charge["status"] != "succeeded":
        subject = f"This PaymentIntent ({intent_id})" if intent_id else f"Charge {charge_id}"
        raise StripeError(400, f"{subject} does not have a successful charge to refund.")
    return charge


def _require_refundable(call: Call, charge: Document) -> None:
    """Check that the bank has not taken the money of a charge; an inquiry only asks."""
    disputes, _ = call.store.page(Query("dispute", limit=100, equal={"charge": charge["id"]}))
    if not all(dispute["is_charge_refundable"] for dispute in disputes):
        raise StripeError(
            400,
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )


def _add_refunded_amount(call: Call, charge: Document, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.store.upsert(charge)


def _move(call: Call, refund: Document, kind: str, amount: int) -> str:
    movement = Movement(PLATFORM, kind, amount, refund["id"])
    (transaction,) = move(call, refund["currency"], movement, counterpart=CUSTOMERS)
    return transaction


def _new(call: Call, charge: Document, amount: int) -> Document:
    fate = charge[PRIVATE]["refund"]
    # https://docs.stripe.com/testing#refunds: a refund that fails later is successful first.
    return {
        "id": new_id("re_3"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": now(),
        "currency": charge["currency"],
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": call.params.get("reason"),
        "status": "pending" if fate == "pends" else "succeeded",
        **nulls("balance_transaction", "customer", "customer_account", "receipt_number"),
        **nulls("source_transfer_reversal", "transfer_reversal"),
        PRIVATE: {
            "fate": fate,
            "due": None if fate == "succeeds" else timestamp() + call.settings.refund_delay_seconds,
        },
    }
