"""The checks of the vault: who was shown which original, and what was promised to whom."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator

from chaos.client_log import ClientLog
from chaos.snapshot import Doc, Snapshot


def reveals_of(entry: Doc) -> list[Doc]:
    """Return every reveal of an entry, the first one first, from its audit log."""
    changes = [change["changed"].get("reveal") for change in entry["history"]]
    return [reveal for reveal in changes if reveal]


def entry_id_of(ticket: Doc) -> str | None:
    """Return the entry that has the original of a ticket."""
    copy: Doc = ticket.get("vault") or {}
    return copy.get("entry_id")


def listings_of(entry: Doc) -> list[str]:
    """Return the listings of an entry, the oldest first."""
    return [*entry["earlier"], entry["ticket_id"]]


def is_taken_back(entry: Doc, tickets: dict[str, Doc]) -> bool:
    """Return whether an entry was removed because the money of one of its sales goes back."""
    returned = (tickets.get(listing, {}).get("returned") for listing in listings_of(entry))
    return entry["state"] == "void" and any(returned)


def one_listing_per_code(snapshot: Snapshot) -> Iterator[str]:
    """Check that no two current entries have the same code, and no ticket waits for its entry."""
    current = Counter(
        fingerprint
        for entry in snapshot.documents["tickets.vault"]
        if entry["is_current"]
        for fingerprint in entry.get("fingerprints", ())
    )
    for fingerprint, count in current.items():
        if count > 1:
            yield f"{count} current entries have the code {fingerprint[:8]}"
    for ticket_id, ticket in snapshot.by_id("tickets.tickets").items():
        if ticket.get("pending_entry"):
            yield f"ticket {ticket_id} still waits for its original"


def delivered_as_promised(snapshot: Snapshot) -> Iterator[str]:
    """Check that what an order pinned is in the vault, intact, for its ticket."""
    entries = snapshot.by_id("tickets.vault")
    tickets = snapshot.by_id("tickets.tickets")
    for entry_id, entry in entries.items():
        sealed = entry.get("sealed")
        if sealed and hashlib.sha256(sealed["file"]).hexdigest() != entry["digest"]:
            yield f"the file of entry {entry_id} differs from its digest"
    for order_id, order in snapshot.by_id("orders.orders").items():
        pinned = order["ticket"].get("protection")
        if order["status"] != "complete" or pinned is None:
            continue
        ticket = tickets.get(str(order["ticket"]["id"]), {})
        entry = entries.get(entry_id_of(ticket) or "", {})
        if entry.get("digest") != pinned["digest"]:
            yield f"order {order_id} pinned another original than its ticket has"
        elif entry.get("sealed") is None and not is_taken_back(entry, tickets):
            yield f"the original that order {order_id} pinned was removed"


def one_person_per_sale(snapshot: Snapshot) -> Iterator[str]:
    """Check that only the buyer of each listing was shown its original."""
    tickets = snapshot.by_id("tickets.tickets")
    for entry_id, entry in snapshot.by_id("tickets.vault").items():
        shown: defaultdict[str, set[str]] = defaultdict(set)
        for reveal in reveals_of(entry):
            shown[reveal["ticket_id"]].add(reveal["user_id"])
        for ticket_id, users in shown.items():
            if users != {tickets.get(ticket_id, {}).get("holder_id")}:
                yield f"entry {entry_id} was shown to {users} as the buyers of {ticket_id}"
        is_removed = bool(shown) and is_taken_back(entry, tickets)
        if bool(shown) != (entry["state"] == "revealed") and not is_removed:
            yield f"entry {entry_id} is {entry['state']}, but has {len(shown)} reveals"


def sealed_was_never_seen(snapshot: Snapshot) -> Iterator[str]:
    """Check that what is offered as never seen was shown to no earlier buyer."""
    tickets = snapshot.by_id("tickets.tickets")
    for entry_id, entry in snapshot.by_id("tickets.vault").items():
        listings = listings_of(entry)
        for place, ticket_id in enumerate(listings):
            ticket = tickets.get(ticket_id, {})
            if entry_id_of(ticket) != entry_id or ticket["status"] == "withdrawn":
                continue
            seen = {reveal["ticket_id"] for reveal in reveals_of(entry)} & {*listings[:place]}
            if seen and not ticket["vault"]["protection"]["revealed"]:
                yield f"ticket {ticket_id} says that nobody has seen it, but {seen} was revealed"


def readings_recorded(snapshot: Snapshot, client_log: ClientLog) -> Iterator[str]:
    """Check what users have read: by whom, with a record, and always the uploaded bytes."""
    tickets = snapshot.by_id("tickets.tickets")
    entries = snapshot.by_id("tickets.vault")
    digests: defaultdict[str, set[str]] = defaultdict(set)
    for reading in client_log.readings:
        entry = entries.get(entry_id_of(tickets.get(reading.ticket_id, {})) or "")
        if entry is None:
            yield f"{reading.user_id} has read {reading.ticket_id}, which has no original"
            continue
        reveals = {(reveal["ticket_id"], reveal["user_id"]) for reveal in reveals_of(entry)}
        if (reading.ticket_id, reading.user_id) not in reveals:
            yield f"{reading.user_id} has read {reading.ticket_id} without a record"
        uploaded = client_log.files.get(listings_of(entry)[0], set())
        if reading.digest not in uploaded:
            yield f"{reading.user_id} has read another file of {reading.ticket_id} than was sent"
        digests[str(entry["_id"])].add(reading.digest)
    for entry_id, different in digests.items():
        if len(different) > 1:
            yield f"{len(different)} different files were read of entry {entry_id}"


def acknowledged_originals(snapshot: Snapshot, client_log: ClientLog) -> Iterator[str]:
    """Check that no upload and no listing that was acknowledged is lost."""
    tickets = snapshot.by_id("tickets.tickets")
    for ticket_id in client_log.uploaded:
        if not tickets.get(ticket_id, {}).get("vault"):
            yield f"the file of ticket {ticket_id} was accepted, but is lost"
    bought = {t["order_id"]: t for t in tickets.values() if t["status"] == "sold"}
    for ticket_id, order_id in client_log.listed_again.items():
        ticket = tickets.get(ticket_id, {})
        if ticket.get("from_order_id") != order_id:
            yield f"ticket {ticket_id} was listed from {order_id}, but is {ticket}"
            continue
        if entry_id_of(ticket) != entry_id_of(bought.get(order_id, {})):
            yield f"ticket {ticket_id} has another original than the bought one"
