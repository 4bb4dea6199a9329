"""Shows in MongoDB, and the search of those that are to come.

A search reads one index range in the order of the start: that of its longest word, of its city, or
of all shows. What does not match is left out here. A page that the budget cuts short continues
after the last show examined.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from bson import ObjectId
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from common.change import Change
from common.errors import BadRequest, Conflict
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import (
    OUTBOX_INDEX,
    STATE_PROJECTION,
    AggregateDocument,
    Doc,
    object_id,
)
from common.persistence.outbox import Relay
from common.persistence.store import Decide, Store
from common.shows import ShowCategory, Venue
from common.values.clock import Clock
from common.values.ids import is_id
from common.web.pagination import Page, decode_cursor, encode_cursor
from tickets.domain.show import Show, ShowDetails
from tickets.search_terms import fold_name
from tickets.show_search import ShowQuery, show_terms

MAX_EXAMINED: Final = 1_000
"""How many shows one request may examine, each by one index key and one document."""
_BY_START: Final = [("starts_at", ASCENDING), ("_id", ASCENDING)]
_EASTERNMOST: Final = timedelta(hours=14)
_WESTERNMOST: Final = timedelta(hours=12)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ShowDocument(AggregateDocument):
    """A show; `identity` and `day` say which shows are the same or similar."""

    class Settings:
        name = "shows"
        indexes = [
            OUTBOX_INDEX,
            IndexModel("identity", name="identity", unique=True),
            IndexModel("day", name="day"),
            IndexModel(_BY_START, name="all"),
            IndexModel([("terms", ASCENDING), *_BY_START], name="terms"),
            IndexModel([("city_key", ASCENDING), *_BY_START], name="city"),
            IndexModel(
                "facts_changed_at",
                name="changed",
                partialFilterExpression={"facts_changed_at": {"$gt": _EPOCH}},
            ),
        ]


@dataclass(frozen=True, slots=True)
class _Position:
    """A place in the list: that of a show."""

    starts_at: datetime
    id: ObjectId

    @classmethod
    def of(cls, doc: Doc) -> "_Position":
        return cls(doc["starts_at"], doc["_id"])

    @classmethod
    def from_cursor(cls, cursor: str, query: ShowQuery) -> "_Position":
        match decode_cursor(cursor):
            case [str(fingerprint), int(seconds), str(last)] if (
                fingerprint == query.fingerprint and is_id(last) and abs(seconds) < 2**34
            ):
                return cls(_EPOCH + timedelta(seconds=seconds), object_id(last))
            case _:
                raise BadRequest("Invalid cursor", field="cursor")

    def cursor(self, query: ShowQuery) -> str:
        seconds = (self.starts_at - _EPOCH) // timedelta(seconds=1)
        return encode_cursor(query.fingerprint, seconds, str(self.id))


def _from_document(doc: Mapping[str, Any]) -> Show:
    return Show(
        id=str(doc["_id"]),
        version=doc["version"],
        user_id=doc["user_id"],
        created_at=doc["created_at"],
        name=doc["name"],
        starts_at=doc["starts_at"],
        ends_at=doc["ends_at"],
        time_zone=doc["time_zone"],
        venue=Venue.model_validate(doc["venue"]),
        category=ShowCategory(doc["category"]),
        cancelled_at=doc["cancelled_at"],
        facts_version=doc["facts_version"],
        facts_changed_at=doc["facts_changed_at"],
        is_closed=doc["is_closed"],
    )


def to_document(show: Show) -> Doc:
    """Return the fields of a show that are stored."""
    stored = {
        field.name: getattr(show, field.name)
        for field in fields(show)
        if field.name not in {"id", "version"}
    }
    return {
        **stored,
        "venue": show.venue.model_dump(by_alias=False),
        "identity": _identity(show),
        "day": _day(show),
        "local_date": show.local_date.isoformat(),
        "city_key": fold_name(show.venue.city),
        "terms": show_terms(show.name, show.venue.name, show.venue.city),
    }


def _place(details: ShowDetails) -> list[str]:
    venue = details.venue
    return [*map(fold_name, (details.name, venue.name, venue.city)), venue.country]


def _identity(details: ShowDetails) -> str:
    """Return what identical shows have in common."""
    return "\n".join([*_place(details), details.starts_at.astimezone(UTC).isoformat()])


def _day(details: ShowDetails) -> str:
    """Return what shows of one name, place and day have in common."""
    return "\n".join([*_place(details), details.local_date.isoformat()])


class ShowStore(Store[Show]):
    """All shows, past ones too. Each has an audit log, because operators may change it."""

    def __init__(
        self, relay: Relay, clock: Clock, on_written: Callable[[Show], None] = lambda _show: None
    ) -> None:
        mapping = AggregateMapping(
            from_document=_from_document, to_document=to_document, audited=True
        )
        super().__init__(ShowDocument, mapping, relay, clock, on_written=on_written)

    async def insert_unless_identical(self, change: Change[Show]) -> tuple[Show, bool]:
        """Insert a show, or return the identical one; and return whether the show is new."""
        try:
            return await self.add(change), True
        except DuplicateKeyError:
            identical = {"identity": _identity(change.after)}
            doc = await self.collection.find_one(identical, STATE_PROJECTION)
            return self.from_document(doc) if doc else await self.get(change.after.id), False

    async def change(self, show_id: str, decide: Decide[Show]) -> Show:
        """Change a show like `update`.

        Raises:
            Conflict: the show would become identical to another.
        """
        try:
            return await self.update(show_id, decide)
        except DuplicateKeyError:
            raise Conflict("There is such a show already", field="name") from None

    async def find_on_same_day(self, details: ShowDetails) -> list[Show]:
        """Return the shows of this name and place that start on the same day there."""
        docs = self.collection.find({"day": _day(details)}, STATE_PROJECTION).limit(MAX_EXAMINED)
        return [self.from_document(doc) async for doc in docs]

    async def list_upcoming(
        self, query: ShowQuery, *, now: datetime, limit: int, cursor: str | None
    ) -> Page[Show]:
        """Return a page of shows that have not begun. A short one may have a successor."""
        position = None if cursor is None else _Position.from_cursor(cursor, query)
        entries = _range_of(query, now)
        found: list[Show] = []
        budget, size = MAX_EXAMINED, limit + 1
        while (size := min(size, budget)) > 0:
            docs = await self._read(entries, position, size)
            for doc in docs:
                if _is_match(query, doc):
                    if len(found) == limit and position is not None:
                        return Page(found, position.cursor(query))
                    found.append(self.from_document(doc))
                position = _Position.of(doc)
            if len(docs) < size:
                return Page(found, None)
            budget -= len(docs)
            size *= 2
        return Page(found, position and position.cursor(query))

    async def _read(self, entries: Doc, position: _Position | None, size: int) -> list[Doc]:
        docs: list[Doc] = []
        for following in _ranges_after(entries, position):
            if len(docs) < size:
                docs += (
                    await self.collection.find(following, STATE_PROJECTION)
                    .sort(_BY_START)
                    .hint(_index_of(entries))
                    .limit(size - len(docs))
                    .to_list()
                )
        return docs

    async def iter_changed(self) -> AsyncGenerator[Show]:
        """Yield the shows whose facts have changed lately, the first changed first."""
        changed = self.collection.find({"facts_changed_at": {"$gt": _EPOCH}}, STATE_PROJECTION)
        for doc in await changed.sort("facts_changed_at", ASCENDING).limit(1_000).to_list():
            yield self.from_document(doc)

    async def mark_copied(self, show: Show) -> None:
        """Note that every ticket has the present facts. This is no change of the show."""
        await self.collection.update_one(
            {"_id": object_id(show.id), "facts_version": show.facts_version},
            {"$set": {"facts_changed_at": None}},
        )


def _range_of(query: ShowQuery, now: datetime) -> Doc:
    """Return the filter of the index range that a search reads."""
    starts: Doc = {"$gt": now}
    if query.first_day is not None and query.first_day > now.date():
        starts["$gt"] = max(now, _start_of(query.first_day) - _EASTERNMOST)
    if query.last_day is not None and query.last_day < date.max:
        starts["$lt"] = _start_of(query.last_day + timedelta(days=1)) + _WESTERNMOST
    if query.terms:
        return {"terms": max(query.terms, key=lambda term: (len(term), term)), "starts_at": starts}
    return {**({"city_key": query.city} if query.city else {}), "starts_at": starts}


def _index_of(entries: Doc) -> str:
    """Return the index of a range. A plan that MongoDB cached for another word may be a scan."""
    if "terms" in entries:
        return "terms"
    return "city" if "city_key" in entries else "all"


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _ranges_after(entries: Doc, position: _Position | None) -> Sequence[Doc]:
    """Return the filters of what follows a position, each one range of an index, in order."""
    if position is None or position.starts_at <= entries["starts_at"]["$gt"]:
        return [entries]
    same = {**entries, "starts_at": position.starts_at, "_id": {"$gt": position.id}}
    later = {**entries, "starts_at": {**entries["starts_at"], "$gt": position.starts_at}}
    return [same, later]


def _is_match(query: ShowQuery, doc: Doc) -> bool:
    if doc["cancelled_at"] is not None:
        return False
    day = date.fromisoformat(doc["local_date"])
    return query.matches(
        doc["terms"], city=doc["city_key"], category=ShowCategory(doc["category"]), day=day
    )
