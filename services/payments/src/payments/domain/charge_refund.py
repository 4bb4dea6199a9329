"""The rules of a charge's refund: the whole payment goes back, once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from common.change import Change
from payments.domain.charge_dispute import DisputeRules
from payments.domain.stripe_objects import Refund, RefundStatus
from payments.domain.transitions import SUCCEEDED, Trigger

ORDER_CANCELLED: Final = "order cancelled"
ORDER_RETURNED: Final = "order returned"


@dataclass(frozen=True, slots=True)
class RefundRules(DisputeRules):
    """What may happen to the refund of a charge."""

    @property
    def is_charged_back(self) -> bool:
        """Whether the bank gave the whole payment back, so that there is nothing to refund."""
        return self.dispute is not None and self.dispute.amount_lost >= self.amount

    def mark_order_cancelled(self, now: datetime) -> Change[Self]:
        """Record that the order was cancelled, so that the payment is stopped or refunded."""
        if self.order_cancelled:
            return Change(self)
        return self._transition(
            Trigger.ORDER_CANCELLED,
            now,
            lease=self.lease,
            order_cancelled=True,
            refund_reason=ORDER_CANCELLED if self.status is SUCCEEDED else self.refund_reason,
        )

    def mark_order_returned(self, now: datetime) -> Change[Self]:
        """Record that the money of a paid order goes back, for example because of its show."""
        return self._transition(Trigger.RETURN, now, refund_reason=ORDER_RETURNED)

    def apply_refund(self, refund: Refund, now: datetime) -> Change[Self]:
        """Apply the state of the refund."""
        refund_id = refund.id or self.stripe_refund_id
        match refund.status:
            case RefundStatus.SUCCEEDED:
                return self._transition(
                    Trigger.REFUND, now, stripe_refund_id=refund_id, refunded_at=now
                )
            case RefundStatus.FAILED:
                return self._transition(
                    Trigger.REFUND_FAILURE,
                    now,
                    stripe_refund_id=refund_id,
                    refund_reason=refund.failure_reason or self.refund_reason,
                    refunded_at=None,
                )
            case RefundStatus.PENDING:
                if refund_id == self.stripe_refund_id:
                    return Change(self)
                return self._transition(Trigger.REFUND_STARTED, now, stripe_refund_id=refund_id)
