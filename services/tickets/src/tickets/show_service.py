"""The shows application service, called by HTTP routes, tickets and operator commands."""

from collections.abc import AsyncGenerator
from typing import Final

from common.change import Change
from common.errors import BadRequest, Conflict, ErrorDetail
from common.messaging.envelope import EventEnvelope
from common.persistence.store import Decide
from common.values.clock import Clock
from common.web.pagination import Page
from tickets.domain.show import Show, ShowDetails, add_show, check_open_for_listing
from tickets.show_copies import ShowCopies
from tickets.show_search import ShowQuery
from tickets.store.daily_limits import DailyLimit
from tickets.store.shows import ShowStore

MAX_REMEMBERED: Final = 10_000


class ShowService:
    """Adds, edits and finds shows."""

    def __init__(
        self,
        shows: ShowStore,
        copies: ShowCopies,
        clock: Clock,
        *,
        additions: DailyLimit,
        edits: DailyLimit,
    ) -> None:
        self._shows = shows
        self._copies = copies
        self._clock = clock
        self._additions = additions
        self._edits = edits
        self._closed: set[str] = set()
        """Shows that are known to be closed, so that few orders need a read."""

    async def add(
        self, *, show_id: str, details: ShowDetails, user_id: str, is_another: bool
    ) -> tuple[Show, bool]:
        """Return a new show or the identical one that exists, and whether it is new.

        Args:
            show_id: the id of the new show.
            details: what the user entered.
            user_id: the user.
            is_another: whether the user knows the shows of this name and place on the same day.

        Raises:
            BadRequest: the details are invalid.
            Conflict: a show of this name and place begins at another time of the same day.
            TooManyRequests: the user has added too many shows.
        """
        change = add_show(show_id=show_id, details=details, user_id=user_id, now=self._clock())
        same_day = await self._shows.find_on_same_day(details)
        for show in same_day:
            if show.starts_at == details.starts_at:
                return show, False
        similar = [show for show in same_day if show.cancelled_at is None]
        if similar and not is_another:
            raise _similar_show(similar[0])
        await self._additions.record(user_id)
        return await self._shows.insert_unless_identical(change)

    async def edit(self, show_id: str, *, user_id: str, details: ShowDetails) -> Show:
        """Change a show as its creator.

        Raises:
            TooManyRequests: the user has changed too many shows, each with an event for each of
                its tickets and an entry in its audit log.
        """
        now = self._clock()

        def decide(show: Show) -> Change[Show]:
            return show.edit(user_id=user_id, details=details, now=now)

        show = await self._shows.get(show_id)
        if decide(show).after == show:
            return show
        await self._edits.record(user_id)
        return await self._change_facts(show_id, decide)

    async def correct(self, show_id: str, details: ShowDetails) -> Show:
        """Change a show as an operator."""
        now = self._clock()
        return await self._change_facts(show_id, lambda show: show.correct(details, now))

    async def cancel(self, show_id: str) -> Show:
        """Cancel a show as an operator."""
        now = self._clock()
        return await self._change_facts(show_id, lambda show: show.cancel(now))

    async def _change_facts(self, show_id: str, decide: Decide[Show]) -> Show:
        show = await self._shows.change(show_id, decide)
        await self._copies.refresh(show)
        return show

    async def get(self, show_id: str) -> Show:
        return await self._shows.get(show_id)

    async def list_upcoming(
        self, query: ShowQuery, *, limit: int, cursor: str | None
    ) -> Page[Show]:
        """Return one page of the shows to come, the next one first."""
        return await self._shows.list_upcoming(query, now=self._clock(), limit=limit, cursor=cursor)

    async def find_open(self, show_id: str) -> Show:
        """Return a show for which tickets may be listed.

        Raises:
            BadRequest: there is no such show, it was cancelled, or it has begun.
        """
        show = await self._shows.find(show_id)
        if show is None:
            raise BadRequest("There is no such show", field="showId")
        check_open_for_listing(show, self._clock())
        return show

    async def close_to_creator(self, show: Show, *, seller_id: str) -> Show:
        """Return the show for which the seller lists a ticket now, closed if it is another's."""
        if show.user_id == seller_id or show.is_closed:
            return show
        return await self._shows.update(show.id, Show.close)

    async def close(self, show_id: str) -> None:
        """End the edits of a show's creator, after an order of one of its tickets."""
        if show_id in self._closed:
            return
        await self._shows.update_batched(show_id, Show.close)
        if len(self._closed) >= MAX_REMEMBERED:
            self._closed.clear()
        self._closed.add(show_id)

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Generate an event with the current state of every show."""
        return self._shows.snapshot_events(Show.to_event)


def _similar_show(show: Show) -> Conflict:
    message = f"There is a show of this name and place on that day at {show.local_start:%H:%M}"
    return Conflict(details=[ErrorDetail(message, "startsAt", {"showId": show.id})])
