"""Tests of the rules of a payout, for every status of its charge, every state and every signal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.change import Change
from common.events import (
    ChargeStatus,
    DisputeStatus,
    OrderStatus,
    Outcome,
    PaymentUpdated,
    PayoutState,
    TransfersStatus,
)
from common.values.ids import new_id
from payments.domain.charge import Charge
from payments.domain.charge_payout import MAX_RETRY
from payments.domain.order import Order, PaymentPolicy
from payments.domain.payout import HoldReason, Payout, fee_of
from payments.domain.payout_transitions import PAYOUT_TRANSITIONS, WITH_PAYOUT, Signal
from payments.domain.seller import Account, Seller, new_seller
from payments.domain.stripe_objects import (
    Dispute,
    Intent,
    IntentStatus,
    Refund,
    RefundStatus,
    Transfer,
)

NOW: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
POLICY: Final = PaymentPolicy(fee_basis_points=500)
NET: Final = 1900
LETTERS: Final = {
    "H": PayoutState.HELD,
    "S": PayoutState.SENDING,
    "T": PayoutState.SENT,
    "L": PayoutState.RECALLING,
    "R": PayoutState.RECALLED,
    "X": PayoutState.SHORT,
    "F": PayoutState.FROZEN,
    "V": PayoutState.VOID,
}
PAID_GRID: Final = """
          RELEASE FREEZE THAW TRANSFER LATE_TRANSFER POSTPONEMENT REFUSAL
held      S       F      .    T        L             .            .
sending   .       .      .    T        L             H            F
sent      .       .      .    .        .             .            .
recalling .       .      .    .        .             .            .
recalled  .       .      .    .        .             .            .
short     .       .      .    .        .             .            .
frozen    .       F      H    T        L             .            .
void      .       .      .    .        L             .            .

          ABANDONMENT REFUND CHARGEBACK REVERSAL REVERSAL_REFUSAL NEXT_ROUND
held      .           .      V          .        .                .
sending   V           .      .          .        .                .
sent      .           .      L          .        .                .
recalling .           .      .          R        X                .
recalled  .           .      L          .        .                H
short     .           .      .          .        .                .
frozen    .           .      V          .        .                .
void      .           .      .          .        .                .
"""
REFUNDING_GRID: Final = """
          RELEASE FREEZE THAW TRANSFER LATE_TRANSFER POSTPONEMENT REFUSAL
held      .       .      .    .        L             .            .
sending   .       .      .    .        L             .            .
sent      .       .      .    .        .             .            .
recalling .       .      .    .        .             .            .
recalled  .       .      .    .        .             .            .
short     .       .      .    .        .             .            .
frozen    .       .      .    .        L             .            .
void      .       .      .    .        L             .            .

          ABANDONMENT REFUND CHARGEBACK REVERSAL REVERSAL_REFUSAL NEXT_ROUND
held      .           V      .          .        .                .
sending   V           .      .          .        .                .
sent      .           L      .          .        .                .
recalling .           .      .          R        X                .
recalled  .           .      .          .        .                .
short     .           .      .          .        .                .
frozen    .           V      .          .        .                .
void      .           .      .          .        .                .
"""


def read_grid(grid: str) -> dict[tuple[PayoutState, Signal], PayoutState]:
    expected: dict[tuple[PayoutState, Signal], PayoutState] = {}
    for block in grid.strip("\n").split("\n\n"):
        header, *rows = block.splitlines()
        for row in rows:
            state, *letters = row.split()
            for signal, letter in zip(header.split(), letters, strict=True):
                if letter != ".":
                    expected[PayoutState(state), Signal[signal]] = LETTERS[letter]
    return expected


def make_charge(
    state: PayoutState | None = PayoutState.HELD,
    status: ChargeStatus = ChargeStatus.SUCCEEDED,
    dispute: DisputeStatus | None = None,
    disputed: int = 2000,
) -> Charge:
    has_transfer = state in {
        PayoutState.SENT,
        PayoutState.RECALLING,
        PayoutState.RECALLED,
        PayoutState.SHORT,
    }
    amount = NET if has_transfer or state is PayoutState.SENDING else 0
    return Charge(
        id=new_id(),
        version=3,
        order_id=new_id(),
        user_id=new_id(),
        amount=2000,
        currency="usd",
        status=status,
        stripe_id="pi_1",
        created_at=NOW,
        updated_at=NOW,
        paid_at=NOW,
        seller_id=new_id(),
        release_at=NOW,
        fee=100,
        net=NET,
        stripe_charge_id="ch_1",
        payout=None
        if state is None
        else Payout(
            state,
            amount=amount,
            account_id="acct_1" if amount else None,
            transfer_id="tr_1" if has_transfer else None,
            reversed=amount if state is PayoutState.RECALLED else 0,
            reason=HoldReason.DISPUTED if state is PayoutState.FROZEN else None,
        ),
        dispute=None if dispute is None else Dispute("dp_1", dispute, disputed),
    )


def make_seller(transfers: TransfersStatus = TransfersStatus.ACTIVE) -> Seller:
    seller = new_seller(new_id(), NOW).after
    return seller.apply_account(Account("acct_1", transfers), NOW).after


def state_of(change: Change[Charge]) -> PayoutState:
    assert change.after.payout is not None
    return change.after.payout.state


def release(charge: Charge, seller: Seller | None, now: datetime = NOW) -> Change[Charge]:
    return charge.release(seller, now=now, policy=POLICY)


def made(amount: int = NET, reversed_amount: int = 0) -> Transfer:
    return Transfer("tr_1", amount, reversed_amount, 1)


def test_transitions_match_the_grids() -> None:
    paid, refunding = read_grid(PAID_GRID), read_grid(REFUNDING_GRID)
    for status, state, signal in product(ChargeStatus, PayoutState, Signal):
        grid = paid if status is ChargeStatus.SUCCEEDED else refunding
        expected = grid.get((state, signal)) if status in WITH_PAYOUT else None
        assert PAYOUT_TRANSITIONS.get((status, state, signal)) == expected, (status, state, signal)


@given(amount=st.integers(50, 99_999_999), basis_points=st.integers(0, 5_000))
def test_fee_and_net_are_the_amount_and_never_negative(amount: int, basis_points: int) -> None:
    fee = fee_of(amount, basis_points)

    assert 0 <= fee < amount
    assert fee * 10_000 <= amount * basis_points < (fee + 1) * 10_000


def test_success_fixes_fee_and_net_at_the_sale() -> None:
    opened = replace(make_charge(None, ChargeStatus.PROCESSING), fee=None, net=None)
    intent = Intent("pi_1", IntentStatus.SUCCEEDED, charge_id="ch_9")

    paid = opened.apply_intent(intent, attempts_when_read=0, now=NOW, policy=POLICY).after

    assert (paid.fee, paid.net, paid.stripe_charge_id) == (100, NET, "ch_9")
    assert paid.payout == Payout(PayoutState.HELD)
    assert paid.reconcile_at == paid.release_at
    later = release(paid, make_seller()).after
    assert later.payout is not None
    assert later.payout.amount == NET


@pytest.mark.parametrize("order_cancelled", [True, False])
def test_success_without_a_seller_or_too_late_has_no_payout(*, order_cancelled: bool) -> None:
    opened = replace(
        make_charge(None, ChargeStatus.PROCESSING),
        order_cancelled=order_cancelled,
        seller_id=new_id() if order_cancelled else None,
        net=None,
    )
    intent = Intent("pi_1", IntentStatus.SUCCEEDED, charge_id="ch_9")

    paid = opened.apply_intent(intent, attempts_when_read=0, now=NOW, policy=POLICY).after

    assert (paid.payout, paid.net) == (None, None)


def test_release_waits_for_its_date() -> None:
    charge = replace(make_charge(), release_at=NOW + timedelta(microseconds=1))

    assert release(charge, make_seller()).after == charge


def test_release_is_recorded_before_stripe_is_asked() -> None:
    change = release(make_charge(), make_seller())

    (event,) = change.events
    assert isinstance(event, PaymentUpdated)
    payout = change.after.payout
    assert payout is not None
    assert (payout.state, payout.amount, payout.account_id) == (PayoutState.SENDING, NET, "acct_1")
    assert change.after.reconcile_at == NOW + POLICY.lease


def test_release_pays_the_net_of_the_sale_after_the_fee_has_changed() -> None:
    charge, policy = make_charge(), replace(POLICY, fee_basis_points=2 * POLICY.fee_basis_points)

    change = charge.release(make_seller(), now=NOW, policy=policy)

    assert change.after.payout is not None
    assert change.after.payout.amount == NET


@pytest.mark.parametrize(
    ("seller", "reason"),
    [
        (None, HoldReason.NO_ACCOUNT),
        (new_seller(new_id(), NOW).after, HoldReason.NO_ACCOUNT),
        (make_seller(TransfersStatus.PENDING), HoldReason.ACCOUNT_NOT_READY),
        (make_seller(TransfersStatus.RESTRICTED), HoldReason.ACCOUNT_NOT_READY),
        (make_seller(TransfersStatus.REJECTED), HoldReason.ACCOUNT_NOT_READY),
        (make_seller(TransfersStatus.CLOSED), HoldReason.ACCOUNT_NOT_READY),
        (make_seller().pause(NOW, is_paused=True).after, HoldReason.PAUSED),
    ],
)
def test_release_is_frozen_while_the_seller_cannot_be_paid(
    seller: Seller | None, reason: HoldReason
) -> None:
    frozen = release(make_charge(), seller).after

    assert frozen.payout is not None
    assert (frozen.payout.state, frozen.payout.reason) == (PayoutState.FROZEN, reason)
    assert release(frozen, seller).after == frozen
    thawed = release(frozen, make_seller())
    assert state_of(thawed) is PayoutState.HELD
    assert state_of(release(thawed.after, make_seller())) is PayoutState.SENDING


@pytest.mark.parametrize("status", [DisputeStatus.OPEN, DisputeStatus.INQUIRY])
@pytest.mark.parametrize("state", [PayoutState.HELD, PayoutState.FROZEN])
def test_no_release_while_a_dispute_is_open(status: DisputeStatus, state: PayoutState) -> None:
    charge = make_charge(state, dispute=status)

    assert state_of(release(charge, make_seller())) is PayoutState.FROZEN


@given(
    state=st.sampled_from(PayoutState),
    charge_status=st.sampled_from(WITH_PAYOUT),
    dispute=st.sampled_from([None, *DisputeStatus]),
    transfers=st.sampled_from(TransfersStatus),
    is_due=st.booleans(),
)
def test_release_needs_a_paid_charge_a_date_no_dispute_and_an_active_account(
    *,
    state: PayoutState,
    charge_status: ChargeStatus,
    dispute: DisputeStatus | None,
    transfers: TransfersStatus,
    is_due: bool,
) -> None:
    charge = make_charge(state, charge_status, dispute, disputed=100)
    now = NOW if is_due else NOW - timedelta(seconds=1)

    after = release(charge, make_seller(transfers), now)

    may_send = (
        state is PayoutState.HELD
        and charge_status is ChargeStatus.SUCCEEDED
        and dispute not in {DisputeStatus.OPEN, DisputeStatus.INQUIRY}
        and transfers is TransfersStatus.ACTIVE
        and is_due
    )
    assert (after.after != charge and state_of(after) is PayoutState.SENDING) == may_send


def test_transfer_completes_the_payout_once() -> None:
    sent = make_charge(PayoutState.SENDING).apply_transfer(made(), in_round=1, now=NOW).after

    assert sent.payout is not None
    assert (sent.payout.state, sent.payout.transfer_id) == (PayoutState.SENT, "tr_1")
    assert sent.reconcile_at is None
    assert sent.apply_transfer(made(), in_round=1, now=NOW).after == sent


@pytest.mark.parametrize("refund", ["pending", "refunded", "failed"])
def test_refund_while_sending_recalls_the_transfer_once_it_is_known(refund: str) -> None:
    charge = make_charge(PayoutState.SENDING).mark_order_returned(NOW).after
    assert charge.payout is not None
    assert charge.payout.state is PayoutState.SENDING
    if refund != "pending":
        status = RefundStatus.SUCCEEDED if refund == "refunded" else RefundStatus.FAILED
        charge = charge.apply_refund(Refund("re_1", status), NOW).after

    recalling = charge.apply_transfer(made(), in_round=1, now=NOW).after

    assert state_of(Change(recalling)) is PayoutState.RECALLING
    assert recalling.amount_to_recall == NET
    assert recalling.reconcile_at == NOW
    back = recalling.apply_reversals(made(reversed_amount=NET), in_round=1, now=NOW)
    assert state_of(back) is PayoutState.RECALLED


def test_refund_while_sending_voids_a_payout_that_stripe_refused() -> None:
    charge = make_charge(PayoutState.SENDING).mark_order_returned(NOW).after

    refused = charge.refuse_transfer(
        "account_closed", in_round=1, refusals=0, is_final=True, now=NOW, policy=POLICY
    )

    assert state_of(refused) is PayoutState.VOID


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (PayoutState.HELD, PayoutState.VOID),
        (PayoutState.FROZEN, PayoutState.VOID),
        (PayoutState.SENDING, PayoutState.SENDING),
        (PayoutState.SENT, PayoutState.RECALLING),
        (PayoutState.VOID, PayoutState.VOID),
    ],
)
def test_refund_and_payout_are_decided_by_one_write(
    before: PayoutState, after: PayoutState
) -> None:
    change = make_charge(before).mark_order_returned(NOW)

    assert change.after.status is ChargeStatus.REFUND_PENDING
    assert state_of(change) is after
    assert change.after.version == 4
    assert len(change.events) == 1


def test_refused_transfer_is_tried_again_later_with_another_key() -> None:
    charge = make_charge(PayoutState.SENDING)
    for refusals in range(10):
        charge = charge.refuse_transfer(
            "balance_insufficient",
            in_round=1,
            refusals=refusals,
            is_final=False,
            now=NOW,
            policy=POLICY,
        ).after
        assert charge.payout is not None
        assert charge.payout.state is PayoutState.HELD
        assert charge.reconcile_at is not None
        assert POLICY.payout_retry <= charge.reconcile_at - NOW <= MAX_RETRY
        charge = release(charge, make_seller()).after

    assert charge.payout is not None
    assert charge.payout.refusals == 10


@pytest.mark.parametrize("is_refunded", [False, True], ids=["paid", "refunded"])
def test_refusal_under_an_earlier_key_changes_nothing(*, is_refunded: bool) -> None:
    charge = make_charge(PayoutState.SENDING)
    charge = charge.use_next_key(in_round=1, refusals=0, now=NOW, policy=POLICY).after
    if is_refunded:
        charge = charge.mark_order_returned(NOW).after

    late = charge.refuse_transfer(
        "account_closed", in_round=1, refusals=0, is_final=True, now=NOW, policy=POLICY
    )

    assert late == Change(charge)


def test_stored_error_is_left_by_another_key() -> None:
    charge = make_charge(PayoutState.SENDING)

    after = charge.use_next_key(in_round=1, refusals=0, now=NOW, policy=POLICY).after

    assert after.payout is not None
    assert (after.payout.state, after.payout.refusals) == (PayoutState.SENDING, 1)
    assert after.use_next_key(in_round=1, refusals=0, now=NOW, policy=POLICY).after == after


@pytest.mark.parametrize(
    ("before", "status", "after"),
    [
        (PayoutState.HELD, DisputeStatus.OPEN, PayoutState.FROZEN),
        (PayoutState.HELD, DisputeStatus.INQUIRY, PayoutState.FROZEN),
        (PayoutState.SENDING, DisputeStatus.OPEN, PayoutState.SENDING),
        (PayoutState.SENT, DisputeStatus.OPEN, PayoutState.SENT),
        (PayoutState.FROZEN, DisputeStatus.WON, PayoutState.HELD),
        (PayoutState.HELD, DisputeStatus.LOST, PayoutState.VOID),
        (PayoutState.FROZEN, DisputeStatus.LOST, PayoutState.VOID),
        (PayoutState.SENDING, DisputeStatus.LOST, PayoutState.SENDING),
        (PayoutState.SENT, DisputeStatus.LOST, PayoutState.RECALLING),
        (PayoutState.RECALLED, DisputeStatus.WON, PayoutState.HELD),
    ],
)
def test_dispute_moves_the_payout(
    before: PayoutState, status: DisputeStatus, after: PayoutState
) -> None:
    dispute = Dispute("dp_1", status, 2000)

    change = make_charge(before).apply_disputes([dispute], NOW)

    assert state_of(change) is after
    assert change.after.dispute == dispute
    assert change.after.apply_disputes([dispute], NOW).after == change.after


def test_dispute_lost_while_sending_recalls_the_transfer() -> None:
    charge = make_charge(PayoutState.SENDING, dispute=DisputeStatus.LOST)

    assert state_of(charge.apply_transfer(made(), in_round=1, now=NOW)) is PayoutState.RECALLING


def test_dispute_won_after_recall_begins_another_round_with_the_present_account() -> None:
    charge = (
        make_charge(PayoutState.RECALLED)
        .apply_disputes([Dispute("dp_1", DisputeStatus.WON, 2000)], NOW)
        .after
    )

    assert charge.payout == Payout(PayoutState.HELD, round=2)
    seller = make_seller().apply_account(Account("acct_2", TransfersStatus.ACTIVE), NOW).after
    sending = release(charge, seller).after
    assert sending.payout is not None
    assert (sending.payout.round, sending.payout.account_id) == (2, "acct_2")
    assert sending.apply_transfer(made(), in_round=1, now=NOW).after == sending


def test_lost_part_of_the_payment_reduces_the_payout() -> None:
    dispute = Dispute("dp_1", DisputeStatus.LOST, 500)

    held = make_charge(PayoutState.FROZEN).apply_disputes([dispute], NOW).after
    sending = release(held, make_seller()).after
    recalling = make_charge(PayoutState.SENT).apply_disputes([dispute], NOW).after

    assert sending.payout is not None
    assert sending.payout.amount == NET - 500
    assert recalling.amount_to_recall == 500
    back = recalling.apply_reversals(made(reversed_amount=500), in_round=1, now=NOW)
    assert state_of(back) is PayoutState.RECALLED


def test_dispute_won_after_a_part_was_recalled_sends_no_whole() -> None:
    lost = Dispute("dp_1", DisputeStatus.LOST, 500)
    recalling = make_charge(PayoutState.SENT).apply_disputes([lost], NOW).after
    part = recalling.apply_reversals(made(reversed_amount=500), in_round=1, now=NOW).after
    assert not part.lacks_recalled_part

    won = part.apply_disputes([Dispute("dp_1", DisputeStatus.WON, 500)], NOW)

    assert state_of(won) is PayoutState.RECALLED
    assert won.after.lacks_recalled_part


@pytest.mark.parametrize("state", PayoutState)
def test_money_that_moves_is_continued_soon_also_under_a_dispute(state: PayoutState) -> None:
    is_moving = state in {PayoutState.SENDING, PayoutState.RECALLING}

    assert make_charge(state, dispute=DisputeStatus.OPEN).is_money_moving is is_moving
    assert make_charge(state, ChargeStatus.REFUND_PENDING).is_money_moving


def test_events_have_what_the_letters_to_the_seller_name() -> None:
    sending = make_charge(PayoutState.SENDING)

    (sent,) = sending.apply_transfer(made(NET - 100), in_round=1, now=NOW).events
    (opened,) = sending.apply_disputes([Dispute("dp_1", DisputeStatus.OPEN, 500)], NOW).events

    for event in (sent, opened):
        assert isinstance(event, PaymentUpdated)
        assert event.updated_at == NOW
    assert isinstance(sent, PaymentUpdated)
    assert sent.payout is not None
    assert (sent.payout.transfer_id, sent.payout.amount) == ("tr_1", NET - 100)
    assert isinstance(opened, PaymentUpdated)
    assert opened.dispute is not None
    assert (opened.dispute.id, opened.dispute.amount) == ("dp_1", 500)


def test_second_dispute_that_is_lost_recalls_the_rest() -> None:
    first, second = (Dispute(f"dp_{n}", DisputeStatus.LOST, 1000) for n in (1, 2))
    charge = make_charge(PayoutState.SENT).apply_disputes([first], NOW).after
    charge = charge.apply_reversals(made(reversed_amount=1000), in_round=1, now=NOW).after
    assert charge.apply_disputes([first], NOW).after == charge

    change = charge.apply_disputes([second, first], NOW)

    assert state_of(change) is PayoutState.RECALLING
    recalling = change.after
    assert recalling.amount_to_recall == NET - 1000
    back = recalling.apply_reversals(made(reversed_amount=NET), in_round=1, now=NOW)
    assert state_of(back) is PayoutState.RECALLED
    assert back.after.apply_disputes([second, first], NOW).after == back.after


def test_reversal_of_a_part_does_not_complete_the_recall() -> None:
    recalling = make_charge(PayoutState.SENT).mark_order_returned(NOW).after

    assert recalling.apply_reversals(made(reversed_amount=1), in_round=1, now=NOW).after == (
        recalling
    )
    short = recalling.fall_short(in_round=1, reason="balance_insufficient", now=NOW)
    assert state_of(short) is PayoutState.SHORT


def make_order(**changes: object) -> Order:
    order = Order(
        new_id(),
        new_id(),
        2000,
        OrderStatus.COMPLETE,
        NOW,
        seller_id=new_id(),
        release_at=NOW + timedelta(days=1),
    )
    return replace(order, **changes)  # pyright: ignore[reportArgumentType]


def test_order_of_yesterday_gives_its_charge_a_seller_and_no_fee() -> None:
    charge = replace(make_charge(None), seller_id=None, fee=None, net=None, release_at=None)
    order = make_order()

    adopted = charge.adopt_order(order, NOW).after

    assert adopted.payout == Payout(PayoutState.HELD)
    assert (adopted.seller_id, adopted.fee, adopted.net) == (order.seller_id, 0, 2000)
    assert adopted.reconcile_at == order.release_at
    assert adopted.adopt_order(order, NOW).after == adopted


@pytest.mark.parametrize("state", [state for state in PayoutState if state is not PayoutState.HELD])
def test_order_moves_the_date_only_of_a_payout_that_waits(state: PayoutState) -> None:
    order = make_order()

    assert make_charge().adopt_order(order, NOW).after.release_at == order.release_at
    assert make_charge(state).adopt_order(order, NOW).after.release_at == NOW


def test_order_without_a_seller_changes_nothing() -> None:
    charge = make_charge(None)

    assert charge.adopt_order(make_order(seller_id=None), NOW).after == charge
    assert make_order(outcome=Outcome.RETURNING).outcome is Outcome.RETURNING


@given(
    debts=st.lists(st.integers(1, 5_000), max_size=4),
    nets=st.lists(st.integers(1, 3_000), max_size=8),
)
def test_debts_are_withheld_once_and_never_more_than_is_owed(
    debts: list[int], nets: list[int]
) -> None:
    seller = make_seller()
    for index, debt in enumerate(debts):
        for _ in range(2):
            seller = seller.record_debt(f"debt {index}", debt, NOW).after
    for index, net in enumerate(nets):
        owed = seller.owed
        for _ in range(2):
            seller = seller.withhold(f"net {index}", net, NOW).after
        assert seller.owed == max(owed - net, 0)

    assert seller.owed == max(sum(debts) - sum(nets), 0)
    for index in range(len(nets)):
        seller = seller.give_back(f"net {index}", NOW).after
    assert seller.owed == sum(debts)
