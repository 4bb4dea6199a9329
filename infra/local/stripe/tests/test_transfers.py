"""Transfers to connected accounts, their reversals, and the payouts of these accounts."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe
from stripe import StripeClient
from stripe.params import TransferCreateParams

from stripe_local.testing import Server

DAY = 86_400


@pytest.fixture
def seller(server: Server, client: StripeClient) -> str:
    """An account that can receive transfers."""
    return create_account(server, client, "active")


def create_account(server: Server, client: StripeClient, state: str) -> str:
    account = client.v2.core.accounts.create(
        {
            "dashboard": "express",
            "configuration": {
                "recipient": {
                    "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
                }
            },
        }
    )
    server.set_account(account.id, state)
    return account.id


def pay(client: StripeClient, card: str = "visa", amount: int = 2000) -> str:
    """Pay an order, and return its charge."""
    intent = client.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "payment_method": f"pm_card_{card}",
            "transfer_group": "order-1",
        }
    )
    assert isinstance(intent.latest_charge, str)
    return intent.latest_charge


def transfer_of(charge: str, seller: str, amount: int = 1900) -> TransferCreateParams:
    return {
        "amount": amount,
        "currency": "usd",
        "destination": seller,
        "source_transaction": charge,
        "metadata": {"round": "1"},
    }


def refusal_of(client: StripeClient, params: TransferCreateParams) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.transfers.create(params)
    return refusal.value


def balance_of(server: Server, account: str) -> int:
    return sum(server.ledger()["accounts"].get(account, {}).get("usd", {}).values())


def test_transfer_moves_the_money_of_its_charge(
    server: Server, client: StripeClient, seller: str
) -> None:
    charge = pay(client)

    transfer = client.v1.transfers.create(transfer_of(charge, seller))

    assert (transfer.amount, transfer.destination, transfer.reversed) == (1900, seller, False)
    assert (transfer.source_transaction, transfer.transfer_group) == (charge, "order-1")
    assert (balance_of(server, seller), balance_of(server, "platform")) == (1900, 12)
    pending = client.v1.balance.retrieve(options={"stripe_account": seller}).pending
    assert pending[0].amount == 1900
    payment = client.v1.charges.retrieve(
        str(transfer.destination_payment), options={"stripe_account": seller}
    )
    assert (payment.amount, payment.source_transfer) == (1900, transfer.id)


def test_transfers_are_found_by_group_and_destination(
    server: Server, client: StripeClient, seller: str
) -> None:
    transfer = client.v1.transfers.create(transfer_of(pay(client), seller))

    for found in (
        client.v1.transfers.list({"transfer_group": "order-1"}),
        client.v1.transfers.list({"destination": seller}),
    ):
        assert [each.id for each in found.data] == [transfer.id]
        assert found.data[0].metadata["round"] == "1"
    assert client.v1.transfers.list({"transfer_group": "order-2"}).data == []
    assert client.v1.charges.list().data[0].object == "charge"
    assert len(client.v1.charges.list().data) == 1  # the payment belongs to the seller
    assert server.ledger()["balanced"]


def test_transfers_cannot_exceed_their_charge(client: StripeClient, seller: str) -> None:
    charge = pay(client)
    client.v1.transfers.create(transfer_of(charge, seller, 1500))

    refusal = refusal_of(client, transfer_of(charge, seller, 501))

    assert (refusal.http_status, refusal.param) == (400, "source_transaction")
    assert client.v1.transfers.create(transfer_of(charge, seller, 500)).amount == 500


def test_refunded_charge_cannot_be_transferred(client: StripeClient, seller: str) -> None:
    charge = pay(client)
    client.v1.refunds.create({"charge": charge})

    assert refusal_of(client, transfer_of(charge, seller)).param == "source_transaction"


def test_transfer_without_its_charge_needs_available_money(
    client: StripeClient, seller: str
) -> None:
    pay(client)
    params: TransferCreateParams = {"amount": 1900, "currency": "usd", "destination": seller}

    assert refusal_of(client, params).code == "balance_insufficient"

    pay(client, "bypassPending")
    assert client.v1.transfers.create(params).amount == 1900


@pytest.mark.parametrize("state", ["pending", "restricted", "rejected"])
def test_transfer_to_an_account_that_is_not_active_is_refused(
    server: Server, client: StripeClient, state: str
) -> None:
    account = create_account(server, client, state)

    refusal = refusal_of(client, transfer_of(pay(client), account))

    assert refusal.code == "insufficient_capabilities_for_transfer"


def test_transfer_to_a_closed_or_unknown_account_is_refused(
    client: StripeClient, seller: str
) -> None:
    charge = pay(client)
    client.v2.core.accounts.close(seller)

    assert refusal_of(client, transfer_of(charge, seller)).code == "account_closed"
    assert refusal_of(client, transfer_of(charge, "acct_none")).code == "resource_missing"


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"currency": "eur"},
        {"currency": "xyz"},
        {"source_transaction": "ch_none"},
        {"colour": "red"},
    ],
)
def test_invalid_transfer_is_refused(
    server: Server, client: StripeClient, seller: str, wrong: TransferCreateParams
) -> None:
    params: TransferCreateParams = {**transfer_of(pay(client), seller), **wrong}

    assert refusal_of(client, params).http_status == 400
    assert server.objects("transfer") == []


def test_parallel_transfers_with_one_key_move_the_money_once(server: Server, seller: str) -> None:
    client = server.client(retries=5)
    params = transfer_of(pay(client), seller)

    def create(_: int) -> str:
        return client.v1.transfers.create(params, {"idempotency_key": "c1:transfer:1"}).id

    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(create, range(8)))

    assert ids == {each["id"] for each in server.objects("transfer")}
    assert balance_of(server, seller) == 1900


def test_forgotten_key_moves_the_money_again(
    server: Server, client: StripeClient, seller: str
) -> None:
    params = transfer_of(pay(client), seller, 500)
    first = client.v1.transfers.create(params, {"idempotency_key": "c1:transfer:1"})
    assert server.control("DELETE", "idempotency?older=3600").json() == {"forgotten": 0}
    assert server.control("DELETE", "idempotency?match=c2:*").json() == {"forgotten": 0}
    again = client.v1.transfers.create(params, {"idempotency_key": "c1:transfer:1"})
    assert again.id == first.id

    assert server.control("DELETE", "idempotency?match=c1:*").json() == {"forgotten": 1}

    third = client.v1.transfers.create(params, {"idempotency_key": "c1:transfer:1"})
    assert third.id != first.id


def test_lost_response_of_a_transfer_is_replayed(server: Server, seller: str) -> None:
    client = server.client(retries=2)
    charge = pay(client)
    server.fault("POST /v1/transfers", "drop_after")

    transfer = client.v1.transfers.create(transfer_of(charge, seller))

    assert [each["id"] for each in server.objects("transfer")] == [transfer.id]


def test_reversal_takes_the_money_back(server: Server, client: StripeClient, seller: str) -> None:
    charge = pay(client)
    transfer = client.v1.transfers.create(transfer_of(charge, seller))

    reversal = client.v1.transfers.reversals.create(transfer.id, {"amount": 900})
    client.v1.transfers.reversals.create(transfer.id)

    after = client.v1.transfers.retrieve(transfer.id)
    assert (after.amount_reversed, after.reversed) == (1900, True)
    assert [each.amount for each in after.reversals.data] == [1000, 900]
    found = client.v1.transfers.reversals.list(transfer.id).data
    assert found[-1].id == reversal.id
    assert client.v1.transfers.reversals.retrieve(transfer.id, reversal.id).amount == 900
    assert (balance_of(server, seller), balance_of(server, "platform")) == (0, 1912)
    assert client.v1.transfers.create(transfer_of(charge, seller)).amount == 1900


def test_reversal_cannot_exceed_its_transfer(client: StripeClient, seller: str) -> None:
    transfer = client.v1.transfers.create(transfer_of(pay(client), seller))

    with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed"):
        client.v1.transfers.reversals.create(transfer.id, {"amount": 1901})
    client.v1.transfers.reversals.create(transfer.id)
    with pytest.raises(stripe.InvalidRequestError, match="already been fully reversed"):
        client.v1.transfers.reversals.create(transfer.id)


def test_money_is_paid_out_a_day_after_it_is_available(
    server: Server, client: StripeClient, seller: str
) -> None:
    transfer = client.v1.transfers.create(transfer_of(pay(client), seller))
    options: stripe.RequestOptions = {"stripe_account": seller}
    server.move_clock(2 * DAY + 1)
    assert client.v1.payouts.list(options=options).data == []

    server.move_clock(DAY)

    (payout,) = client.v1.payouts.list(options=options).data
    assert (payout.amount, payout.status, payout.automatic) == (1900, "in_transit", True)
    (paid,) = client.v1.balance_transactions.list(
        {"payout": payout.id, "type": "payment"}, options
    ).data
    assert paid.source == transfer.destination_payment
    server.move_clock(DAY)
    assert client.v1.payouts.retrieve(payout.id, options=options).status == "paid"
    assert client.v1.payouts.list().data == []
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.transfers.reversals.create(transfer.id)
    assert refusal.value.code == "balance_insufficient"
    assert server.ledger()["accounts"]["banks"]["usd"]["available"] == 1900
    events = {(each["type"], each.get("account")) for each in server.objects(f"{seller}/event")}
    assert events == {("payout.created", seller), ("payout.paid", seller)}


def test_payout_to_the_failing_bank_account_returns(
    server: Server, client: StripeClient, seller: str
) -> None:
    server.set_account(seller, "active", bank="000111111116")
    client.v1.transfers.create(transfer_of(pay(client), seller))

    server.move_clock(5 * DAY)

    (payout,) = client.v1.payouts.list(options={"stripe_account": seller}).data
    assert (payout.status, payout.failure_code) == ("failed", "no_account")
    assert balance_of(server, seller) == 1900
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payouts.create({"amount": 100, "currency": "usd"}, {"stripe_account": seller})
    assert refusal.value.code == "payouts_not_allowed"


def test_platform_pays_out_only_what_is_available(server: Server, client: StripeClient) -> None:
    pay(client, "bypassPending")
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payouts.create({"amount": 1913, "currency": "usd"})
    assert refusal.value.code == "balance_insufficient"

    client.v1.payouts.create({"amount": 1912, "currency": "usd"})

    assert balance_of(server, "platform") == 0


def test_pending_payout_is_canceled(server: Server, client: StripeClient) -> None:
    pay(client, "bypassPending")
    payout = client.v1.payouts.create({"amount": 1912, "currency": "usd"})

    assert client.v1.payouts.cancel(payout.id).status == "canceled"

    assert balance_of(server, "platform") == 1912
    with pytest.raises(stripe.InvalidRequestError, match="cannot be canceled"):
        client.v1.payouts.cancel(payout.id)
    assert server.objects("event")[-1]["type"] == "payout.canceled"
