"""Tests of the rules of a charge, for every status and trigger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import pytest

from common.change import Change
from common.errors import BadRequest, Conflict
from common.events import (
    ChargeStatus,
    OrderStatus,
    PaymentCreated,
    PaymentFailed,
    PaymentRefunded,
    PaymentUpdated,
)
from common.values.ids import new_id
from payments.domain.attempts import (
    MAX_STORED_ATTEMPTS,
    UNAUTHENTICATED,
    Attempt,
    Lease,
    Outcome,
)
from payments.domain.charge import Charge, charge_id_of, first_attempt_id, new_charge
from payments.domain.order import Order, PaymentPolicy
from payments.domain.stripe_objects import Card, Decline, Intent, IntentStatus, Refund, RefundStatus
from payments.domain.transitions import OPEN_STATUSES, TRANSITIONS, Trigger

NOW: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
SOON: Final = NOW + timedelta(minutes=15)
POLICY: Final = PaymentPolicy(max_attempts=3)
DECLINED: Final = Decline("Your card was declined.", "card_declined", "generic_decline", "ch_1")

GRID: Final = """
                         ATTEMPT UNKNOWN ACTION DECLINE NO_RESULT SUCCESS LATE_SUCCESS CANCELLATION
created                  P       .       .      .       .       .       .            .
processing               .       P       A      M       M       S       B            C
requires_payment_method  P       .       A      .       .       S       B            C
requires_action          P       .       .      M       M       S       B            C
succeeded                .       .       .      .       .       .       .            .
refund_pending           .       .       .      .       .       .       .            .
refunded                 .       .       .      .       .       .       .            .
refund_failed            .       .       .      .       .       .       .            .
canceled                 .       .       .      .       .       .       .            .

                         ORDER_CANCELLED REFUND_STARTED REFUND REFUND_FAILURE RETURN
created                  .               .            .      .      .
processing               P               .            .      .      .
requires_payment_method  M               .            .      .      .
requires_action          A               .            .      .      .
succeeded                B               .            .      .      B
refund_pending           .               B            R      F      .
refunded                 .               .            .      F      .
refund_failed            .               .            .      .      .
canceled                 .               .            .      .      .
"""
LETTERS: Final = {
    "P": ChargeStatus.PROCESSING,
    "M": ChargeStatus.REQUIRES_PAYMENT_METHOD,
    "A": ChargeStatus.REQUIRES_ACTION,
    "S": ChargeStatus.SUCCEEDED,
    "B": ChargeStatus.REFUND_PENDING,
    "R": ChargeStatus.REFUNDED,
    "F": ChargeStatus.REFUND_FAILED,
    "C": ChargeStatus.CANCELED,
}


def expected_transitions() -> dict[tuple[ChargeStatus, Trigger], ChargeStatus]:
    expected: dict[tuple[ChargeStatus, Trigger], ChargeStatus] = {}
    for block in GRID.strip("\n").split("\n\n"):
        header, *rows = block.splitlines()
        for row in rows:
            status, *letters = row.split()
            for trigger, letter in zip(header.split(), letters, strict=True):
                if letter != ".":
                    expected[ChargeStatus(status), Trigger[trigger]] = LETTERS[letter]
    return expected


def make_order(status: OrderStatus = OrderStatus.CREATED, expires_at: datetime = SOON) -> Order:
    return Order(new_id(), new_id(), 1999, status, expires_at)


def make_charge(status: ChargeStatus, *, attempts: int = 1, cancelled: bool = False) -> Charge:
    """Return a charge; if it is processing, its last attempt is running."""
    running = status is ChargeStatus.PROCESSING
    return Charge(
        id=new_id(),
        version=7,
        order_id=new_id(),
        user_id=new_id(),
        amount=1999,
        currency="usd",
        status=status,
        stripe_id="pi_1",
        created_at=NOW,
        updated_at=NOW,
        attempts=tuple(Attempt(n + 1, NOW, f"digest {n}") for n in range(attempts)),
        lease=Lease("me", NOW + POLICY.lease) if running else None,
        order_cancelled=cancelled,
    )


def abandoned(charge: Charge) -> Charge:
    """Return the charge after the process of its attempt has died."""
    return replace(charge, lease=None)


def claim(
    charge: Charge, order: Order | None = None, policy: PaymentPolicy = POLICY
) -> Change[Charge]:
    return charge.claim(order or make_order(), digest="d", owner="me", now=NOW, policy=policy)


def apply_intent(
    charge: Charge,
    intent: Intent,
    policy: PaymentPolicy = POLICY,
    *,
    is_own_confirm: bool = False,
    attempts_when_read: int | None = None,
) -> Change[Charge]:
    attempts_when_read = len(charge.attempts) if attempts_when_read is None else attempts_when_read
    return charge.apply_intent(
        intent,
        attempts_when_read=attempts_when_read,
        is_own_confirm=is_own_confirm,
        now=NOW,
        policy=policy,
    )


def make_intent(status: IntentStatus, decline: Decline | None = None) -> Intent:
    return Intent("pi_1", status, Card("visa", "4242"), decline)


def test_transitions_match_the_grid() -> None:
    expected = expected_transitions()
    for status, trigger in product(ChargeStatus, Trigger):
        assert TRANSITIONS.get((status, trigger)) == expected.get((status, trigger)), (
            status,
            trigger,
        )


def test_succeeded_payment_can_only_be_refunded() -> None:
    taken = {
        ChargeStatus.SUCCEEDED,
        ChargeStatus.REFUND_PENDING,
        ChargeStatus.REFUNDED,
        ChargeStatus.REFUND_FAILED,
    }
    for (status, _), new_status in TRANSITIONS.items():
        assert status not in taken or new_status in taken - {ChargeStatus.SUCCEEDED}


@pytest.mark.parametrize("status", list(ChargeStatus))
@pytest.mark.parametrize("cancelled", [False, True])
def test_every_change_is_one_version_with_one_event(
    status: ChargeStatus, *, cancelled: bool
) -> None:
    charge = make_charge(status, cancelled=cancelled)
    later = timedelta(hours=1)
    changes = [
        changed
        for before in (charge, abandoned(charge))
        for changed in (
            *(
                apply_intent(before, make_intent(stripe_status, why))
                for stripe_status in IntentStatus
                for why in (None, DECLINED)
            ),
            *(
                apply_intent(before, make_intent(reported), is_own_confirm=True)
                for reported in IntentStatus
            ),
            *(before.apply_refund(Refund("re_1", reported), NOW) for reported in RefundStatus),
            before.mark_order_cancelled(NOW + later),
            before.release_attempt(1, NOW),
            before.release_attempt(0, NOW),
            before.reject_token(1, DECLINED, now=NOW, policy=POLICY),
        )
    ]
    for change in changes:
        if change.after in {charge, abandoned(charge)}:
            assert change.events == ()
        else:
            (event,) = change.events
            assert event == change.after.to_event()
            assert change.after.version == charge.version + 1


@pytest.mark.parametrize("status", list(ChargeStatus))
def test_repeated_input_changes_nothing(status: ChargeStatus) -> None:
    for stripe_status, why in product(IntentStatus, (None, DECLINED)):
        once = apply_intent(abandoned(make_charge(status)), make_intent(stripe_status, why)).after
        assert apply_intent(once, make_intent(stripe_status, why)) == Change(once), stripe_status
    for refund in (Refund("re_1", reported) for reported in RefundStatus):
        once = make_charge(status).apply_refund(refund, NOW).after
        assert once.apply_refund(refund, NOW) == Change(once)
    once = make_charge(status).mark_order_cancelled(NOW).after
    assert once.mark_order_cancelled(NOW) == Change(once)


def test_first_attempt_is_version_0() -> None:
    order = make_order()

    change = claim(new_charge(order, intent_id="pi_1", now=NOW), order)

    charge = change.after
    assert (charge.id, charge.version, charge.amount) == (charge_id_of(order.id), 0, 1999)
    assert charge.status is ChargeStatus.PROCESSING
    assert [attempt.number for attempt in charge.attempts] == [1]
    assert charge.is_attempt_running(NOW)
    assert not charge.is_attempt_running(NOW + POLICY.lease)
    assert charge.reconcile_at == NOW + POLICY.lease
    assert [type(event) for event in change.events] == [PaymentUpdated]


@pytest.mark.parametrize(
    ("payable_order", "message"),
    [
        (make_order(OrderStatus.CANCELLED), "cancelled"),
        (make_order(OrderStatus.COMPLETE), "already paid"),
        (make_order(expires_at=NOW), "expired"),
        (make_order(expires_at=NOW + POLICY.margin), "expired"),
    ],
)
def test_claim_for_final_or_expiring_order_is_rejected(payable_order: Order, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        claim(make_charge(ChargeStatus.REQUIRES_PAYMENT_METHOD), payable_order)


def test_claim_just_before_the_margin_succeeds() -> None:
    last = make_order(OrderStatus.AWAITING_PAYMENT, NOW + POLICY.margin + timedelta(milliseconds=1))

    assert claim(make_charge(ChargeStatus.REQUIRES_PAYMENT_METHOD), last).after.is_attempt_running(
        NOW
    )


@pytest.mark.parametrize("status", list(ChargeStatus))
def test_claim_requires_a_transition(status: ChargeStatus) -> None:
    charge = make_charge(status)

    if (status, Trigger.ATTEMPT) in TRANSITIONS:
        assert claim(charge).after.attempts[-1].number == 2
    else:
        with pytest.raises(Conflict):
            claim(charge)


@pytest.mark.parametrize("status", sorted(OPEN_STATUSES - {ChargeStatus.PROCESSING}))
def test_claim_after_order_cancellation_is_rejected(status: ChargeStatus) -> None:
    with pytest.raises(BadRequest, match="cancelled order"):
        claim(make_charge(status, cancelled=True))


def test_claim_after_the_last_attempt_is_rejected() -> None:
    with pytest.raises(BadRequest, match="Too many"):
        claim(make_charge(ChargeStatus.REQUIRES_PAYMENT_METHOD, attempts=POLICY.max_attempts))


def test_success_publishes_payment_created() -> None:
    change = apply_intent(
        make_charge(ChargeStatus.PROCESSING),
        make_intent(IntentStatus.SUCCEEDED),
        is_own_confirm=True,
    )

    charge = change.after
    assert (charge.status, charge.card) == (ChargeStatus.SUCCEEDED, Card("visa", "4242"))
    assert (charge.paid_at, charge.lease, charge.reconcile_at) == (NOW, None, None)
    assert charge.attempts[-1].outcome is Outcome.SUCCEEDED
    assert [type(event) for event in change.events] == [PaymentCreated]


@pytest.mark.parametrize("status", sorted(OPEN_STATUSES))
def test_success_after_order_cancellation_is_refunded(status: ChargeStatus) -> None:
    change = apply_intent(make_charge(status, cancelled=True), make_intent(IntentStatus.SUCCEEDED))

    charge = change.after
    assert (charge.status, charge.refund_reason) == (ChargeStatus.REFUND_PENDING, "order cancelled")
    assert charge.reconcile_at == NOW
    assert [type(event) for event in change.events] == [PaymentUpdated]


def test_decline_allows_another_attempt() -> None:
    declined = make_intent(IntentStatus.OPEN, DECLINED)

    change = apply_intent(make_charge(ChargeStatus.PROCESSING), declined, is_own_confirm=True)

    assert change.after.status is ChargeStatus.REQUIRES_PAYMENT_METHOD
    assert change.after.attempts[-1].decline_code == "generic_decline"
    (event,) = change.events
    assert isinstance(event, PaymentFailed)
    assert (event.final, event.reason) == (False, "generic_decline")


@pytest.mark.parametrize(
    ("attempts", "policy"),
    [(POLICY.max_attempts, POLICY), (1, PaymentPolicy(cancel_on_decline=True))],
)
def test_last_decline_is_final(attempts: int, policy: PaymentPolicy) -> None:
    charge = make_charge(ChargeStatus.PROCESSING, attempts=attempts)

    change = apply_intent(
        charge, make_intent(IntentStatus.OPEN, DECLINED), policy, is_own_confirm=True
    )

    (event,) = change.events
    assert isinstance(event, PaymentFailed)
    assert event.final
    with pytest.raises(BadRequest, match="Too many"):
        claim(change.after)


@pytest.mark.parametrize("policy", [POLICY, PaymentPolicy(cancel_on_decline=True)])
def test_failed_authentication_is_no_decline_of_the_order(policy: PaymentPolicy) -> None:
    failure = Decline("We are unable to authenticate.", UNAUTHENTICATED, decline_id="pm_1")
    charge = make_charge(ChargeStatus.REQUIRES_ACTION, attempts=policy.max_attempts)

    after = apply_intent(charge, make_intent(IntentStatus.OPEN, failure), policy).after

    assert after.status is ChargeStatus.REQUIRES_PAYMENT_METHOD
    assert after.attempts[-1].code == UNAUTHENTICATED
    assert not after.no_more_attempts
    assert after.attempts_left(policy) == 1


def test_withdrawn_attempt_does_not_count() -> None:
    charge = make_charge(ChargeStatus.PROCESSING, attempts=POLICY.max_attempts)

    withdrawn = charge.withdraw_attempt(POLICY.max_attempts, NOW).after

    assert withdrawn.status is ChargeStatus.REQUIRES_PAYMENT_METHOD
    assert withdrawn.attempts_left(POLICY) == 1
    assert withdrawn.withdraw_attempt(POLICY.max_attempts, NOW).after == withdrawn


def test_rejected_token_is_final_only_for_the_last_attempt() -> None:
    policy = PaymentPolicy(max_attempts=2, cancel_on_decline=True)
    first = make_charge(ChargeStatus.PROCESSING).reject_token(1, DECLINED, now=NOW, policy=policy)
    last = make_charge(ChargeStatus.PROCESSING, attempts=2).reject_token(
        2, DECLINED, now=NOW, policy=policy
    )

    assert (first.after.no_more_attempts, last.after.no_more_attempts) == (False, True)


def test_attempt_without_result_is_never_final() -> None:
    """Stripe returns the previous decline until the next attempt."""
    charge = replace(
        make_charge(ChargeStatus.PROCESSING, attempts=POLICY.max_attempts),
        last_error=DECLINED,
        lease=None,
    )

    change = apply_intent(
        charge, make_intent(IntentStatus.OPEN, DECLINED), PaymentPolicy(3, cancel_on_decline=True)
    )

    assert change.after.attempts[-1].outcome is Outcome.NO_RESULT
    assert [event.final for event in change.events if isinstance(event, PaymentFailed)] == [False]


def test_same_decline_in_own_confirm_response_is_a_decline() -> None:
    charge = replace(make_charge(ChargeStatus.PROCESSING), last_error=DECLINED)

    change = apply_intent(charge, make_intent(IntentStatus.OPEN, DECLINED), is_own_confirm=True)

    assert change.after.attempts[-1].outcome is Outcome.DECLINED


@pytest.mark.parametrize(
    "reported", [IntentStatus.OPEN, IntentStatus.ACTION, IntentStatus.PROCESSING]
)
def test_intent_during_a_running_attempt_changes_nothing(reported: IntentStatus) -> None:
    charge = make_charge(ChargeStatus.PROCESSING, attempts=2)

    assert apply_intent(charge, make_intent(reported, DECLINED)) == Change(charge)
    assert apply_intent(
        charge, make_intent(reported, DECLINED), is_own_confirm=True, attempts_when_read=1
    ) == Change(charge)


@pytest.mark.parametrize("status", sorted(OPEN_STATUSES))
@pytest.mark.parametrize(
    "reported", [IntentStatus.OPEN, IntentStatus.ACTION, IntentStatus.PROCESSING]
)
def test_intent_from_before_the_last_attempt_changes_nothing(
    status: ChargeStatus, reported: IntentStatus
) -> None:
    charge = abandoned(make_charge(status, attempts=2))

    for own in (True, False):
        assert apply_intent(
            charge,
            make_intent(reported, DECLINED),
            is_own_confirm=own,
            attempts_when_read=1,
        ) == Change(charge)


def test_attempt_without_result_is_reconciled_until_paid() -> None:
    charge = apply_intent(
        abandoned(make_charge(ChargeStatus.PROCESSING)), make_intent(IntentStatus.OPEN)
    ).after
    again = claim(charge).after.reject_token(2, DECLINED, now=NOW, policy=POLICY).after
    paid = apply_intent(again, make_intent(IntentStatus.SUCCEEDED)).after

    assert [one.status for one in (charge, again)] == [ChargeStatus.REQUIRES_PAYMENT_METHOD] * 2
    assert (charge.reconcile_at, again.reconcile_at, paid.reconcile_at) == (NOW, NOW, None)


def test_old_decline_after_a_rejected_token_is_no_new_decline() -> None:
    declined = apply_intent(
        make_charge(ChargeStatus.PROCESSING),
        make_intent(IntentStatus.OPEN, DECLINED),
        is_own_confirm=True,
    ).after
    ours = Decline("Invalid payment token", "resource_missing")
    rejected = claim(declined).after.reject_token(2, ours, now=NOW, policy=POLICY).after

    third = apply_intent(
        abandoned(claim(rejected).after), make_intent(IntentStatus.OPEN, DECLINED)
    ).after

    assert third.attempts[-1].outcome is Outcome.NO_RESULT
    assert third.reconcile_at == NOW


def test_attempt_id_is_shared_with_an_attempt_without_result() -> None:
    order_id = new_id()
    charge = replace(
        make_charge(ChargeStatus.PROCESSING), id=charge_id_of(order_id), order_id=order_id
    )
    unanswered = apply_intent(abandoned(charge), make_intent(IntentStatus.OPEN)).after
    repeated = claim(unanswered).after
    declined = apply_intent(
        repeated, make_intent(IntentStatus.OPEN, DECLINED), is_own_confirm=True
    ).after

    assert charge.attempt_id == repeated.attempt_id == first_attempt_id(order_id)
    assert claim(declined).after.attempt_id != repeated.attempt_id


def test_attempts_without_result_do_not_count() -> None:
    charge = make_charge(ChargeStatus.REQUIRES_PAYMENT_METHOD, attempts=0)
    for _ in range(POLICY.max_attempts):
        charge = apply_intent(abandoned(claim(charge).after), make_intent(IntentStatus.OPEN)).after

    assert claim(charge).after.attempts[-1].number == POLICY.max_attempts + 1


def test_claim_beyond_the_stored_attempts_is_rejected() -> None:
    charge = make_charge(ChargeStatus.REQUIRES_PAYMENT_METHOD, attempts=0)

    for _ in range(MAX_STORED_ATTEMPTS):
        charge = apply_intent(abandoned(claim(charge).after), make_intent(IntentStatus.OPEN)).after

    with pytest.raises(BadRequest, match="Too many"):
        claim(charge)


def test_release_attempt_makes_the_charge_due() -> None:
    charge = make_charge(ChargeStatus.PROCESSING).release_attempt(1, NOW).after

    assert charge.status is ChargeStatus.PROCESSING
    assert not charge.is_attempt_running(NOW)
    assert charge.reconcile_at == NOW


def test_order_cancellation_after_success_starts_a_refund() -> None:
    charge = make_charge(ChargeStatus.SUCCEEDED).mark_order_cancelled(NOW).after

    assert (charge.status, charge.reconcile_at) == (ChargeStatus.REFUND_PENDING, NOW)
    assert charge.refund_reason == "order cancelled"


def test_refund_status_is_applied_and_published() -> None:
    pending = make_charge(ChargeStatus.REFUND_PENDING)

    begun = pending.apply_refund(Refund("re_1", RefundStatus.PENDING), NOW)
    done = begun.after.apply_refund(Refund("re_1", RefundStatus.SUCCEEDED), NOW)
    sent_back = done.after.apply_refund(
        Refund("re_1", RefundStatus.FAILED, "expired_or_canceled_card"), NOW
    )

    assert (begun.after.stripe_refund_id, begun.after.reconcile_at) == ("re_1", NOW)
    (event,) = done.events
    assert isinstance(event, PaymentRefunded)
    assert event.stripe_refund_id == "re_1"
    assert done.after.refunded_at == NOW
    assert sent_back.after.status is ChargeStatus.REFUND_FAILED
    assert (sent_back.after.refunded_at, sent_back.after.refund_reason) == (
        None,
        "expired_or_canceled_card",
    )


def test_intent_repr_omits_the_client_secret() -> None:
    assert "very secret" not in repr(Intent("pi", IntentStatus.ACTION, client_secret="very secret"))
