"""A model of Stripe: one PaymentIntent per order, and responses stored per idempotency key."""

from dataclasses import dataclass, replace
from enum import StrEnum

from payments.domain.stripe_objects import Card, Decline, Intent, IntentStatus, Refund, RefundStatus


class CardKind(StrEnum):
    """How Stripe responds to a card."""

    GOOD = "good"
    DECLINED = "declined"
    CHALLENGED = "challenged"


@dataclass
class FakeStripe:
    """All PaymentIntents, with their charges and refunds."""

    def __post_init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self.charge_counts: dict[str, int] = {}
        self.refunds: dict[str, Refund] = {}
        self._responses: dict[tuple[str, int], Intent] = {}
        self._declines = 0

    def create(self, order_id: str) -> Intent:
        """Create the order's PaymentIntent, or return it if it exists."""
        return self.intents.setdefault(order_id, Intent(f"pi_{order_id}", IntentStatus.OPEN))

    def confirm(self, order_id: str, attempt: int, card: CardKind) -> Intent:
        """Confirm the PaymentIntent; a repeated attempt gets the stored response."""
        key = (order_id, attempt)
        if key not in self._responses:
            self._responses[key] = self._confirm(order_id, card)
        return self._responses[key]

    def _confirm(self, order_id: str, card: CardKind) -> Intent:
        intent = self.intents[order_id]
        if intent.status in {IntentStatus.SUCCEEDED, IntentStatus.CANCELED}:
            return intent
        match card:
            case CardKind.GOOD:
                return self._capture(order_id)
            case CardKind.DECLINED:
                return self._decline(order_id)
            case CardKind.CHALLENGED:
                return self._set_status(order_id, IntentStatus.ACTION)

    def authenticate(self, order_id: str, *, approved: bool) -> None:
        """Complete 3-D Secure authentication."""
        if self.intents[order_id].status is IntentStatus.ACTION:
            self._capture(order_id) if approved else self._decline(order_id)

    def cancel(self, order_id: str) -> Intent:
        """Cancel the PaymentIntent unless it has succeeded."""
        if self.intents[order_id].status is not IntentStatus.SUCCEEDED:
            self._set_status(order_id, IntentStatus.CANCELED)
        return self.intents[order_id]

    def refund(self, order_id: str) -> Refund:
        """Refund the payment once."""
        assert self.intents[order_id].status is IntentStatus.SUCCEEDED, "nothing to refund"
        return self.refunds.setdefault(order_id, Refund(f"re_{order_id}", RefundStatus.SUCCEEDED))

    def _capture(self, order_id: str) -> Intent:
        self.charge_counts[order_id] = self.charge_counts.get(order_id, 0) + 1
        return self._set_status(order_id, IntentStatus.SUCCEEDED, card=Card("visa", "4242"))

    def _decline(self, order_id: str) -> Intent:
        self._declines += 1
        decline = Decline(
            "Your card was declined.", "card_declined", decline_id=f"ch_{self._declines}"
        )
        return self._set_status(order_id, IntentStatus.OPEN, decline=decline)

    def _set_status(
        self,
        order_id: str,
        status: IntentStatus,
        *,
        card: Card | None = None,
        decline: Decline | None = None,
    ) -> Intent:
        intent = replace(self.intents[order_id], status=status, card=card, decline=decline)
        self.intents[order_id] = intent
        return intent
