"""The checks that each cent is where the charges say: by the ledger of the local Stripe server."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final

from chaos.payouts import payable_at_stripe
from chaos.snapshot import OPEN_DISPUTES, Doc, Snapshot

PLATFORM: Final = "platform"
STRIPE_FEES: Final = "stripe_fees"
WAITING: Final = frozenset({"held", "frozen", "sending"})


def platform_has_what_is_held(snapshot: Snapshot) -> Iterator[str]:
    """Check that the platform's balance is what the charges say, and enough for the sellers.

    Stripe's fees are the platform's cost, so they are added to its balance first.
    """
    for problem in snapshot.ledger.get("problems", []):
        yield f"ledger: {problem}"
    taken = sum(
        dispute["amount"]
        for dispute in snapshot.disputes
        if dispute["status"] == "lost"
        or (dispute["status"] in OPEN_DISPUTES and not dispute["status"].startswith("warning"))
    )
    charges = snapshot.documents["payments.charges"]
    paid = sum(charge["amount"] for charge in charges if _has_money(charge))
    sent = sum(map(_rest, charges))
    balance = _total(snapshot, PLATFORM) + _total(snapshot, STRIPE_FEES)
    if balance != paid - sent - taken:
        yield f"the platform has {balance}, its charges say {paid - sent - taken}"
    held = sum(
        payable_at_stripe(snapshot, charge)
        for charge in charges
        if charge.get("payout") and charge["payout"]["state"] in WAITING
    )
    short = sum(
        sum(seller.get("debts", {}).values()) for seller in snapshot.documents["payments.sellers"]
    )
    if held > balance + taken + short:
        yield f"{held} are held for sellers, the platform has {balance + taken} and {short} owed"


def statements_equal_ledger(snapshot: Snapshot) -> Iterator[str]:
    """Check that what a seller's page shows is what Stripe moved to their accounts, to the cent."""
    owners = {account["id"]: account["metadata"].get("userId") for account in snapshot.accounts}
    moved = Counter[str]()
    for account_id, amount in _received(snapshot).items():
        moved[owners.get(account_id) or account_id] += amount
    held = Counter[str]()
    for charge in snapshot.documents["payments.charges"]:
        if charge.get("payout") and charge["payout"]["state"] in WAITING:
            held[charge["seller_id"]] += charge["net"]
    sellers = snapshot.by_id("payments.sellers")
    for user_id, totals in snapshot.statements.items():
        seller: Doc = sellers.get(user_id, {})
        owed = sum(seller.get("debts", {}).values()) - sum(seller.get("withheld", {}).values())
        known = {"sent": moved.pop(user_id, 0), "held": held[user_id], "owed": owed}
        shown = {name: round(totals[name] * 100) for name in known}
        if shown != known:
            yield f"seller {user_id} is shown {shown}, known are {known}"
    for owner, amount in moved.items():
        if amount:
            yield f"{owner} got {amount} at Stripe, but sold nothing"


def _received(snapshot: Snapshot) -> Counter[str]:
    """Return what each account got from the platform, without what went on to its bank."""
    entries: defaultdict[int, list[Doc]] = defaultdict(list)
    for line in snapshot.ledger_lines:
        entries[line["entry"]].append(line)
    received = Counter[str]()
    for lines in entries.values():
        if any(line["account"] == PLATFORM for line in lines):
            for line in lines:
                received[line["account"]] += line["amount"]
    return Counter({name: n for name, n in received.items() if name.startswith("acct_")})


def _has_money(charge: Doc) -> bool:
    is_returned = charge["status"] == "refunded" and charge["stripe_refund_id"] is not None
    return charge.get("paid_at") is not None and not is_returned


def _rest(charge: Doc) -> int:
    payout: Any = charge.get("payout")
    return payout["amount"] - payout["reversed"] if payout and payout["transfer_id"] else 0


def _total(snapshot: Snapshot, account: str) -> int:
    balances: Doc = snapshot.ledger.get("accounts", {}).get(account, {})
    return sum(balance["available"] + balance["pending"] for balance in balances.values())
