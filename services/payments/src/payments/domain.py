"""What is allowed with the money of an order.

One charge and one PaymentIntent per order. A PaymentIntent can succeed only once, so nobody pays
twice, whatever else goes wrong; leases only keep the attempts from getting in each other's way.
Stripe's answers may come late, twice or in any order: `observe` and its kin never step back.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from common.change import Change
from common.errors import InProgress, Invalid, Problem
from common.events import (
    ChargeStatus,
    OrderStatus,
    PaymentCreated,
    PaymentFailed,
    PaymentRefunded,
    PaymentUpdated,
)
from payments.stripe.models import Card, Decline, Intent, IntentStatus, Refund, RefundStatus
from payments.transitions import (
    CREATED,
    GIVING_BACK,
    NEXT,
    PROCESSING,
    REQUIRES_PAYMENT_METHOD,
    SUCCEEDED,
    UNSETTLED,
    Signal,
)

CURRENCY: Final = "usd"
MOST_ATTEMPTS: Final = 50
"""Attempts of one charge, those that Stripe never answered included: a document has its bounds."""
ORDER_CANCELLED: Final = "order cancelled"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator decides."""

    attempts: int = 5
    cancel_on_decline: bool = False
    """Give the order up at the first decline, instead of letting the buyer try again."""
    lease: timedelta = timedelta(seconds=30)
    """How long an attempt has to itself; longer than Stripe's slowest answer."""
    margin: timedelta = timedelta(seconds=5)
    """An order this close to its end can no longer be paid: Stripe needs time to answer."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order as far as payments knows it; its price in whole cents."""

    id: str
    user_id: str
    price: int
    status: OrderStatus
    expires_at: datetime

    def refuse_unless_payable(self, now: datetime, margin: timedelta) -> None:
        """Let a payment begin only while there is time for it to end.

        Raises:
            Invalid: the order is cancelled, paid already, or about to expire.
        """
        if self.status is OrderStatus.CANCELLED:
            raise Invalid("Cannot pay for a cancelled order")
        if self.status is OrderStatus.COMPLETE:
            raise Invalid("This order is already paid")
        if now >= self.expires_at - margin:
            raise Invalid("Cannot pay for an expired order")


class Outcome(StrEnum):
    """What came of an attempt."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    INVALID = "invalid"
    ACTION = "requires_action"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to pay; of its token only a digest, to know the same click again."""

    n: int
    at: datetime
    digest: str
    outcome: Outcome | None = None
    code: str | None = None
    decline_code: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """Who is at it, and until when the others leave it alone."""

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Charge:
    """The money of an order, in whole cents."""

    id: str
    version: int
    order_id: str
    user_id: str
    amount: int
    currency: str
    status: ChargeStatus
    stripe_id: str
    created_at: datetime
    updated_at: datetime
    attempts: tuple[Attempt, ...] = ()
    lease: Lease | None = None
    look_at: datetime | None = None
    """When the reconciler is to ask Stripe again; never, when there is nothing to wait for."""
    order_cancelled: bool = False
    final: bool = False
    card: Card | None = None
    last_error: Decline | None = None
    stripe_refund_id: str | None = None
    refund_reason: str | None = None
    paid_at: datetime | None = None
    refunded_at: datetime | None = None

    @property
    def unsettled(self) -> bool:
        """Whether the PaymentIntent may still succeed."""
        return self.status in UNSETTLED

    @property
    def giving_back(self) -> bool:
        """Whether there is a refund to look after."""
        return self.status in GIVING_BACK

    @property
    def watched(self) -> bool:
        """Whether something may still come that nobody would tell, were it not looked for."""
        match self.status:
            case ChargeStatus.REQUIRES_ACTION | ChargeStatus.REFUND_PENDING:
                return True
            case ChargeStatus.REQUIRES_PAYMENT_METHOD if any(
                attempt.outcome is Outcome.NOTHING for attempt in self.attempts
            ):
                return True  # Stripe can take longer than anybody waits for it
            case _:
                return self.order_cancelled and self.unsettled

    def running(self, now: datetime) -> bool:
        """Tell whether an attempt is being made at this moment."""
        return self.status is PROCESSING and self.lease is not None and self.lease.until > now

    def claim(
        self, order: Order, *, digest: str, by: str, now: datetime, rules: Rules
    ) -> Change["Charge"]:
        """Begin an attempt, which nobody else makes meanwhile.

        Raises:
            InProgress: another one is running, or was and has settled the charge.
            Invalid: the order's or the charge's state does not allow it.
        """
        if (self.status, Signal.ATTEMPT) not in NEXT:
            raise InProgress
        if self.order_cancelled:
            raise Invalid("Cannot pay for a cancelled order")
        order.refuse_unless_payable(now, rules.margin)
        if self.final or self._used_up(rules) or len(self.attempts) >= MOST_ATTEMPTS:
            words = "Too many failed attempts to pay for this order"
            raise Invalid(problems=[Problem(words, extra={"code": "attempts_used_up"})])
        attempt = Attempt(len(self.attempts) + 1, now, digest)
        lease = Lease(by, now + rules.lease)
        return self._moved(
            Signal.ATTEMPT,
            now,
            attempts=(*self.attempts, attempt),
            lease=lease,
            look_at=lease.until,
        )

    def observe(
        self, intent: Intent, *, asked_at: int, own: bool = False, now: datetime, rules: Rules
    ) -> Change["Charge"]:
        """Follow the PaymentIntent; total, whatever it says and whenever.

        Args:
            intent: what Stripe says.
            asked_at: how many attempts there were when Stripe was asked.
            own: whether it is the answer to the last of those itself.
            now: the present moment.
            rules: what the operator decides.
        """
        match intent.status:
            case IntentStatus.SUCCEEDED:
                return self._succeeded(intent, now)
            case IntentStatus.CANCELED:
                return self._moved(Signal.CANCELLATION, now)
            case _ if asked_at < len(self.attempts) or (self.running(now) and not own):
                return Change(self)  # whoever makes the last attempt will tell
            case IntentStatus.PROCESSING:
                return self.let_go(asked_at, now) if own else Change(self)
            case IntentStatus.ACTION:
                ended = self._ended(Outcome.ACTION)
                return self._moved(Signal.ACTION, now, attempts=ended, last_error=None)
            case IntentStatus.OPEN:
                return self._not_paid(intent.decline, own=own, now=now, rules=rules)

    def refuse_token(
        self, attempt: int, problem: Decline, *, now: datetime, rules: Rules
    ) -> Change["Charge"]:
        """End an attempt whose token Stripe does not know, or has seen before."""
        if not self._current(attempt):
            return Change(self)
        ended = self._ended(Outcome.INVALID, problem)
        return self._moved(
            Signal.DECLINE, now, attempts=ended, last_error=problem, final=self._used_up(rules)
        )

    def let_go(self, attempt: int, now: datetime) -> Change["Charge"]:
        """End an attempt of which nobody knows what came: anyone may ask Stripe from now on."""
        if not self._current(attempt):
            return Change(self)
        return self._moved(Signal.UNKNOWN, now, look_at=now)

    def cancel_order(self, now: datetime) -> Change["Charge"]:
        """Remember that the order was cancelled: the money must not be taken, or must go back."""
        if self.order_cancelled:
            return Change(self)
        reason = ORDER_CANCELLED if self.status is SUCCEEDED else self.refund_reason
        return self._moved(
            Signal.ORDER_CANCELLED,
            now,
            lease=self.lease,
            order_cancelled=True,
            refund_reason=reason,
        )

    def observe_refund(self, refund: Refund, now: datetime) -> Change["Charge"]:
        """Follow the refund; total, like `observe`."""
        refund_id = refund.id or self.stripe_refund_id
        match refund.status:
            case RefundStatus.SUCCEEDED:
                return self._moved(Signal.REFUND, now, stripe_refund_id=refund_id, refunded_at=now)
            case RefundStatus.FAILED:
                reason = refund.problem or self.refund_reason
                return self._moved(
                    Signal.REFUND_FAILURE,
                    now,
                    stripe_refund_id=refund_id,
                    refund_reason=reason,
                    refunded_at=None,
                )
            case RefundStatus.PENDING:
                if refund_id == self.stripe_refund_id:
                    return Change(self)
                return self._moved(Signal.REFUND_BEGUN, now, stripe_refund_id=refund_id)

    def told(self) -> PaymentCreated | PaymentFailed | PaymentRefunded | PaymentUpdated:
        """Tell what the charge is now."""
        reason = self.refund_reason
        if self.status is REQUIRES_PAYMENT_METHOD and self.last_error is not None:
            reason = self.last_error.decline_code or self.last_error.code
        state: dict[str, Any] = {
            "id": self.id,
            "version": self.version,
            "order_id": self.order_id,
            "amount": self.amount,
            "status": self.status,
            "stripe_id": self.stripe_id,
            "stripe_refund_id": self.stripe_refund_id,
            "reason": reason,
        }
        match self.status:
            case ChargeStatus.SUCCEEDED:
                return PaymentCreated(**state)
            case ChargeStatus.REQUIRES_PAYMENT_METHOD:
                return PaymentFailed(**state, final=self.final)
            case ChargeStatus.REFUNDED:
                return PaymentRefunded(**state)
            case _:
                return PaymentUpdated(**state)

    def _succeeded(self, intent: Intent, now: datetime) -> Change["Charge"]:
        late = self.order_cancelled
        return self._moved(
            Signal.LATE_SUCCESS if late else Signal.SUCCESS,
            now,
            attempts=self._ended(Outcome.SUCCEEDED),
            card=intent.card,
            last_error=None,
            paid_at=now,
            refund_reason=ORDER_CANCELLED if late else None,
        )

    def _not_paid(
        self, decline: Decline | None, *, own: bool, now: datetime, rules: Rules
    ) -> Change["Charge"]:
        """Tell a decline from the one before, which Stripe shows until something new happens."""
        news = (own and self.status is PROCESSING) or decline != self.last_error
        if decline is None or not news:
            return self._moved(Signal.NOTHING, now, attempts=self._ended(Outcome.NOTHING))
        return self._moved(
            Signal.DECLINE,
            now,
            attempts=self._ended(Outcome.DECLINED, decline),
            last_error=decline,
            final=rules.cancel_on_decline or self._used_up(rules),
        )

    def _current(self, attempt: int) -> bool:
        return self.status is PROCESSING and attempt == len(self.attempts)

    def _used_up(self, rules: Rules) -> bool:
        """Tell whether no try is left; one that Stripe never answered is not the buyer's."""
        answered = [one for one in self.attempts if one.outcome is not Outcome.NOTHING]
        return len(answered) >= rules.attempts

    def _ended(self, outcome: Outcome, why: Decline | None = None) -> tuple[Attempt, ...]:
        if not self.attempts:
            return ()
        *earlier, last = self.attempts
        code, decline_code = (why.code, why.decline_code) if why else (None, None)
        return (
            *earlier,
            replace(last, outcome=outcome, code=code, decline_code=decline_code),
        )

    def _moved(self, signal: Signal, now: datetime, **changes: Any) -> Change["Charge"]:
        status = NEXT.get((self.status, signal))
        if status is None:
            return Change(self)
        kept: dict[str, Any] = {"lease": None, "look_at": None, **changes}
        after = replace(self, version=self.version + 1, status=status, updated_at=now, **kept)
        if after.watched:
            after = replace(after, look_at=now)
        return Change(after, (after.told(),))


def charge_id_of(order_id: str) -> str:
    """Name the charge of an order: the same for everyone who asks, before there is one."""
    return hashlib.sha256(f"the charge of order {order_id}".encode()).hexdigest()[:24]


def digest_of(token: str) -> str:
    """Give what may be kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def charge_of(order: Order, *, intent_id: str, now: datetime) -> Charge:
    """Make the charge of an order that nobody has tried to pay yet; its first attempt stores it."""
    return Charge(
        id=charge_id_of(order.id),
        version=-1,
        order_id=order.id,
        user_id=order.user_id,
        amount=order.price,
        currency=CURRENCY,
        status=CREATED,
        stripe_id=intent_id,
        created_at=now,
        updated_at=now,
    )
