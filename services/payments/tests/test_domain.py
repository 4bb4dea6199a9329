"""What is allowed with the money of an order, over everything that can be learned about it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import pytest

from common.change import Change
from common.errors import InProgress, Invalid
from common.events import (
    ChargeStatus,
    OrderStatus,
    PaymentCreated,
    PaymentFailed,
    PaymentRefunded,
    PaymentUpdated,
)
from common.values.ids import new_id
from payments.domain import (
    MOST_ATTEMPTS,
    Attempt,
    Charge,
    Lease,
    Order,
    Outcome,
    Rules,
    charge_id_of,
    charge_of,
)
from payments.stripe.models import Card, Decline, Intent, IntentStatus, Refund, RefundStatus
from payments.transitions import NEXT, UNSETTLED, Signal

NOW: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
SOON: Final = NOW + timedelta(minutes=15)
RULES: Final = Rules(attempts=3)
DECLINED: Final = Decline("Your card was declined.", "card_declined", "generic_decline", "ch_1")

GRID: Final = """
                         ATTEMPT UNKNOWN ACTION DECLINE NOTHING SUCCESS LATE_SUCCESS CANCELLATION
created                  P       .       .      .       .       .       .            .
processing               .       P       A      M       M       S       B            C
requires_payment_method  P       .       A      .       .       S       B            C
requires_action          P       .       .      M       M       S       B            C
succeeded                .       .       .      .       .       .       .            .
refund_pending           .       .       .      .       .       .       .            .
refunded                 .       .       .      .       .       .       .            .
refund_failed            .       .       .      .       .       .       .            .
canceled                 .       .       .      .       .       .       .            .

                         ORDER_CANCELLED REFUND_BEGUN REFUND REFUND_FAILURE
created                  .               .            .      .
processing               P               .            .      .
requires_payment_method  M               .            .      .
requires_action          A               .            .      .
succeeded                B               .            .      .
refund_pending           .               B            R      F
refunded                 .               .            .      F
refund_failed            .               .            .      .
canceled                 .               .            .      .
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


def grid() -> dict[tuple[ChargeStatus, Signal], ChargeStatus]:
    meant: dict[tuple[ChargeStatus, Signal], ChargeStatus] = {}
    for block in GRID.strip("\n").split("\n\n"):
        header, *rows = block.splitlines()
        for row in rows:
            status, *letters = row.split()
            for signal, letter in zip(header.split(), letters, strict=True):
                if letter != ".":
                    meant[ChargeStatus(status), Signal[signal]] = LETTERS[letter]
    return meant


def order(status: OrderStatus = OrderStatus.CREATED, expires_at: datetime = SOON) -> Order:
    return Order(new_id(), new_id(), 1999, status, expires_at)


def tried(status: ChargeStatus, *, attempts: int = 1, cancelled: bool = False) -> Charge:
    """A charge in some state, its last attempt still running where it is processing."""
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
        lease=Lease("me", NOW + RULES.lease) if running else None,
        order_cancelled=cancelled,
    )


def left(charge: Charge) -> Charge:
    """The same, after whoever was at it died."""
    return replace(charge, lease=None)


def claim(charge: Charge, of: Order | None = None, rules: Rules = RULES) -> Change[Charge]:
    return charge.claim(of or order(), digest="d", by="me", now=NOW, rules=rules)


def observe(
    charge: Charge,
    intent: Intent,
    rules: Rules = RULES,
    *,
    own: bool = False,
    asked_at: int | None = None,
) -> Change[Charge]:
    asked_at = len(charge.attempts) if asked_at is None else asked_at
    return charge.observe(intent, asked_at=asked_at, own=own, now=NOW, rules=rules)


def intent(status: IntentStatus, decline: Decline | None = None) -> Intent:
    return Intent("pi_1", status, Card("visa", "4242"), decline)


def test_the_table_is_the_one_that_was_meant() -> None:
    meant = grid()
    for status, signal in product(ChargeStatus, Signal):
        assert NEXT.get((status, signal)) == meant.get((status, signal)), (status, signal)


def test_money_that_was_taken_can_only_stay_or_go_back() -> None:
    taken = {
        ChargeStatus.SUCCEEDED,
        ChargeStatus.REFUND_PENDING,
        ChargeStatus.REFUNDED,
        ChargeStatus.REFUND_FAILED,
    }
    for (status, _), becomes in NEXT.items():
        assert status not in taken or becomes in taken - {ChargeStatus.SUCCEEDED}


@pytest.mark.parametrize("status", list(ChargeStatus))
@pytest.mark.parametrize("cancelled", [False, True])
def test_whatever_is_learned_is_one_version_and_one_event_or_nothing(
    status: ChargeStatus, *, cancelled: bool
) -> None:
    charge = tried(status, cancelled=cancelled)
    later = timedelta(hours=1)
    changes = [
        changed
        for before in (charge, left(charge))
        for changed in (
            *(
                observe(before, intent(told, why))
                for told in IntentStatus
                for why in (None, DECLINED)
            ),
            *(observe(before, intent(told), own=True) for told in IntentStatus),
            *(before.observe_refund(Refund("re_1", told), NOW) for told in RefundStatus),
            before.cancel_order(NOW + later),
            before.let_go(1, NOW),
            before.let_go(0, NOW),
            before.refuse_token(1, DECLINED, now=NOW, rules=RULES),
        )
    ]
    for change in changes:
        if change.after in {charge, left(charge)}:
            assert change.events == ()
        else:
            (event,) = change.events
            assert event == change.after.told()
            assert change.after.version == charge.version + 1


@pytest.mark.parametrize("status", list(ChargeStatus))
def test_what_is_learned_twice_changes_nothing_the_second_time(status: ChargeStatus) -> None:
    for told, why in product(IntentStatus, (None, DECLINED)):
        once = observe(left(tried(status)), intent(told, why)).after
        assert observe(once, intent(told, why)) == Change(once), told
    for refund in (Refund("re_1", told) for told in RefundStatus):
        once = tried(status).observe_refund(refund, NOW).after
        assert once.observe_refund(refund, NOW) == Change(once)
    once = tried(status).cancel_order(NOW).after
    assert once.cancel_order(NOW) == Change(once)


def test_the_first_attempt_is_the_first_version() -> None:
    of = order()

    change = claim(charge_of(of, intent_id="pi_1", now=NOW), of)

    charge = change.after
    assert (charge.id, charge.version, charge.amount) == (charge_id_of(of.id), 0, 1999)
    assert charge.status is ChargeStatus.PROCESSING
    assert [attempt.n for attempt in charge.attempts] == [1]
    assert charge.running(NOW)
    assert not charge.running(NOW + RULES.lease)
    assert charge.look_at == NOW + RULES.lease
    assert [type(event) for event in change.events] == [PaymentUpdated]


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (order(OrderStatus.CANCELLED), "cancelled"),
        (order(OrderStatus.COMPLETE), "already paid"),
        (order(expires_at=NOW), "expired"),
        (order(expires_at=NOW + RULES.margin), "expired"),
    ],
)
def test_an_order_that_is_over_or_about_to_be_cannot_be_paid(of: Order, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        claim(tried(ChargeStatus.REQUIRES_PAYMENT_METHOD), of)


def test_an_order_can_be_paid_until_shortly_before_its_end() -> None:
    last = order(OrderStatus.AWAITING_PAYMENT, NOW + RULES.margin + timedelta(milliseconds=1))

    assert claim(tried(ChargeStatus.REQUIRES_PAYMENT_METHOD), last).after.running(NOW)


@pytest.mark.parametrize("status", list(ChargeStatus))
def test_an_attempt_can_begin_only_where_the_table_has_one(status: ChargeStatus) -> None:
    charge = tried(status)

    if (status, Signal.ATTEMPT) in NEXT:
        assert claim(charge).after.attempts[-1].n == 2
    else:
        with pytest.raises(InProgress):
            claim(charge)


@pytest.mark.parametrize("status", sorted(UNSETTLED - {ChargeStatus.PROCESSING}))
def test_a_charge_that_knows_its_order_is_cancelled_takes_no_attempt(status: ChargeStatus) -> None:
    with pytest.raises(Invalid, match="cancelled order"):
        claim(tried(status, cancelled=True))


def test_attempts_can_be_used_up() -> None:
    with pytest.raises(Invalid, match="Too many"):
        claim(tried(ChargeStatus.REQUIRES_PAYMENT_METHOD, attempts=RULES.attempts))


def test_success_is_told_as_payment_created() -> None:
    change = observe(tried(ChargeStatus.PROCESSING), intent(IntentStatus.SUCCEEDED), own=True)

    charge = change.after
    assert (charge.status, charge.card) == (ChargeStatus.SUCCEEDED, Card("visa", "4242"))
    assert (charge.paid_at, charge.lease, charge.look_at) == (NOW, None, None)
    assert charge.attempts[-1].outcome is Outcome.SUCCEEDED
    assert [type(event) for event in change.events] == [PaymentCreated]


@pytest.mark.parametrize("status", sorted(UNSETTLED))
def test_success_for_a_cancelled_order_goes_back_at_once(status: ChargeStatus) -> None:
    change = observe(tried(status, cancelled=True), intent(IntentStatus.SUCCEEDED))

    charge = change.after
    assert (charge.status, charge.refund_reason) == (ChargeStatus.REFUND_PENDING, "order cancelled")
    assert charge.look_at == NOW
    assert [type(event) for event in change.events] == [PaymentUpdated]


def test_a_decline_leaves_the_order_open() -> None:
    declined = intent(IntentStatus.OPEN, DECLINED)

    change = observe(tried(ChargeStatus.PROCESSING), declined, own=True)

    assert change.after.status is ChargeStatus.REQUIRES_PAYMENT_METHOD
    assert change.after.attempts[-1].decline_code == "generic_decline"
    (event,) = change.events
    assert isinstance(event, PaymentFailed)
    assert (event.final, event.reason) == (False, "generic_decline")


@pytest.mark.parametrize(
    ("attempts", "rules"), [(RULES.attempts, RULES), (1, Rules(cancel_on_decline=True))]
)
def test_the_last_decline_is_final(attempts: int, rules: Rules) -> None:
    charge = tried(ChargeStatus.PROCESSING, attempts=attempts)

    change = observe(charge, intent(IntentStatus.OPEN, DECLINED), rules, own=True)

    (event,) = change.events
    assert isinstance(event, PaymentFailed)
    assert event.final
    with pytest.raises(Invalid, match="Too many"):
        claim(change.after)


def test_a_bad_token_is_final_only_when_the_attempts_are_used_up() -> None:
    rules = Rules(attempts=2, cancel_on_decline=True)
    first = tried(ChargeStatus.PROCESSING).refuse_token(1, DECLINED, now=NOW, rules=rules)
    last = tried(ChargeStatus.PROCESSING, attempts=2).refuse_token(
        2, DECLINED, now=NOW, rules=rules
    )

    assert (first.after.final, last.after.final) == (False, True)


def test_what_is_unknown_is_never_final() -> None:
    """Stripe shows the decline before, until something new happens."""
    charge = replace(
        tried(ChargeStatus.PROCESSING, attempts=RULES.attempts), last_error=DECLINED, lease=None
    )

    change = observe(charge, intent(IntentStatus.OPEN, DECLINED), Rules(3, cancel_on_decline=True))

    assert change.after.attempts[-1].outcome is Outcome.NOTHING
    assert [event.final for event in change.events if isinstance(event, PaymentFailed)] == [False]


def test_the_same_decline_again_is_a_decline_when_the_attempt_itself_says_so() -> None:
    charge = replace(tried(ChargeStatus.PROCESSING), last_error=DECLINED)

    change = observe(charge, intent(IntentStatus.OPEN, DECLINED), own=True)

    assert change.after.attempts[-1].outcome is Outcome.DECLINED


@pytest.mark.parametrize("told", [IntentStatus.OPEN, IntentStatus.ACTION, IntentStatus.PROCESSING])
def test_a_running_attempt_is_left_alone(told: IntentStatus) -> None:
    charge = tried(ChargeStatus.PROCESSING, attempts=2)

    assert observe(charge, intent(told, DECLINED)) == Change(charge)
    assert observe(charge, intent(told, DECLINED), own=True, asked_at=1) == Change(charge)


@pytest.mark.parametrize("status", sorted(UNSETTLED))
@pytest.mark.parametrize("told", [IntentStatus.OPEN, IntentStatus.ACTION, IntentStatus.PROCESSING])
def test_what_stripe_said_before_the_last_attempt_says_nothing_of_it(
    status: ChargeStatus, told: IntentStatus
) -> None:
    charge = left(tried(status, attempts=2))

    for own in (True, False):
        assert observe(charge, intent(told, DECLINED), own=own, asked_at=1) == Change(charge)


def test_an_attempt_that_nothing_came_of_is_looked_at_until_the_charge_is_settled() -> None:
    charge = observe(left(tried(ChargeStatus.PROCESSING)), intent(IntentStatus.OPEN)).after
    again = claim(charge).after.refuse_token(2, DECLINED, now=NOW, rules=RULES).after
    paid = observe(again, intent(IntentStatus.SUCCEEDED)).after

    assert [one.status for one in (charge, again)] == [ChargeStatus.REQUIRES_PAYMENT_METHOD] * 2
    assert (charge.look_at, again.look_at, paid.look_at) == (NOW, NOW, None)


def test_an_attempt_that_stripe_never_answered_is_not_the_buyers() -> None:
    charge = tried(ChargeStatus.REQUIRES_PAYMENT_METHOD, attempts=0)
    for _ in range(RULES.attempts):
        charge = observe(left(claim(charge).after), intent(IntentStatus.OPEN)).after

    assert claim(charge).after.attempts[-1].n == RULES.attempts + 1


def test_even_attempts_that_stripe_never_answered_have_an_end() -> None:
    charge = tried(ChargeStatus.REQUIRES_PAYMENT_METHOD, attempts=0)

    for _ in range(MOST_ATTEMPTS):
        charge = observe(left(claim(charge).after), intent(IntentStatus.OPEN)).after

    with pytest.raises(Invalid, match="Too many"):
        claim(charge)


def test_an_attempt_whose_end_is_unknown_may_be_looked_at_by_anyone() -> None:
    charge = tried(ChargeStatus.PROCESSING).let_go(1, NOW).after

    assert charge.status is ChargeStatus.PROCESSING
    assert not charge.running(NOW)
    assert charge.look_at == NOW


def test_a_cancelled_order_gives_back_what_was_paid() -> None:
    charge = tried(ChargeStatus.SUCCEEDED).cancel_order(NOW).after

    assert (charge.status, charge.look_at) == (ChargeStatus.REFUND_PENDING, NOW)
    assert charge.refund_reason == "order cancelled"


def test_a_refund_is_recorded_and_told() -> None:
    pending = tried(ChargeStatus.REFUND_PENDING)

    begun = pending.observe_refund(Refund("re_1", RefundStatus.PENDING), NOW)
    done = begun.after.observe_refund(Refund("re_1", RefundStatus.SUCCEEDED), NOW)
    sent_back = done.after.observe_refund(
        Refund("re_1", RefundStatus.FAILED, "expired_or_canceled_card"), NOW
    )

    assert (begun.after.stripe_refund_id, begun.after.look_at) == ("re_1", NOW)
    (event,) = done.events
    assert isinstance(event, PaymentRefunded)
    assert event.stripe_refund_id == "re_1"
    assert done.after.refunded_at == NOW
    assert sent_back.after.status is ChargeStatus.REFUND_FAILED
    assert (sent_back.after.refunded_at, sent_back.after.refund_reason) == (
        None,
        "expired_or_canceled_card",
    )


def test_a_client_secret_is_not_shown_by_accident() -> None:
    assert "very secret" not in repr(Intent("pi", IntentStatus.ACTION, client_secret="very secret"))
