"""The double-entry ledger: where each cent is.

The lines of an entry sum up to zero in each currency. An entry that does not is refused, and with
it the call that wrote it. Accounts are the platform, each connected account by its id, and the
three counterparts outside: customers, banks and Stripe's fees.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stripe_local import clock
from stripe_local.documents import Document
from stripe_local.store import Store

PLATFORM: Final = "platform"
CUSTOMERS: Final = "customers"
BANKS: Final = "banks"
STRIPE_FEES: Final = "stripe_fees"

_SCHEMA = """
create table if not exists ledger (
    id integer primary key,
    entry integer not null,
    account text not null,
    currency text not null,
    amount integer not null,
    available_on integer not null,
    balance_transaction text
);
create index if not exists ledger_by_account on ledger (account, currency, available_on, amount);
"""
_COLUMNS = ("id", "entry", "account", "currency", "amount", "available_on", "balance_transaction")


class LedgerOutOfBalance(Exception):
    """An entry whose lines do not sum up to zero."""


@dataclass(frozen=True)
class Line:
    """What an entry adds to an account, or takes from it if it is negative."""

    account: str
    amount: int
    currency: str
    available_on: int
    balance_transaction: str | None = None


@dataclass(frozen=True)
class Balance:
    """The money of an account in a currency."""

    available: int = 0
    pending: int = 0


class Ledger:
    """The entries, which are never changed."""

    def __init__(self, store: Store) -> None:
        self._connection = store.connection
        self._connection.executescript(_SCHEMA)

    def post(self, lines: Sequence[Line]) -> None:
        """Write an entry.

        Raises:
            LedgerOutOfBalance: its lines do not sum up to zero.
        """
        totals: Counter[str] = Counter()
        for line in lines:
            totals[line.currency] += line.amount
        if any(totals.values()):
            raise LedgerOutOfBalance(f"an entry sums up to {dict(totals)}")
        (entry,) = self._connection.execute(
            "select coalesce(max(id), 0) + 1 from ledger"
        ).fetchone()
        self._connection.executemany(
            "insert into ledger (entry, account, currency, amount, available_on,"
            " balance_transaction) values (?, ?, ?, ?, ?, ?)",
            [
                (
                    entry,
                    line.account,
                    line.currency,
                    line.amount,
                    line.available_on,
                    line.balance_transaction,
                )
                for line in lines
            ],
        )

    def balances(self, account: str) -> dict[str, Balance]:
        """Return the money of an account by currency."""
        rows = self._connection.execute(
            "select currency, sum(amount * (available_on <= ?1)), sum(amount * (available_on > ?1))"
            " from ledger where account = ?2 group by currency",
            (clock.timestamp(), account),
        ).fetchall()
        return {currency: Balance(available, pending) for currency, available, pending in rows}

    def balance(self, account: str, currency: str) -> Balance:
        """Return the money of an account in a currency."""
        return self.balances(account).get(currency, Balance())

    def to_document(self) -> Document:
        """Return the balance of every account, and what does not add up."""
        rows = self._connection.execute("select distinct account from ledger order by account")
        accounts = {
            account: {
                currency: {"available": each.available, "pending": each.pending}
                for currency, each in self.balances(account).items()
            }
            for (account,) in rows.fetchall()
        }
        problems = self._problems()
        return {"balanced": not problems, "problems": problems, "accounts": accounts}

    def entries(self, after: int, limit: int) -> list[Document]:
        """Return lines with a higher id, oldest first."""
        sql = f"select {', '.join(_COLUMNS)} from ledger where id > ? order by id limit ?"  # noqa: S608  # our own names
        rows = self._connection.execute(sql, (after, limit)).fetchall()
        return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]

    def clear(self) -> None:
        """Delete all entries."""
        self._connection.execute("delete from ledger")

    def _problems(self) -> list[str]:
        unbalanced = self._connection.execute(
            "select entry, currency, sum(amount) from ledger group by entry, currency"
            " having sum(amount) <> 0"
        ).fetchall()
        unequal = self._connection.execute(
            "select objects.id from objects left join ledger on balance_transaction = objects.id"
            " where kind like '%balance_transaction'"
            " and (amount is null or amount <> json_extract(document, '$.net'))"
        ).fetchall()
        return [
            *(
                f"entry {entry} sums up to {total} {currency}"
                for entry, currency, total in unbalanced
            ),
            *(f"{object_id} differs from the ledger" for (object_id,) in unequal),
        ]
