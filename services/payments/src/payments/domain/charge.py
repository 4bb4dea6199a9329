"""A charge: our record of the payment of one order, with its one PaymentIntent.

A PaymentIntent can succeed only once, so an order is never paid twice. Leases only prevent
needless concurrent attempts. Responses of Stripe may arrive late, twice or in any order, so
`apply_intent` accepts any of them and never undoes a later state. So do the rules of the payout and
of the refund, which are in `charge_payout` and `charge_refund`.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from common.change import Change
from common.errors import BadRequest, Conflict, ErrorDetail
from common.events import PayoutState
from payments.domain.attempts import (
    MAX_STORED_ATTEMPTS,
    UNAUTHENTICATED,
    Attempt,
    Lease,
    Outcome,
    close_last,
    count_for_order,
)
from payments.domain.charge_refund import ORDER_CANCELLED, RefundRules
from payments.domain.order import Order, PaymentPolicy
from payments.domain.payout import Payout, fee_of
from payments.domain.stripe_objects import Decline, Intent, IntentStatus
from payments.domain.transitions import CREATED, PROCESSING, TRANSITIONS, Trigger

CURRENCY: Final = "usd"


@dataclass(frozen=True, slots=True)
class Charge(RefundRules):
    """The payment of an order: what may happen to it, and what that changes."""

    def claim(
        self, order: Order, *, digest: str, owner: str, now: datetime, policy: PaymentPolicy
    ) -> Change[Self]:
        """Start an attempt and acquire its lease.

        Raises:
            Conflict: an attempt is running, or the payment has ended.
            BadRequest: the order cannot be paid, or no attempt is left.
        """
        if (self.status, Trigger.ATTEMPT) not in TRANSITIONS:
            raise Conflict
        if self.order_cancelled:
            raise BadRequest("Cannot pay for a cancelled order")
        order.ensure_payable(now, policy.margin)
        if (
            self.no_more_attempts
            or count_for_order(self.attempts) >= policy.max_attempts
            or len(self.attempts) >= MAX_STORED_ATTEMPTS
        ):
            message = "Too many failed payment attempts for this order"
            raise BadRequest(details=[ErrorDetail(message, extra={"code": "attempts_used_up"})])
        lease = Lease(owner, now + policy.lease)
        return self._transition(
            Trigger.ATTEMPT,
            now,
            attempts=(*self.attempts, Attempt(len(self.attempts) + 1, now, digest)),
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
    ) -> Change[Self]:
        """Apply the state of the PaymentIntent.

        Args:
            intent: the PaymentIntent as Stripe returned it.
            attempts_when_read: the number of attempts when the request to Stripe was sent.
            is_own_confirm: whether it is the response to the confirm call of the last of them.
            now: the current time.
            policy: the operator's payment policy.
        """
        match intent.status:
            case IntentStatus.SUCCEEDED:
                return self._apply_success(intent, now, policy)
            case IntentStatus.CANCELED:
                return self._transition(Trigger.CANCELLATION, now)
            case _ if attempts_when_read < len(self.attempts) or (
                self.is_attempt_running(now) and not is_own_confirm
            ):
                return Change(self)  # the response to the running attempt decides
            case IntentStatus.PROCESSING:
                return (
                    self.release_attempt(attempts_when_read, now)
                    if is_own_confirm
                    else Change(self)
                )
            case IntentStatus.ACTION:
                attempts = close_last(self.attempts, Outcome.ACTION)
                return self._transition(Trigger.ACTION, now, attempts=attempts, last_error=None)
            case IntentStatus.OPEN:
                return self._apply_unpaid(
                    intent.decline, is_own_confirm=is_own_confirm, now=now, policy=policy
                )

    def reject_token(
        self, attempt: int, decline: Decline, *, now: datetime, policy: PaymentPolicy
    ) -> Change[Self]:
        """End an attempt whose token Stripe rejected."""
        if not self._is_current_attempt(attempt):
            return Change(self)
        attempts = close_last(self.attempts, Outcome.INVALID, decline)
        return self._transition(
            Trigger.DECLINE,
            now,
            attempts=attempts,
            last_error=self._with_decline_id(decline),
            no_more_attempts=count_for_order(attempts) >= policy.max_attempts,
        )

    def release_attempt(self, attempt: int, now: datetime) -> Change[Self]:
        """Release the lease of an attempt with an unknown outcome, so that anyone may sync it."""
        if not self._is_current_attempt(attempt):
            return Change(self)
        return self._transition(Trigger.UNKNOWN, now, reconcile_at=now)

    def withdraw_attempt(self, attempt: int, now: datetime) -> Change[Self]:
        """End an attempt that Stripe was not asked to charge; it does not count as one."""
        if not self._is_current_attempt(attempt):
            return Change(self)
        attempts = close_last(self.attempts, Outcome.NO_RESULT)
        return self._transition(Trigger.NO_RESULT, now, attempts=attempts)

    def _apply_success(self, intent: Intent, now: datetime, policy: PaymentPolicy) -> Change[Self]:
        is_late = self.order_cancelled
        fee = fee_of(self.amount, policy.fee_basis_points)
        has_payout = self.seller_id is not None and not is_late
        return self._transition(
            Trigger.LATE_SUCCESS if is_late else Trigger.SUCCESS,
            now,
            attempts=close_last(self.attempts, Outcome.SUCCEEDED),
            card=intent.card,
            last_error=None,
            paid_at=now,
            refund_reason=ORDER_CANCELLED if is_late else None,
            stripe_charge_id=intent.charge_id,
            fee=fee if has_payout else None,
            net=self.amount - fee if has_payout else None,
            payout=Payout(PayoutState.HELD) if has_payout else None,
        )

    def _apply_unpaid(
        self, decline: Decline | None, *, is_own_confirm: bool, now: datetime, policy: PaymentPolicy
    ) -> Change[Self]:
        # Stripe keeps returning the previous decline until the next attempt.
        is_new = (is_own_confirm and self.status is PROCESSING) or not self._was_seen(decline)
        if decline is None or not is_new:
            attempts = close_last(self.attempts, Outcome.NO_RESULT)
            return self._transition(Trigger.NO_RESULT, now, attempts=attempts)
        attempts = close_last(self.attempts, Outcome.DECLINED, decline)
        is_final = policy.cancel_on_decline and decline.code != UNAUTHENTICATED
        return self._transition(
            Trigger.DECLINE,
            now,
            attempts=attempts,
            last_error=self._with_decline_id(decline),
            no_more_attempts=is_final or count_for_order(attempts) >= policy.max_attempts,
        )

    def _was_seen(self, decline: Decline | None) -> bool:
        last = self.last_error
        if decline is None or last is None:
            return decline is last
        return decline == last or (
            decline.decline_id is not None and decline.decline_id == last.decline_id
        )

    def _with_decline_id(self, decline: Decline) -> Decline:
        """Return the decline; if it is not Stripe's, with the id of Stripe's last one.

        Stripe keeps returning that one, and it must not be taken for a new decline.
        """
        if decline.decline_id is not None or self.last_error is None:
            return decline
        return replace(decline, decline_id=self.last_error.decline_id)

    def _is_current_attempt(self, attempt: int) -> bool:
        return self.status is PROCESSING and attempt == len(self.attempts)

    def attempts_left(self, policy: PaymentPolicy) -> int:
        """Return how often a card may still be declined before the order is cancelled."""
        if self.no_more_attempts:
            return 0
        return max(0, policy.max_attempts - count_for_order(self.attempts))


def charge_id_of(order_id: str) -> str:
    """Return the id of an order's charge, which is known before the charge exists."""
    return hashlib.sha256(f"the charge of order {order_id}".encode()).hexdigest()[:24]


def first_attempt_id(order_id: str) -> str:
    """Return the id under which the first attempt to pay for an order is counted."""
    return f"{charge_id_of(order_id)}:1"


def new_charge(order: Order, *, intent_id: str, now: datetime) -> Charge:
    """Return the charge of an order before its first attempt, which creates version 0."""
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
        seller_id=order.seller_id,
        release_at=order.release_at,
    )
