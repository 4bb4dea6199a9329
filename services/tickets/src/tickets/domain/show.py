"""Rules of a show: who may change it, and until when.

The first seller of a ticket enters its show; others find it and list for it too. Its creator may
edit it only as long as that concerns no one else: another seller's listing, or the first order of
any of its tickets, closes it. From then on only an operator changes it.

Tickets hold a copy of the facts, so a change of the facts is a change of each ticket too.
"""

from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from common.change import Change
from common.errors import BadRequest, Unauthorized
from common.events import ShowCreated, ShowUpdated
from common.shows import ShowCategory, ShowFacts, Venue

MAX_DURATION: Final = timedelta(days=31)
MAX_AHEAD: Final = timedelta(days=3 * 365 + 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowDetails:
    """What a person enters about a show."""

    name: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    venue: Venue
    category: ShowCategory

    @property
    def local_start(self) -> datetime:
        """The start on the clocks at the venue, without a time zone."""
        return self._on_clocks(self.starts_at)

    @property
    def local_date(self) -> date:
        """The day on which the show starts at its venue."""
        return self.local_start.date()

    def _on_clocks(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None)

    def check_duration(self) -> None:
        """Check that the end is after the start, and not too long after it.

        Raises:
            BadRequest: it is not.
        """
        if self.ends_at <= self.starts_at:
            raise BadRequest("A show must end after it starts", field="endsAt")
        if self._on_clocks(self.ends_at) - self.local_start > MAX_DURATION:
            raise BadRequest("A show must end at most 31 days after it starts", field="endsAt")

    def check_start(self, now: datetime) -> None:
        """Check that the start is in the future, and not too far ahead.

        Raises:
            BadRequest: it is not.
        """
        if self.starts_at <= now:
            raise BadRequest("A show must start in the future", field="startsAt")
        if self.starts_at - now > MAX_AHEAD:
            raise BadRequest("A show must start within three years", field="startsAt")


@dataclass(frozen=True, kw_only=True, slots=True)
class Show(ShowDetails):
    """A show.

    Attributes:
        user_id: who created it.
        facts_version: the version with the last change of the facts that tickets copy.
        facts_changed_at: the time of that change, as long as there may be tickets without it.
        is_closed: whether its creator may no longer edit it.
    """

    id: str
    version: int
    user_id: str
    created_at: datetime
    cancelled_at: datetime | None = None
    facts_version: int = 0
    facts_changed_at: datetime | None = None
    is_closed: bool = False

    @property
    def facts(self) -> ShowFacts:
        """What tickets copy."""
        return ShowFacts.from_attributes(self).model_copy(update={"version": self.facts_version})

    def edit(self, *, user_id: str, details: ShowDetails, now: datetime) -> Change["Show"]:
        """Change the details as their creator.

        Raises:
            Unauthorized: the user did not create the show.
            BadRequest: the show is closed or cancelled, or the details are invalid.
        """
        if user_id != self.user_id:
            raise Unauthorized
        if self.is_closed:
            raise BadRequest("Others sell or buy tickets for this show, so it cannot be changed")
        if self.cancelled_at is not None:
            raise BadRequest("A cancelled show cannot be changed")
        details.check_start(now)
        return self.correct(details, now)

    def correct(self, details: ShowDetails, now: datetime) -> Change["Show"]:
        """Change the details as an operator.

        Raises:
            BadRequest: the details are invalid.
        """
        details.check_duration()
        entered: dict[str, Any] = {
            field.name: getattr(details, field.name) for field in fields(ShowDetails)
        }
        return self._change_facts(replace(self, **entered), now)

    def cancel(self, now: datetime) -> Change["Show"]:
        """Cancel the show. Repeating it changes nothing."""
        return self._change_facts(replace(self, cancelled_at=self.cancelled_at or now), now)

    def close(self) -> Change["Show"]:
        """End the edits of its creator, because they would concern others."""
        if self.is_closed:
            return Change(self)
        return _updated(replace(self, is_closed=True, version=self.version + 1))

    def _change_facts(self, after: "Show", now: datetime) -> Change["Show"]:
        if after == self:
            return Change(self)
        version = self.version + 1
        return _updated(
            replace(after, version=version, facts_version=version, facts_changed_at=now)
        )

    def to_event(self) -> ShowUpdated:
        """Return the event that publishes the show's current state."""
        return ShowUpdated.from_attributes(self)


def _updated(after: Show) -> Change[Show]:
    return Change(after, (after.to_event(),))


def add_show(*, show_id: str, details: ShowDetails, user_id: str, now: datetime) -> Change[Show]:
    """Create a show.

    Raises:
        BadRequest: the details are invalid.
    """
    details.check_start(now)
    details.check_duration()
    show = Show(
        id=show_id,
        version=0,
        user_id=user_id,
        created_at=now,
        name=details.name,
        starts_at=details.starts_at.astimezone(UTC),
        ends_at=details.ends_at.astimezone(UTC),
        time_zone=details.time_zone,
        venue=details.venue,
        category=details.category,
    )
    return Change(show, (ShowCreated.from_attributes(show),))


def check_open_for_listing(show: Show, now: datetime) -> None:
    """Check that tickets may be listed for a show.

    Raises:
        BadRequest: it was cancelled, or has begun.
    """
    if show.cancelled_at is not None:
        raise BadRequest("This show was cancelled", field="showId")
    if show.starts_at <= now:
        raise BadRequest("This show has begun", field="showId")
