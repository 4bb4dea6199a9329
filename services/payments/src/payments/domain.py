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
from common.errors import BadRequest, Conflict, ErrorDetail
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
    OPEN_STATUSES,
    PROCESSING,
    REFUND_STATUSES,
    REQUIRES_PAYMENT_METHOD,
    SUCCEEDED,
    TRANSITIONS,
    Trigger,
)

CURRENCY: Final = "usd"
MAX_STORED_ATTEMPTS: Final = 50
"""Attempts of one charge, those that Stripe never answered included: a document has its bounds."""
ORDER_CANCELLED: Final = "order cancelled"


@dataclass(frozen=True, slots=True)
class PaymentPolicy:
    """What the operator decides."""

    max_attempts: int = 5
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

    def ensure_payable(self, now: datetime, margin: timedelta) -> None:
        """Let a payment begin only while there is time for it to end.

        Raises:
            Invalid: the order is cancelled, paid already, or about to expire.
        """
        if self.status is OrderStatus.CANCELLED:
            raise BadRequest("Cannot pay for a cancelled order")
        if self.status is OrderStatus.COMPLETE:
            raise BadRequest("This order is already paid")
        if now >= self.expires_at - margin:
            raise BadRequest("Cannot pay for an expired order")


class Outcome(StrEnum):
    """What came of an attempt."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    INVALID = "invalid"
    ACTION = "requires_action"
    NO_RESULT = "nothing"


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
    reconcile_at: datetime | None = None
    """When the reconciler is to ask Stripe again; never, when there is nothing to wait for."""
    order_cancelled: bool = False
    no_more_attempts: bool = False
    card: Card | None = None
    last_error: Decline | None = None
    stripe_refund_id: str | None = None
    refund_reason: str | None = None
    paid_at: datetime | None = None
    refunded_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the PaymentIntent may still succeed."""
        return self.status in OPEN_STATUSES

    @property
    def has_refund(self) -> bool:
        """Whether there is a refund to look after."""
        return self.status in REFUND_STATUSES

    @property
    def needs_reconciliation(self) -> bool:
        """Whether something may still come that nobody would tell, were it not looked for."""
        match self.status:
            case ChargeStatus.REQUIRES_ACTION | ChargeStatus.REFUND_PENDING:
                return True
            case ChargeStatus.REQUIRES_PAYMENT_METHOD if any(
                attempt.outcome is Outcome.NO_RESULT for attempt in self.attempts
            ):
                return True  # Stripe can take longer than anybody waits for it
            case _:
                return self.order_cancelled and self.is_open

    def is_attempt_running(self, now: datetime) -> bool:
        """Tell whether an attempt is being made at this moment."""
        return self.status is PROCESSING and self.lease is not None and self.lease.until > now

    def claim(
        self, order: Order, *, digest: str, owner: str, now: datetime, policy: PaymentPolicy
    ) -> Change["Charge"]:
        """Begin an attempt, which nobody else makes meanwhile.

        Raises:
            InProgress: another one is running, or was and has settled the charge.
            Invalid: the order's or the charge's state does not allow it.
        """
        if (self.status, Trigger.ATTEMPT) not in TRANSITIONS:
            raise Conflict
        if self.order_cancelled:
            raise BadRequest("Cannot pay for a cancelled order")
        order.ensure_payable(now, policy.margin)
        if (
            self.no_more_attempts
            or self._attempts_exhausted(policy)
            or len(self.attempts) >= MAX_STORED_ATTEMPTS
        ):
            message = "Too many failed payment attempts for this order"
            raise BadRequest(details=[ErrorDetail(message, extra={"code": "attempts_used_up"})])
        attempt = Attempt(len(self.attempts) + 1, now, digest)
        lease = Lease(owner, now + policy.lease)
        return self._transition(
            Trigger.ATTEMPT,
            now,
            attempts=(*self.attempts, attempt),
            lease=lease,
            reconcile_at=lease.until,
        )

    def apply_intent(
        self,
        intent: Intent,
        *,
        attempts_when_read: int,
        is_own_confirm: bool = False,
        now: datetime,
        policy: PaymentPolicy,
    ) -> Change["Charge"]:
        """Follow the PaymentIntent; total, whatever it says and whenever.

        Args:
            intent: what Stripe says.
            attempts_when_read: how many attempts there were when Stripe was asked.
            is_own_confirm: whether it is the answer to the last of those itself.
            now: the present moment.
            policy: what the operator decides.
        """
        match intent.status:
            case IntentStatus.SUCCEEDED:
                return self._apply_success(intent, now)
            case IntentStatus.CANCELED:
                return self._transition(Trigger.CANCELLATION, now)
            case _ if attempts_when_read < len(self.attempts) or (
                self.is_attempt_running(now) and not is_own_confirm
            ):
                return Change(self)  # whoever makes the last attempt will tell
            case IntentStatus.PROCESSING:
                return (
                    self.release_attempt(attempts_when_read, now)
                    if is_own_confirm
                    else Change(self)
                )
            case IntentStatus.ACTION:
                attempts = self._close_attempt(Outcome.ACTION)
                return self._transition(Trigger.ACTION, now, attempts=attempts, last_error=None)
            case IntentStatus.OPEN:
                return self._apply_unpaid(
                    intent.decline, is_own_confirm=is_own_confirm, now=now, policy=policy
                )

    def reject_token(
        self, attempt: int, decline: Decline, *, now: datetime, policy: PaymentPolicy
    ) -> Change["Charge"]:
        """End an attempt whose token Stripe does not know, or has seen before."""
        if not self._is_current_attempt(attempt):
            return Change(self)
        attempts = self._close_attempt(Outcome.INVALID, decline)
        return self._transition(
            Trigger.DECLINE,
            now,
            attempts=attempts,
            last_error=decline,
            no_more_attempts=self._attempts_exhausted(policy),
        )

    def release_attempt(self, attempt: int, now: datetime) -> Change["Charge"]:
        """End an attempt of which nobody knows what came: anyone may ask Stripe from now on."""
        if not self._is_current_attempt(attempt):
            return Change(self)
        return self._transition(Trigger.UNKNOWN, now, reconcile_at=now)

    def mark_order_cancelled(self, now: datetime) -> Change["Charge"]:
        """Remember that the order was cancelled: the money must not be taken, or must go back."""
        if self.order_cancelled:
            return Change(self)
        reason = ORDER_CANCELLED if self.status is SUCCEEDED else self.refund_reason
        return self._transition(
            Trigger.ORDER_CANCELLED,
            now,
            lease=self.lease,
            order_cancelled=True,
            refund_reason=reason,
        )

    def apply_refund(self, refund: Refund, now: datetime) -> Change["Charge"]:
        """Follow the refund; total, like `observe`."""
        refund_id = refund.id or self.stripe_refund_id
        match refund.status:
            case RefundStatus.SUCCEEDED:
                return self._transition(
                    Trigger.REFUND, now, stripe_refund_id=refund_id, refunded_at=now
                )
            case RefundStatus.FAILED:
                reason = refund.failure_reason or self.refund_reason
                return self._transition(
                    Trigger.REFUND_FAILURE,
                    now,
                    stripe_refund_id=refund_id,
                    refund_reason=reason,
                    refunded_at=None,
                )
            case RefundStatus.PENDING:
                if refund_id == self.stripe_refund_id:
                    return Change(self)
                return self._transition(Trigger.REFUND_STARTED, now, stripe_refund_id=refund_id)

    def to_event(self) -> PaymentCreated | PaymentFailed | PaymentRefunded | PaymentUpdated:
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
                return PaymentFailed(**state, final=self.no_more_attempts)
            case ChargeStatus.REFUNDED:
                return PaymentRefunded(**state)
            case _:
                return PaymentUpdated(**state)

    def _apply_success(self, intent: Intent, now: datetime) -> Change["Charge"]:
        is_late = self.order_cancelled
        return self._transition(
            Trigger.LATE_SUCCESS if is_late else Trigger.SUCCESS,
            now,
            attempts=self._close_attempt(Outcome.SUCCEEDED),
            card=intent.card,
            last_error=None,
            paid_at=now,
            refund_reason=ORDER_CANCELLED if is_late else None,
        )

    def _apply_unpaid(
        self, decline: Decline | None, *, is_own_confirm: bool, now: datetime, policy: PaymentPolicy
    ) -> Change["Charge"]:
        """Tell a decline from the one before, which Stripe shows until something new happens."""
        is_new = (is_own_confirm and self.status is PROCESSING) or decline != self.last_error
        if decline is None or not is_new:
            return self._transition(
                Trigger.NO_RESULT, now, attempts=self._close_attempt(Outcome.NO_RESULT)
            )
        return self._transition(
            Trigger.DECLINE,
            now,
            attempts=self._close_attempt(Outcome.DECLINED, decline),
            last_error=decline,
            no_more_attempts=policy.cancel_on_decline or self._attempts_exhausted(policy),
        )

    def _is_current_attempt(self, attempt: int) -> bool:
        return self.status is PROCESSING and attempt == len(self.attempts)

    def _attempts_exhausted(self, policy: PaymentPolicy) -> bool:
        """Tell whether no try is left; one that Stripe never answered is not the buyer's."""
        attempts_with_result = [
            attempt for attempt in self.attempts if attempt.outcome is not Outcome.NO_RESULT
        ]
        return len(attempts_with_result) >= policy.max_attempts

    def _close_attempt(
        self, outcome: Outcome, decline: Decline | None = None
    ) -> tuple[Attempt, ...]:
        if not self.attempts:
            return ()
        *earlier, last = self.attempts
        code, decline_code = (decline.code, decline.decline_code) if decline else (None, None)
        return (
            *earlier,
            replace(last, outcome=outcome, code=code, decline_code=decline_code),
        )

    def _transition(self, trigger: Trigger, now: datetime, **changes: Any) -> Change["Charge"]:
        status = TRANSITIONS.get((self.status, trigger))
        if status is None:
            return Change(self)
        fields: dict[str, Any] = {"lease": None, "reconcile_at": None, **changes}
        after = replace(self, version=self.version + 1, status=status, updated_at=now, **fields)
        if after.needs_reconciliation:
            after = replace(after, reconcile_at=now)
        return Change(after, (after.to_event(),))


def charge_id_of(order_id: str) -> str:
    """Name the charge of an order: the same for everyone who asks, before there is one."""
    return hashlib.sha256(f"the charge of order {order_id}".encode()).hexdigest()[:24]


def token_digest(token: str) -> str:
    """Give what may be kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def new_charge(order: Order, *, intent_id: str, now: datetime) -> Charge:
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
