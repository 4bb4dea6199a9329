"""Limits on declined payments over all orders, against card testing (OWASP OAT-001).

Testing stolen cards needs many attempts, and each shows whether a card is alive. The limits count
per account, per card and per address, whatever the order.
"""

from dataclasses import dataclass

import structlog

from payments.domain.charge import Charge
from payments.domain.stripe_objects import Decline
from payments.domain.suspicious_cards import REFUSED_CODES
from payments.results import card_limit_reached, decline_limit_reached
from payments.store.counted_attempts import DAY, HOUR, CountedAttempts, Limit, LimitReached
from payments.store.refused_cards import RefusedCards

log = structlog.get_logger("payments")


class CardRefused(Exception):
    """The account cannot use this card, because a bank reported it stolen, lost or fraudulent."""


@dataclass(frozen=True, slots=True)
class MaxDeclines:
    """The limits that the operator sets."""

    per_account_and_hour: int
    per_card_and_day: int
    per_address_and_hour: int


class DeclineLimits:
    """Counts every attempt as a decline before Stripe is asked, until it succeeds."""

    def __init__(
        self, counted: CountedAttempts, refused_cards: RefusedCards, max_declines: MaxDeclines
    ) -> None:
        self._counted = counted
        self._refused_cards = refused_cards
        self._max = max_declines

    async def count_attempt(self, attempt_id: str, *, user_id: str, address: str) -> None:
        """Count an attempt of an account from an address.

        Raises:
            TooManyRequests: too many payments of the account, or from the address, were declined.
        """
        limits = [
            Limit(_account_key(user_id), self._max.per_account_and_hour),
            Limit(_address_key(address), self._max.per_address_and_hour),
        ]
        try:
            await self._counted.count(attempt_id, limits, HOUR)
        except LimitReached as reached:
            raise decline_limit_reached(reached.retry_after) from None

    async def count_card(self, charge: Charge, fingerprint: str) -> None:
        """Count the last attempt of a charge under its card.

        Raises:
            CardRefused: the account cannot use this card.
            TooManyRequests: too many payments with this card were declined. The attempt does not
                count as a decline, because Stripe is not asked.
        """
        key = _card_key(fingerprint)
        if await self._refused_cards.is_refused(key, charge.user_id):
            raise CardRefused
        limit = Limit(key, self._max.per_card_and_day)
        try:
            await self._counted.count(charge.attempt_id, [limit], DAY)
        except LimitReached as reached:
            log.info("card refused", charge=charge.id, reason="too many declines")
            await self.release(charge)
            raise card_limit_reached(reached.retry_after) from None

    async def release(self, charge: Charge) -> None:
        """Release what was counted for the last attempt of a charge."""
        await self.release_attempt(charge.attempt_id)

    async def release_attempt(self, attempt_id: str) -> None:
        """Release what was counted for an attempt."""
        await self._counted.release(attempt_id)

    async def release_address(self, charge: Charge, address: str) -> None:
        """Release the address's count of an attempt that waits for 3-D Secure authentication.

        Many people share an address, and authentication takes minutes.
        """
        await self._counted.release_key(charge.attempt_id, _address_key(address))

    async def forget_account(self, user_id: str) -> None:
        """Release what was counted of an account."""
        await self._counted.forget(_account_key(user_id))

    async def refuse_reported_card(self, charge: Charge, decline: Decline) -> None:
        """Refuse a card to its account if it was reported stolen; it may be refused already."""
        if decline.operator_code in REFUSED_CODES and decline.fingerprint is not None:
            await self._refused_cards.refuse(_card_key(decline.fingerprint), charge.user_id)


def _account_key(user_id: str) -> str:
    return f"account:{user_id}"


def _address_key(address: str) -> str:
    return f"address:{address}"


def _card_key(fingerprint: str) -> str:
    return f"card:{fingerprint}"
