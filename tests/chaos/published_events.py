"""The check that every committed version has exactly one event, which says what is stored."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from chaos.sales import published_status
from chaos.snapshot import Doc, Snapshot, StoredEvent

VERSIONED_AGGREGATES: Final = {
    "ticket": ("tickets", "tickets.tickets"),
    "show": ("tickets", "tickets.shows"),
    "vault": ("tickets", "tickets.vault"),
    "order": ("orders", "orders.orders"),
    "payment": ("payments", "payments.charges"),
    "seller": ("payments", "payments.sellers"),
}
"""First word of the subjects -> the stream, and the collection that has exactly one event in it for
each committed version."""
BRIEF_AT_FIRST: Final = frozenset({"payment"})
"""First words of the subjects of aggregates whose version 0 may be superseded unpublished."""


def every_version_published(snapshot: Snapshot) -> Iterator[str]:
    """Check that every committed version has exactly one event, and every event a version.

    But version 0 of a charge need not have one if another version followed it (decision 66).
    """
    for first_word, (stream, collection) in VERSIONED_AGGREGATES.items():
        published: defaultdict[str, Counter[int]] = defaultdict(Counter)
        events = [e for e in snapshot.streams[stream] if e.subject.startswith(f"{first_word}.")]
        for event in events:
            _, aggregate, version = event.id.split(":")
            published[aggregate][int(version)] += 1
        documents = snapshot.by_id(collection)
        for aggregate, doc in documents.items():
            versions = published.pop(aggregate, Counter())
            expected = Counter(range(doc["version"] + 1))
            if first_word in BRIEF_AT_FIRST and doc["version"] > 0 and 0 not in versions:
                del expected[0]
            if versions != expected:
                yield (
                    f"{collection} {aggregate} is at {doc['version']}, "
                    f"published versions: {dict(versions)}"
                )
        for event in events:
            yield from _event_matches_document(event, documents)
        for aggregate in published:
            yield f"{stream} has an event of {aggregate}, which does not exist"
    fired = [i for i, d in snapshot.by_id("expiration.deadlines").items() if d["status"] == "fired"]
    yield from _published_once("expiration.completed", fired, snapshot.streams["expiration"])
    ended = [
        i
        for i, session in snapshot.by_id("auth.sessions").items()
        if session["ended_at"] is not None and not session.get("ended_with_all")
    ]
    yield from _published_once("session.revoked", ended, snapshot.streams["auth"])


def _event_matches_document(event: StoredEvent, documents: dict[str, Doc]) -> Iterator[str]:
    """Check an event's content against its id and, if it is the last one, its document."""
    _, aggregate, version = event.id.split(":")
    body = json.loads(event.data)
    if (body["id"], body["version"]) != (aggregate, int(version)):
        yield f"event {event.id} contains {body['id']} at {body['version']}"
    doc = documents.get(aggregate)
    if doc is None or doc["version"] != int(version):
        return
    if published_status(doc) != body.get("status"):
        yield f"event {event.id} has status {body['status']}, the document {doc['status']}"
    if doc.get("state") != body.get("state"):
        yield f"event {event.id} has state {body['state']}, the document {doc['state']}"
    flags = (doc.get("status") == "withdrawn", doc.get("withdrawing", False))
    if flags != (body.get("withdrawn", False), body.get("withdrawing", False)):
        yield f"event {event.id} and its document differ in what is withdrawn"


def _published_once(subject: str, expected: list[str], events: list[StoredEvent]) -> Iterator[str]:
    published = Counter(event.id.split(":")[1] for event in events if event.subject == subject)
    for aggregate, count in (published - Counter(expected)).items():
        yield f"{subject} was published {count} times too often for {aggregate}"
    for aggregate in Counter(expected) - published:
        yield f"{subject} was not published for {aggregate}"
