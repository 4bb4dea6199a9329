"""Transfers from the platform to connected accounts."""

from stripe_local.cards.amounts import validate_currency
from stripe_local.clock import timestamp
from stripe_local.connect import account_state, accounts, payouts
from stripe_local.connect.funds import require_available
from stripe_local.documents import PRIVATE, Document, new_id, now, nulls
from stripe_local.errors import StripeError, invalid, missing
from stripe_local.ledger import PLATFORM
from stripe_local.resources.balance_transactions import Movement, move
from stripe_local.resources.call import Call, merge_metadata
from stripe_local.store import Query

_MAX_TRANSFERS_OF_A_CHARGE = 100


def create(call: Call) -> Document:
    """POST /v1/transfers."""
    params = call.params
    amount: int = params.get("amount", 0)
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer"
        )
    currency = validate_currency(params["currency"])
    account = accounts.find(call, params["destination"], "destination")
    account_state.require_open(account)
    if not account_state.can_receive(account):
        raise StripeError(
            400,
            "Your destination account needs to have at least one of the following capabilities "
            "enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    charge = _source_charge(call, amount)
    if charge is None:
        require_available(call, PLATFORM, currency, amount)
    transfer = merge_metadata(_new(call, amount, charge), params)
    _move(call, transfer)
    call.store.upsert(transfer)
    payouts.schedule(call, account, transfer[PRIVATE]["available_on"])
    call.emit("transfer.created", transfer)
    return transfer


def update(call: Call) -> Document:
    """POST /v1/transfers/{id}."""
    transfer = merge_metadata(call.load_object("transfer"), call.params)
    if "description" in call.params:
        transfer["description"] = call.params["description"] or None
    call.store.upsert(transfer)
    call.emit("transfer.updated", transfer)
    return transfer


def _source_charge(call: Call, amount: int) -> Document | None:
    """Return the charge whose money is transferred, if the call names one.

    Raises:
        StripeError: it has too little left.
    """
    charge_id: str | None = call.params.get("source_transaction")
    if not charge_id:
        return None
    charge = call.store.get(charge_id, "charge")
    if charge is None:
        raise missing("charge", charge_id, "source_transaction", 400)
    if charge["status"] != "succeeded":
        raise StripeError(400, f"Charge {charge_id} has not succeeded.", param="source_transaction")
    if charge["currency"] != call.params["currency"].lower():
        raise invalid(
            "The currency of source_transaction's balance transaction "
            f"({charge['currency']}) must be the same as the transfer currency.",
            "currency",
        )
    query = Query("transfer", _MAX_TRANSFERS_OF_A_CHARGE, equal={"source": charge_id})
    transfers, _ = call.store.page(query)
    transferred = sum(each["amount"] - each["amount_reversed"] for each in transfers)
    source_amount = charge["amount"] - charge["amount_refunded"]
    if amount + transferred > source_amount:
        raise StripeError(
            400,
            "Transfers using this transaction as a source must not exceed the source amount of "
            f"{source_amount}. (There are already existing transfers using this source, amounting "
            f"to a total of {transferred}.)",
            param="source_transaction",
        )
    return charge


def _new(call: Call, amount: int, charge: Document | None) -> Document:
    params, transfer_id = call.params, new_id("tr_3")
    group = (charge["transfer_group"] or f"group_{charge['id']}") if charge else None
    return {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": now(),
        "currency": params["currency"].lower(),
        "description": params.get("description"),
        "destination": params["destination"],
        "destination_payment": None,
        "livemode": False,
        "metadata": {},
        "reversals": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": f"/v1/transfers/{transfer_id}/reversals",
        },
        "reversed": False,
        "source_transaction": charge["id"] if charge else None,
        "source_type": "card",
        "transfer_group": params.get("transfer_group") or group,
        PRIVATE: {
            "source": charge["id"] if charge else None,
            "available_on": _available_on(call, charge),
        },
    }


def _available_on(call: Call, charge: Document | None) -> int:
    """Return when the money is available: with that of the charge, or at once."""
    transaction_id = charge["balance_transaction"] if charge else None
    transaction = call.store.get(transaction_id) if transaction_id else None
    return max(int(timestamp()), transaction["available_on"] if transaction else 0)


def _move(call: Call, transfer: Document) -> None:
    amount: int = transfer["amount"]
    account: str = transfer["destination"]
    due: int = transfer[PRIVATE]["available_on"]
    payment = _payment(transfer)
    outgoing = Movement(PLATFORM, "transfer", -amount, transfer["id"], available_on=due)
    incoming = Movement(account, "payment", amount, payment["id"], available_on=due)
    transfer["balance_transaction"], payment["balance_transaction"] = move(
        call, transfer["currency"], outgoing, incoming
    )
    transfer["destination_payment"] = payment["id"]
    call.store.upsert(payment)


def _payment(transfer: Document) -> Document:
    """Return the charge of the connected account that a transfer makes."""
    return {
        "id": new_id("py_1"),
        "object": "charge",
        "amount": transfer["amount"],
        "amount_captured": transfer["amount"],
        "amount_refunded": 0,
        "billing_details": {
            "address": nulls("city", "country", "line1", "line2", "postal_code", "state"),
            **nulls("email", "name", "phone", "tax_id"),
        },
        "captured": True,
        "created": transfer["created"],
        "currency": transfer["currency"],
        "description": transfer["description"],
        "disputed": False,
        "livemode": False,
        "metadata": {},
        "paid": True,
        "refunded": False,
        "source_transfer": transfer["id"],
        "status": "succeeded",
        "transfer_group": transfer["transfer_group"],
        **nulls("balance_transaction", "failure_code", "failure_message", "payment_intent"),
        PRIVATE: {"account": transfer["destination"]},
    }
