"""Limits on declined payments over all orders, against card testing (OWASP OAT-001).

Testing stolen cards needs many attempts, and each shows whether a card is alive. The limits count
per account, per card and per address, whatever the order.
"""

from dataclasses import dataclass, field

import structlog

from payments.domain.charge import Charge
from payments.domain.stripe_objects import Decline
from payments.domain.suspicious_cards import REFUSED_CODES
from payments.results import card_limit_reached, decline_limit_reached
from payments.store.decline_counters import DAY, HOUR, DeclineCounters, Limit, LimitReached

log = structlog.get_logger("payments")


@dataclass(frozen=True, slots=True)
class MaxDeclines:
    """The limits that the operator sets."""

    per_account_and_hour: int
    per_card_and_day: int
    per_address_and_hour: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The address and the card under which this process counted an attempt."""

    address: str
    fingerprint: str | None = field(repr=False)


class DeclineLimits:
    """Counts every attempt as a decline before Stripe is asked, until it succeeds."""

    def __init__(self, counters: DeclineCounters, max_declines: MaxDeclines) -> None:
        self._counters = counters
        self._max = max_declines

    async def count_attempt(self, attempt_id: str, *, user_id: str, address: str) -> None:
        """Count an attempt of an account from an address.

        Raises:
            TooManyRequests: too many payments of the account, or from the address, were declined.
        """
        limits = [
            Limit(_account_key(user_id), self._max.per_account_and_hour, HOUR),
            Limit(_address_key(address), self._max.per_address_and_hour, HOUR),
        ]
        try:
            await self._counters.count(attempt_id, user_id, limits)
        except LimitReached as reached:
            raise decline_limit_reached(reached.retry_after) from None

    async def count_card(self, charge: Charge, fingerprint: str) -> None:
        """Count the last attempt of a charge under its card.

        Raises:
            CardRefused: the account cannot use this card.
            TooManyRequests: too many payments with this card were declined. The attempt does not
                count as a decline, because Stripe is not asked.
        """
        limit = Limit(_card_key(fingerprint), self._max.per_card_and_day, DAY)
        try:
            await self._counters.count(charge.attempt_id, charge.user_id, [limit])
        except LimitReached as reached:
            log.info("card refused", charge=charge.id, reason="too many declines")
            await self.release(charge)
            raise card_limit_reached(reached.retry_after) from None

    async def release(self, charge: Charge, origin: Origin | None = None) -> None:
        """Release what was counted for the last attempt of a charge.

        Args:
            charge: the charge.
            origin: names the counters. Without it they are searched, as those of a later attempt
                are, because it may share its id with one that Stripe never answered.
        """
        if origin is None or len(charge.attempts) > 1:
            await self.release_attempt(charge.attempt_id)
            return
        keys = [_account_key(charge.user_id), _address_key(origin.address)]
        if origin.fingerprint is not None:
            keys.append(_card_key(origin.fingerprint))
        await self._counters.release_under(charge.attempt_id, keys)

    async def release_attempt(self, attempt_id: str) -> None:
        """Release what was counted for an attempt."""
        await self._counters.release(attempt_id)

    async def release_address(self, charge: Charge, address: str) -> None:
        """Release the address's count of an attempt that waits for 3-D Secure authentication.

        Many people share an address, and authentication takes minutes.
        """
        await self._counters.release_one(charge.attempt_id, _address_key(address))

    async def forget_account(self, user_id: str) -> None:
        """Delete what was counted of an account."""
        await self._counters.forget(_account_key(user_id))

    async def refuse_reported_card(self, charge: Charge, decline: Decline) -> None:
        """Refuse a card to its account if it was reported stolen; it may be refused already."""
        if decline.operator_code in REFUSED_CODES and decline.fingerprint is not None:
            await self._counters.refuse_card(_card_key(decline.fingerprint), charge.user_id)


def _account_key(user_id: str) -> str:
    return f"account:{user_id}"


def _address_key(address: str) -> str:
    return f"address:{address}"


def _card_key(fingerprint: str) -> str:
    return f"card:{fingerprint}"
