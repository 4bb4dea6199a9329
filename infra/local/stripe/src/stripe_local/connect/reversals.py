"""Reversals: money that the platform takes back from a connected account."""

from stripe_local.documents import PRIVATE, Document, new_id, now, nulls, public
from stripe_local.errors import StripeError, missing
from stripe_local.ledger import PLATFORM
from stripe_local.resources.balance_transactions import Movement, move
from stripe_local.resources.call import Call, merge_metadata

_KIND = "transfer_reversal"


def create(call: Call) -> Document:
    """POST /v1/transfers/{id}/reversals."""
    transfer = call.load_object("transfer")
    rest: int = transfer["amount"] - transfer["amount_reversed"]
    if transfer["reversed"]:
        raise StripeError(
            400, f"Transfer {transfer['id']} has already been fully reversed.", param="id"
        )
    amount: int = call.params.get("amount", rest)
    if not 1 <= amount <= rest:
        raise StripeError(
            400,
            f"Reversal amount ({amount}) is greater than unreversed amount on transfer ({rest})",
            param="amount",
        )
    _require_funds(call, transfer, amount)
    reversal = merge_metadata(_new(transfer, amount), call.params)
    _move(call, transfer, reversal)
    call.store.upsert(reversal)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, public(reversal))
    transfer["reversals"]["total_count"] += 1
    call.store.upsert(transfer)
    call.emit("transfer.reversed", transfer)
    return reversal


def list_of_transfer(call: Call) -> Document:
    """GET /v1/transfers/{id}/reversals."""
    reversals: Document = call.load_object("transfer")["reversals"]
    limit: int = call.params.get("limit", 10)
    found: list[Document] = reversals["data"]
    page = {"data": found[:limit], "has_more": len(found) > limit}
    return {"object": "list", **page, "url": reversals["url"]}


def retrieve(call: Call) -> Document:
    """GET /v1/transfers/{transfer}/reversals/{id}."""
    return call.load_object(_KIND)


def _require_funds(call: Call, transfer: Document, amount: int) -> None:
    balance = call.ledger.balance(transfer["destination"], transfer["currency"])
    # Money that is pending can be taken back, too, because it comes from a pending charge.
    if balance.available + balance.pending < amount:
        raise StripeError(
            400,
            "Insufficient funds in your Stripe account's connected account to reverse the "
            f"transfer {transfer['id']}.",
            code="balance_insufficient",
        )


def _new(transfer: Document, amount: int) -> Document:
    return {
        "id": new_id("trr_1"),
        "object": _KIND,
        "amount": amount,
        "created": now(),
        "currency": transfer["currency"],
        "metadata": {},
        "transfer": transfer["id"],
        **nulls("balance_transaction", "destination_payment_refund", "source_refund"),
    }


def _move(call: Call, transfer: Document, reversal: Document) -> None:
    account: str = transfer["destination"]
    payment = call.store.get(transfer["destination_payment"], f"{account}/charge")
    if payment is None:
        raise missing("charge", transfer["destination_payment"])
    amount: int = reversal["amount"]
    refund = _payment_refund(payment, reversal)
    due: int = transfer[PRIVATE]["available_on"]
    incoming = Movement(PLATFORM, "transfer_refund", amount, reversal["id"], available_on=due)
    outgoing = Movement(account, "payment_refund", -amount, refund["id"], available_on=due)
    reversal["balance_transaction"], refund["balance_transaction"] = move(
        call, transfer["currency"], incoming, outgoing
    )
    reversal["destination_payment_refund"] = refund["id"]
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    call.store.upsert(payment)
    call.store.upsert(refund)


def _payment_refund(payment: Document, reversal: Document) -> Document:
    return {
        "id": new_id("pyr_1"),
        "object": "refund",
        "amount": reversal["amount"],
        "charge": payment["id"],
        "created": reversal["created"],
        "currency": reversal["currency"],
        "metadata": {},
        "source_transfer_reversal": reversal["id"],
        "status": "succeeded",
        **nulls("balance_transaction", "customer", "customer_account", "payment_intent"),
        **nulls("payment_method", "reason", "receipt_number", "transfer_reversal"),
        PRIVATE: {"account": payment[PRIVATE]["account"]},
    }
