"""The ledger and the balance transactions of charges and refunds."""

import sqlite3
from pathlib import Path

import pytest
import stripe
from stripe import StripeClient

from stripe_local.ledger import PLATFORM, Ledger, LedgerOutOfBalance, Line
from stripe_local.store import Store
from stripe_local.testing import Server
from ticketing_local.testing.polling import wait_until


def pay(client: StripeClient, card: str = "visa", amount: int = 2000) -> stripe.Charge:
    """Pay an order of this amount."""
    intent = client.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "expand": ["latest_charge.balance_transaction"],
            "payment_method": f"pm_card_{card}",
            "transfer_group": "order-1",
        }
    )
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


def test_charge_has_a_balance_transaction_with_its_fee(
    server: Server, client: StripeClient
) -> None:
    charge = pay(client)

    transaction = charge.balance_transaction
    assert isinstance(transaction, stripe.BalanceTransaction)
    assert (transaction.amount, transaction.fee, transaction.net) == (2000, 88, 1912)
    assert (transaction.type, transaction.source, transaction.status) == (
        "charge",
        charge.id,
        "pending",
    )
    assert server.ledger()["accounts"] == {
        "customers": {"usd": {"available": 0, "pending": -2000}},
        "platform": {"usd": {"available": 0, "pending": 1912}},
        "stripe_fees": {"usd": {"available": 0, "pending": 88}},
    }


def test_money_of_the_card_that_bypasses_pending_is_available_at_once(
    client: StripeClient,
) -> None:
    pay(client)
    pay(client, "bypassPending")

    balance = client.v1.balance.retrieve()

    assert [each.amount for each in balance.available] == [1912]
    assert [each.amount for each in balance.pending] == [1912]


def test_charge_belongs_to_the_transfer_group_of_its_intent(client: StripeClient) -> None:
    charge = pay(client)

    found = client.v1.charges.list({"transfer_group": "order-1"}).data
    assert [each.id for each in found] == [charge.id]
    assert client.v1.charges.list({"transfer_group": "order-2"}).data == []


def test_declined_charge_moves_no_money(server: Server, client: StripeClient) -> None:
    with pytest.raises(stripe.CardError):
        pay(client, "chargeDeclined")

    (charge,) = server.objects("charge")
    assert charge["balance_transaction"] is None
    assert server.ledger()["accounts"] == {}


def test_refund_takes_the_amount_and_leaves_the_fee(server: Server, client: StripeClient) -> None:
    charge = pay(client)

    refund = client.v1.refunds.create({"charge": charge.id, "expand": ["balance_transaction"]})

    transaction = refund.balance_transaction
    assert isinstance(transaction, stripe.BalanceTransaction)
    assert (transaction.type, transaction.amount, transaction.fee) == ("refund", -2000, 0)
    ledger = server.ledger()
    assert sum(ledger["accounts"][PLATFORM]["usd"].values()) == -88
    assert ledger["balanced"]


def test_failed_refund_returns_its_amount(server: Server, client: StripeClient) -> None:
    refund = client.v1.refunds.create({"charge": pay(client, "refundFail").id})

    wait_until(lambda: client.v1.refunds.retrieve(refund.id).status == "failed")

    failed = client.v1.refunds.retrieve(refund.id)
    found = client.v1.balance_transactions.list({"source": refund.id}).data
    assert [(each.type, each.amount) for each in found] == [
        ("refund_failure", 2000),
        ("refund", -2000),
    ]
    assert failed.failure_balance_transaction == found[0].id
    assert server.ledger()["balanced"]


def test_balance_transactions_are_listed_by_type(client: StripeClient) -> None:
    client.v1.refunds.create({"charge": pay(client).id})

    found = client.v1.balance_transactions.list({"type": "charge"}).data

    assert [each.type for each in found] == ["charge"]
    assert client.v1.balance_transactions.retrieve(found[0].id).net == 1912


def test_entry_out_of_balance_is_refused() -> None:
    ledger = Ledger(Store(":memory:"))

    with pytest.raises(LedgerOutOfBalance):
        ledger.post([Line(PLATFORM, 100, "usd", 0), Line("acct_1", -99, "usd", 0)])

    assert ledger.entries(0, 10) == []


def test_ledger_that_was_tampered_with_is_reported(own_server: Server) -> None:
    pay(own_server.client())
    with sqlite3.connect(own_server.database) as connection:
        connection.execute("update ledger set amount = amount + 1 where account = ?", (PLATFORM,))
    connection.close()

    ledger = own_server.control("GET", "ledger")

    assert (ledger.status_code, ledger.json()["balanced"]) == (500, False)


def test_file_of_an_earlier_version_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "stripe.db"
    connection = sqlite3.connect(path)
    connection.execute(
        "create table objects (seq integer primary key, id text not null unique, kind text not"
        " null, created integer not null, payment_intent text, charge text, type text, due real,"
        " document text not null)"
    )
    connection.execute(
        "insert into objects (id, kind, created, document) values"
        """ ('ch_1', 'charge', 1, '{"id": "ch_1", "object": "charge"}')"""
    )
    connection.commit()
    connection.close()

    store = Store(str(path))

    assert store.get("ch_1", "charge") == {"id": "ch_1", "object": "charge"}
    assert store.list_without_payout("balance_transaction") == []
    store.close()
