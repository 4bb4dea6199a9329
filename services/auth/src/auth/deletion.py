"""The deletion of an account: asked for, given up, or carried out by a periodic run.

Every step can be repeated, and none before the last loses what the steps after it need. So a
process can die anywhere, and the next run of any replica continues.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from auth.domain import closing
from auth.domain.account import Account
from auth.domain.closing import COMPLETION_DELAY, ErasedUser
from auth.domain.letter import LetterKind, write_letter
from auth.domain.obligation import MESSAGES, Obligation, ObligationKind, from_order, from_payment
from auth.session_service import SessionService
from auth.store.accounts import AccountStore
from auth.store.erased_users import ErasedUserStore
from auth.store.letters import LetterStore
from auth.store.obligations import ObligationStore
from auth.store.personal_data import PersonalData
from common.errors import ApiError, Conflict, ErrorDetail
from common.events import OrderEvent, PaymentEvent, ReservationsClosed
from common.messaging.durable_consumer import DurableConsumer
from common.observability.context import CURRENT_ACTOR
from common.persistence.lease import Lease
from common.values.clock import Clock

log = structlog.get_logger("deletion")

INTERVAL_SECONDS: Final = 1.0
LEASE_TTL: Final = timedelta(seconds=60)
CATCH_UP_SECONDS: Final = 30.0
"""How long a run waits for the events that were published before it."""
POLL_SECONDS: Final = 0.1
DEFAULT_LANGUAGE: Final = "en"


class DeletionRefused(Conflict):
    """The account cannot be deleted yet."""

    def __init__(self, obligation: Obligation) -> None:
        extra: dict[str, str | int] = {"reason": obligation.kind}
        if obligation.until is not None:
            extra["possibleFrom"] = obligation.until.isoformat().replace("+00:00", "Z")
        super().__init__(details=[ErrorDetail(MESSAGES[obligation.kind], extra=extra)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Stores:
    """What a deletion reads and writes."""

    accounts: AccountStore
    erased: ErasedUserStore
    obligations: ObligationStore
    letters: LetterStore
    personal_data: PersonalData


class Deletions:
    """Deletes accounts."""

    def __init__(
        self,
        stores: Stores,
        *,
        sessions: SessionService,
        consumers: Callable[[], Sequence[DurableConsumer]],
        lease: Lease,
        clock: Clock,
        wait_seconds: float,
    ) -> None:
        self._sessions = sessions
        self._accounts = stores.accounts
        self._erased = stores.erased
        self._obligations = stores.obligations
        self._letters = stores.letters
        self._personal_data = stores.personal_data
        self._consumers = consumers
        self._lease = lease
        self._clock = clock
        self._wait = timedelta(seconds=wait_seconds)

    async def request(self, user_id: str, *, ignores_dates: bool = False) -> None:
        """Begin the deletion of an account, which ends all its sessions.

        Args:
            user_id: the user.
            ignores_dates: do not wait for the shows of tickets that the user bought.

        Raises:
            NotFound: there is no such account.
            DeletionRefused: something has to be completed first.
        """
        await self._accounts.get(user_id)
        obligation = await self._find_obligation(user_id, ignores_dates=ignores_dates)
        if obligation is not None:
            raise DeletionRefused(obligation)
        now, requested_by = self._clock(), CURRENT_ACTOR.get()
        await self._sessions.end_sessions_by(
            user_id,
            lambda account: closing.close(
                account, requested_by=requested_by, ignores_dates=ignores_dates, now=now
            ),
        )

    async def apply_order(self, event: OrderEvent) -> None:
        """Note what a buyer and a seller owe or are owed by the state of an order."""
        await self._obligations.apply(event.id, event.version, from_order(event))

    async def apply_payment(self, event: PaymentEvent) -> None:
        """Note whether a payment still moves money."""
        parties = from_payment(event)
        if parties is not None:
            await self._obligations.apply(event.id, event.version, parties)

    async def confirm(self, event: ReservationsClosed) -> None:
        """Record that nobody can order from a user any more."""
        now = self._clock()
        if await self._accounts.find(event.user_id) is not None:
            await self._accounts.update(
                event.user_id, lambda account: closing.confirm(account, event.closing_at, now)
            )

    async def is_erased(self, user_id: str) -> bool:
        """Return whether a user was deleted."""
        return await self._erased.find(user_id) is not None

    async def run(self) -> None:
        """Continue all deletions that have begun; one replica does so."""
        if not await self._lease.acquire_or_renew():
            return
        accounts, now = await self._accounts.list_closing(), self._clock()
        ready = {one.id for one in accounts if closing.is_ready(one, self._wait, now)}
        if ready and not await self._has_caught_up():
            ready = set[str]()
        for account in accounts:
            try:
                await self._continue(account, is_ready=account.id in ready)
            except ApiError:
                log.exception("account not deleted, retrying", user_id=account.id)
        for erased in await self._erased.list_incomplete(until=now - COMPLETION_DELAY):
            await self._complete(erased)

    async def _continue(self, account: Account, *, is_ready: bool) -> None:
        begun, now = account.closing, self._clock()
        if begun is None:
            return
        if begun.erasing_at is None:
            obligation = await self._find_obligation(account.id, ignores_dates=begun.ignores_dates)
            if obligation is not None:
                reason = obligation.kind
                await self._accounts.update(
                    account.id, lambda account: closing.keep(account, reason, now)
                )
                log.info("account not deleted", user_id=account.id, reason=reason)
                return
            if not is_ready:
                return
            account = await self._accounts.update(
                account.id, lambda account: closing.begin_erasure(account, now)
            )
        if account.closing is not None:
            await self._erase(account)

    async def _erase(self, account: Account) -> None:
        """Erase an account. The account itself is the last, so that a new run finds the rest."""
        now = self._clock()
        await self._letters.add_unless_written(
            write_letter(
                f"user:{account.id}:deleted",
                LetterKind.ACCOUNT_DELETED,
                account.id,
                now=now,
                facts={"language": account.language or DEFAULT_LANGUAGE},
                address=account.email,
            )
        )
        await self._erased.add_unless_erased(closing.erase(account, now))
        await self._personal_data.erase(account.id, *_addresses(account))
        await self._accounts.remove(account.id)
        log.info("account deleted", user_id=account.id)

    async def _complete(self, erased: ErasedUser) -> None:
        """Erase a user again: what came late, or everything after a backup was restored."""
        account = await self._accounts.find(erased.id)
        await self._personal_data.erase(erased.id, *(_addresses(account) if account else ()))
        await self._accounts.remove(erased.id)
        await self._erased.update(erased.id, ErasedUser.complete)

    async def _find_obligation(self, user_id: str, *, ignores_dates: bool) -> Obligation | None:
        """Return the obligation of a user that takes longest, and first those without a date."""
        found = await self._obligations.list_open(user_id, ignores_dates=ignores_dates)
        return max(found, key=_urgency, default=None)

    async def _has_caught_up(self) -> bool:
        """Return whether every event that is stored now has been handled, after waiting for it."""
        deadline = asyncio.get_running_loop().time() + CATCH_UP_SECONDS
        for consumer in self._consumers():
            info = await consumer.info()
            target = (info.delivered.stream_seq if info.delivered else 0) + (info.num_pending or 0)
            while (info.ack_floor.stream_seq if info.ack_floor else 0) < target:
                if asyncio.get_running_loop().time() > deadline:
                    return False
                await asyncio.sleep(POLL_SECONDS)
                info = await consumer.info()
        return True


def _urgency(obligation: Obligation) -> tuple[bool, float]:
    is_undated = obligation.kind is not ObligationKind.BOUGHT_TICKET
    return is_undated, obligation.until.timestamp() if obligation.until else 0


def _addresses(account: Account) -> list[str]:
    others = (account.requested_email, account.former_email)
    return [account.email, *(other.email for other in others if other)]
