"""Payouts from the balance of an account to its bank, daily by themselves or by a call."""

from dataclasses import replace

from stripe_local.clock import timestamp
from stripe_local.connect import account_state
from stripe_local.connect.funds import require_available
from stripe_local.documents import PRIVATE, Document, new_id, now, nulls
from stripe_local.errors import StripeError, invalid
from stripe_local.ledger import BANKS, PLATFORM, Balance
from stripe_local.resources.balance_transactions import Movement, attach_payout, move
from stripe_local.resources.call import Call, merge_metadata

_FAILING_BANK_SUFFIX = "1116"  # https://docs.stripe.com/connect/testing#payouts
_FAILURE = "The bank account does not exist. Ask the account's owner for another one."


def create(call: Call) -> Document:
    """POST /v1/payouts."""
    amount, currency = call.params["amount"], call.params["currency"].lower()
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer"
        )
    account = call.store.get(call.account, account_state.KIND) if call.account else None
    if account and not account_state.can_pay_out(account):
        raise StripeError(
            400,
            "Cannot create payouts: this account has requirements that need to be collected.",
            code="payouts_not_allowed",
        )
    require_available(call, call.account or PLATFORM, currency, amount)
    return _pay_out(call, account, currency, amount, is_automatic=False)


def cancel(call: Call) -> Document:
    """POST /v1/payouts/{id}/cancel."""
    payout = call.load_object("payout")
    if payout["status"] != "pending":
        raise StripeError(400, f"Payouts with the status {payout['status']} cannot be canceled.")
    payout["status"] = "canceled"
    payout[PRIVATE]["due"] = None
    payout["failure_balance_transaction"] = _return(call, payout, "payout_cancel")
    call.store.upsert(payout)
    call.emit("payout.canceled", payout)
    return payout


def schedule(call: Call, account: Document, available_on: int = 0) -> None:
    """Pay an account out when its money has been available for a while."""
    if not any(each.available + each.pending for each in _balances(call, account)):
        return
    due = max(available_on, now()) + call.settings.payout_seconds
    earlier: float | None = account[PRIVATE]["due"]
    account[PRIVATE]["due"] = due if earlier is None else min(due, earlier)
    call.store.upsert(account)


def settle_account(call: Call, account: Document) -> None:
    """Pay out what is available, and come back for what is not yet."""
    account[PRIVATE]["due"] = None
    call.store.upsert(account)
    if account["closed"] or not account_state.can_pay_out(account):
        return
    scoped = replace(call, account=account["id"])
    for currency, balance in call.ledger.balances(account["id"]).items():
        if balance.available > 0:
            payout = _pay_out(scoped, account, currency, balance.available, is_automatic=True)
            attach_payout(call.store, account["id"], payout["id"], currency)
        if balance.pending > 0:
            schedule(call, account)


def settle_payout(call: Call, payout: Document) -> None:
    """Complete a payout, or fail it for one test bank account."""
    account_id: str | None = payout[PRIVATE].get("account")
    payout[PRIVATE]["due"] = None
    if not payout[PRIVATE]["bank"].endswith(_FAILING_BANK_SUFFIX):
        payout["status"] = "paid"
        call.store.upsert(payout)
        call.emit("payout.paid", payout)
        return
    payout |= {
        "status": "failed",
        "failure_balance_transaction": _return(call, payout, "payout_failure"),
        "failure_code": "no_account",
        "failure_message": _FAILURE,
    }
    call.store.upsert(payout)
    account = call.store.get(account_id, account_state.KIND) if account_id else None
    if account:
        account_state.change(call, account, bank_failed=True)
    call.emit("payout.failed", payout)


def _return(call: Call, payout: Document, kind: str) -> str:
    account: str = payout[PRIVATE].get("account") or PLATFORM
    movement = Movement(account, kind, payout["amount"], payout["id"])
    (transaction,) = move(call, payout["currency"], movement, counterpart=BANKS)
    return transaction


def _balances(call: Call, account: Document) -> list[Balance]:
    return list(call.ledger.balances(account["id"]).values())


def _pay_out(
    call: Call, account: Document | None, currency: str, amount: int, *, is_automatic: bool
) -> Document:
    payout = merge_metadata(_new(call, account, currency, amount), call.params)
    payout["automatic"] = is_automatic
    payout["status"] = "in_transit" if is_automatic else "pending"
    payout["reconciliation_status"] = "completed" if is_automatic else "not_applicable"
    movement = Movement(call.account or PLATFORM, "payout", -amount, payout["id"])
    (payout["balance_transaction"],) = move(call, currency, movement, counterpart=BANKS)
    call.store.upsert(payout)
    call.emit("payout.created", payout)
    return payout


def _new(call: Call, account: Document | None, currency: str, amount: int) -> Document:
    arrival = timestamp() + call.settings.payout_seconds
    bank: str = account[PRIVATE]["bank"] if account else account_state.WORKING_BANK
    private: Document = {"due": arrival, "bank": bank}
    return {
        "id": new_id("po_1"),
        "object": "payout",
        "amount": amount,
        "arrival_date": int(arrival),
        "automatic": False,
        "created": now(),
        "currency": currency,
        "description": call.params.get("description"),
        "destination": f"ba_local_{bank[-4:]}",
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "not_applicable",
        "source_type": "card",
        "statement_descriptor": call.params.get("statement_descriptor"),
        "status": "pending",
        "type": "bank_account",
        **nulls("application_fee", "application_fee_amount", "balance_transaction"),
        **nulls("failure_balance_transaction", "failure_code", "failure_message"),
        **nulls("original_payout", "payout_method", "reversed_by", "trace_id"),
        PRIVATE: {**private, "account": account["id"]} if account else private,
    }
