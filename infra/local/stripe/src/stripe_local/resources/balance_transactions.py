"""Balance transactions, each with its lines in the ledger, and the balance that they make up."""

from dataclasses import dataclass

from stripe_local.clock import timestamp
from stripe_local.documents import PRIVATE, Document, new_id, now, public
from stripe_local.ledger import PLATFORM, STRIPE_FEES, Ledger, Line
from stripe_local.resources.call import Call
from stripe_local.store import Store

_KIND = "balance_transaction"
_REPORTING_CATEGORIES = {
    "payment": "charge",
    "payment_refund": "refund",
    "payout_cancel": "payout_reversal",
    "payout_failure": "payout_reversal",
    "transfer_refund": "transfer_reversal",
}


@dataclass(frozen=True)
class Movement:
    """A change of the balance of one account. The fee is taken from it."""

    account: str
    kind: str
    amount: int
    source: str
    fee: int = 0
    available_on: int = 0  # by default at once
    category: str | None = None

    @property
    def net(self) -> int:
        """What the balance changes by."""
        return self.amount - self.fee


def move(
    call: Call, currency: str, *movements: Movement, counterpart: str | None = None
) -> list[str]:
    """Write movements as one entry, and return the ids of their balance transactions.

    What they do not move between accounts of this server comes from the counterpart.
    """
    documents = [_new(currency, movement) for movement in movements]
    lines: list[Line] = []
    for document, movement in zip(documents, movements, strict=True):
        due: int = document["available_on"]
        lines.append(Line(movement.account, movement.net, currency, due, document["id"]))
        if movement.fee:
            lines.append(Line(STRIPE_FEES, movement.fee, currency, due))
        if counterpart:
            lines.append(Line(counterpart, -movement.amount, currency, due))
        call.store.upsert(document)
    call.ledger.post(lines)
    return [document["id"] for document in documents]


def with_status(transaction: Document) -> Document:
    """Return a balance transaction with its status at this moment."""
    is_available = transaction["available_on"] <= timestamp()
    return {**transaction, "status": "available" if is_available else "pending"}


def find(store: Store, transaction_id: str) -> Document | None:
    """Return a balance transaction as responses show it."""
    transaction = store.get(transaction_id)
    return with_status(public(transaction)) if transaction else None


def attach_payout(store: Store, account: str, payout_id: str, currency: str) -> None:
    """Note which payout pays out the transactions that are available."""
    for transaction in store.list_without_payout(f"{account}/{_KIND}"):
        is_available = transaction["available_on"] <= timestamp()
        if is_available and transaction["currency"] == currency:
            transaction[PRIVATE]["payout"] = payout_id
            store.upsert(transaction)


def retrieve_balance(call: Call) -> Document:
    """GET /v1/balance."""
    balances = _balances(call.ledger, call.account or PLATFORM)
    document: Document = {
        "object": "balance",
        "available": [_money(currency, each[0]) for currency, each in balances.items()],
        "livemode": False,
        "pending": [_money(currency, each[1]) for currency, each in balances.items()],
    }
    return document if call.account else {**document, "connect_reserved": [_money("usd", 0)]}


def _balances(ledger: Ledger, account: str) -> dict[str, tuple[int, int]]:
    found = {
        name: (each.available, each.pending) for name, each in ledger.balances(account).items()
    }
    return found or {"usd": (0, 0)}


def _money(currency: str, amount: int) -> Document:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _new(currency: str, movement: Movement) -> Document:
    fee = {
        "amount": movement.fee,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    return {
        "id": new_id("txn_3"),
        "object": _KIND,
        "amount": movement.amount,
        "available_on": max(movement.available_on, now()),
        "balance_type": "payments",
        "created": now(),
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": movement.fee,
        "fee_details": [fee] if movement.fee else [],
        "net": movement.net,
        "reporting_category": movement.category
        or _REPORTING_CATEGORIES.get(movement.kind, movement.kind),
        "source": movement.source,
        "status": "pending",
        "type": movement.kind,
        PRIVATE: {} if movement.account == PLATFORM else {"account": movement.account},
    }
