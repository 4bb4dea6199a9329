"""Conversion of a change to the document or update that stores it, together with its events."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from bson import ObjectId

from common.change import Change
from common.persistence.audit_log import audit_entry
from common.persistence.mongo import Doc
from common.persistence.outbox import outbox_entry
from common.persistence.writer import VersionedUpdate
from common.values.clock import Clock


class Versioned(Protocol):
    """An aggregate: its id and the version of its state."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...


T = TypeVar("T", bound=Versioned)


def _never(_aggregate: object) -> bool:
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class AggregateMapping(Generic[T]):
    """How aggregates of one kind are stored.

    Attributes:
        from_document: converts a stored document to an aggregate.
        to_document: converts an aggregate to its fields, without id, version and outbox.
        audited: whether each document has an audit log (`common.persistence.audit_log`).
        audited_fields: what the log contains, if not all fields. Other changes have no entry.
        event_context: the context in which an aggregate's events are built, in which another trace
            may be continued.
        is_brief: whether a state usually lasts less than a second (`defers_events`).
    """

    from_document: Callable[[Doc], T]
    to_document: Callable[[T], Doc]
    audited: bool = False
    audited_fields: frozenset[str] = frozenset()
    event_context: Callable[[T], AbstractContextManager[object]] = nullcontext
    is_brief: Callable[[T], bool] = _never

    def defers_events(self, aggregate: T) -> bool:
        """Return whether the events of a state are published only if it lasts.

        The process that stores it leaves them to the sweep, and the next update replaces them. Only
        version 0 can be so, because its outbox cannot contain an event that has to be published.
        """
        return aggregate.version == 0 and self.is_brief(aggregate)

    def document(self, change: Change[T], clock: Clock) -> Doc:
        """Return the document of a new aggregate."""
        after = change.after
        fields = self.to_document(after)
        doc = {"_id": ObjectId(after.id), "version": after.version, **fields}
        doc["outbox"] = self._outbox(change, clock)
        if entry := self._audit_entry(after.version, clock(), {}, fields):
            doc["history"] = [entry]
        return doc

    def update(self, before: T, change: Change[T], clock: Clock) -> VersionedUpdate:
        """Return the conditional update for a change of `before`."""
        after = change.after
        if after.version != before.version + 1:
            raise AssertionError(f"{after!r} does not follow version {before.version}")
        fields, outbox = self.to_document(after), self._outbox(change, clock)
        update: Doc = {"$set": {"version": after.version, **fields}}
        push: Doc = {}
        if outbox and self.defers_events(before):
            update["$set"]["outbox"] = outbox
        else:
            push["outbox"] = {"$each": outbox}
        if self.audited or self.audited_fields:
            before_fields = self.to_document(before)
            if entry := self._audit_entry(after.version, clock(), before_fields, fields):
                push["history"] = {"$each": [entry]}
        if push:
            update["$push"] = push
        return VersionedUpdate(
            expected={"_id": ObjectId(after.id), "version": before.version},
            update=update,
            outbox=outbox,
        )

    def _audit_entry(self, version: int, at: datetime, before: Doc, after: Doc) -> Doc | None:
        """Return the entry of a change, if it is one that the audit log contains."""
        if self.audited:
            return audit_entry(version, at, before, after)
        audited_before = {name: before.get(name) for name in self.audited_fields}
        audited_after = {name: after.get(name) for name in self.audited_fields}
        if audited_before == audited_after:
            return None
        return audit_entry(version, at, audited_before, audited_after)

    def _outbox(self, change: Change[T], clock: Clock) -> list[Doc]:
        if not change.events:
            return []
        now, after = clock(), change.after
        with self.event_context(after):
            return [outbox_entry(event, after.id, after.version, now) for event in change.events]
