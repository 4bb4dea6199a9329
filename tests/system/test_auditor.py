"""The auditor of `make chaos` reports each invariant that is broken in a valid snapshot."""

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chaos.auditor import audit
from chaos.client_log import AccountChange, ClientLog, Reading
from chaos.snapshot import COLLECTIONS, DEAD_LETTERS_STREAM, Consumer, Snapshot, StoredEvent
from common.events import STREAMS, AllSessionsRevoked
from orders.domain.refund import REFUND_AGREED
from tickets.store.tickets import terms_of

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SOLD, FREE = "5" * 24, "f" * 24
PAID, EXPIRED, UNPAID = "a" * 24, "b" * 24, "d" * 24
SESSION = "7" * 24
BUYER = "c" * 24
SELLER = "2" * 24
LEFT = "1" * 24
"""A user who was deleted."""
SHOW = "8" * 24
ENTRY = "9" * 24
FILE = b"an encrypted file"
SENT = "5e" * 32
PROTECTION = {
    "grade": "vault",
    "digest": hashlib.sha256(FILE).hexdigest(),
    "symbologies": ["qr"],
    "revealed": False,
}
REVEAL = {"user_id": BUYER, "ticket_id": SOLD, "at": NOW}
FACTS = {
    "name": "Tosca",
    "starts_at": NOW,
    "ends_at": NOW,
    "time_zone": "UTC",
    "venue": {"name": "Opera", "city": "Rome", "country": "IT"},
    "category": "other",
}
SHOW_COPY = {"id": SHOW, "version": 0, **FACTS}
CANCELLED = {**SHOW_COPY, "cancelled_at": NOW}


def _order(
    order_id: str, ticket: str, status: str, reason: str | None, hold: int = 1
) -> dict[str, Any]:
    return {
        "_id": order_id,
        "version": 1,
        "status": status,
        "reason": reason,
        "user_id": BUYER,
        "slot": 0,
        "created_at": NOW - timedelta(minutes=15),
        "expires_at": NOW,
        "ticket": {"id": ticket, "hold": hold, "title": ticket, "price": 2000, "version": 0},
        "history": [{"at": NOW - timedelta(minutes=15)}],
        "outbox": [],
    }


def _ticket(ticket: str, status: str, order_id: str | None, hold: int = 1) -> dict[str, Any]:
    return {
        "_id": ticket,
        "version": 0,
        "title": ticket,
        "words": [ticket],
        "price": 2000,
        "user_id": BUYER,
        "status": status,
        "order_id": order_id,
        "hold": hold,
        "order_version": 1,
        "outbox": [],
    }


def _entry(number: int, **fields: Any) -> dict[str, Any]:
    """Return an entry of the vault, which the buyer of the sold ticket was shown."""
    return {
        "_id": f"{ENTRY[:23]}{9 - number}",
        "version": 0,
        "ticket_id": SOLD,
        "earlier": [],
        "state": "revealed",
        "reveal": REVEAL,
        "digest": PROTECTION["digest"],
        "is_current": True,
        "fingerprints": ["fingerprint"],
        "sealed": {"file": FILE},
        "matches": [],
        "history": [{"changed": {"reveal": REVEAL}}],
        "outbox": [],
        **fields,
    }


def _charge(order_id: str, status: str, refund: str | None) -> dict[str, Any]:
    return {
        "_id": f"ch{order_id[2:]}",
        "version": 0,
        "order_id": order_id,
        "user_id": BUYER,
        "status": status,
        "attempts": [],
        "last_error": None,
        "amount": 2000,
        "stripe_id": f"pi_{order_id}",
        "stripe_refund_id": refund,
        "stripe_charge_id": f"py_{order_id}",
        "paid_at": None if status == "canceled" else NOW,
        "outbox": [],
        "payout": None,
        **(copy.deepcopy(_PAID_OUT) if status == "succeeded" else {}),
    }


def _transfer(**fields: Any) -> dict[str, Any]:
    """Return the transfer to the seller of the paid order."""
    return {
        "id": "tr_1",
        "transfer_group": PAID,
        "destination": ACCOUNT,
        "amount": 1900,
        "amount_reversed": 0,
        "created": NOW.timestamp(),
        "metadata": {"round": "1"},
        **fields,
    }


def _dispute(order_id: str, **fields: Any) -> dict[str, Any]:
    """Return a dispute that was opened a minute before the end."""
    return {
        "id": "du_1",
        "charge": f"py_{order_id}",
        "amount": 2000,
        "status": "needs_response",
        "created": NOW.timestamp() - 60,
        **fields,
    }


def _line(entry: int, account: str, amount: int) -> dict[str, Any]:
    return {"entry": entry, "account": account, "amount": amount}


def _balance(amount: int) -> dict[str, Any]:
    return {"usd": {"available": 0, "pending": amount}}


ACCOUNT = "acct_1"
_PAID_OUT: dict[str, Any] = {
    "seller_id": SELLER,
    "fee": 100,
    "net": 1900,
    "release_at": NOW,
    "payout": {"state": "sent", "amount": 1900, "reversed": 0, "transfer_id": "tr_1"},
}


def _valid_snapshot() -> Snapshot:
    """Return a snapshot of a sold ticket, and of one with a refunded and an unpaid order."""
    orders = [
        _order(PAID, SOLD, "complete", None),
        _order(EXPIRED, FREE, "cancelled", "expired"),
        _order(UNPAID, FREE, "cancelled", "buyer", hold=2),
    ]
    tickets = [_ticket(SOLD, "sold", PAID), _ticket(FREE, "available", None, hold=2)]
    charges = [
        _charge(PAID, "succeeded", None),
        _charge(EXPIRED, "refunded", "re_1"),
        _charge(UNPAID, "canceled", None),
    ]
    unanswered = {"outcome": "nothing", "at": NOW, "decline_code": None}
    declined = {"outcome": "declined", "at": NOW, "decline_code": "generic_decline"}
    charges[2]["attempts"] = [unanswered, declined]
    documents: dict[str, list[dict[str, Any]]] = {name: [] for name in COLLECTIONS}
    tickets[0]["vault"] = {"entry_id": ENTRY, "protection": PROTECTION}
    tickets[0]["holder_id"] = BUYER
    orders[0]["ticket"]["protection"] = PROTECTION
    tickets[0]["show"] = SHOW_COPY
    tickets[0]["words"] = terms_of(tickets[0])
    show = {**FACTS, "cancelled_at": None, "facts_version": 0}
    documents |= {
        "tickets.shows": [{"_id": SHOW, "version": 1, **show, "outbox": []}],
        "orders.orders": orders,
        "tickets.tickets": tickets,
        "payments.charges": charges,
        "payments.counted_attempts": [
            {"_id": f"{charges[2]['_id']}:1:1h", "slots": [f"account:{BUYER}#3"]}
        ],
        "tickets.vault": [_entry(0)],
        "orders.tickets": [
            {**ticket, "protection": protection}
            for ticket, protection in zip(copy.deepcopy(tickets), [PROTECTION, None], strict=True)
        ],
        "payments.orders": [{**order, "price": 2000} for order in copy.deepcopy(orders)],
        "expiration.deadlines": [
            {"_id": PAID, "status": "cleared", "expires_at": NOW},
            {"_id": EXPIRED, "status": "fired", "expires_at": NOW},
            {"_id": UNPAID, "status": "cleared", "expires_at": NOW},
        ],
        "auth.accounts": [
            {"_id": BUYER, "email": "buyer@example.com", "sessions_end": {"before": NOW}}
        ],
        "auth.letters": [
            {
                "_id": f"letter of {order}",
                "user_id": BUYER,
                "kind": kind,
                "facts": {"order_id": order},
                "state": "sent",
                "refusal": None,
            }
            for order, kind in (
                (PAID, "receipt"),
                (EXPIRED, "order_expired"),
                (UNPAID, "order_cancelled"),
            )
        ]
        + [
            {
                "_id": "last letter",
                "user_id": LEFT,
                "kind": "account_deleted",
                "facts": {},
                "address": None,
                "state": "sent",
                "refusal": None,
            }
        ],
        "auth.erased_users": [
            {"_id": LEFT, "version": 1, "requested_by": "", "is_complete": True, "outbox": []}
        ],
        "auth.sessions": [
            {"_id": SESSION, "user_id": BUYER, "created_at": NOW, "ended_at": NOW},
            *(
                {"_id": f"{n:024x}", "user_id": BUYER, "created_at": NOW, "ended_at": None}
                for n in range(20)
            ),
        ],
    }
    streams: dict[str, list[StoredEvent]] = {
        stream: [] for stream in (*STREAMS, DEAD_LETTERS_STREAM)
    }
    streams["tickets"] = [
        _event("ticket.created", SOLD, 0, "sold"),
        _event("ticket.created", FREE, 0, "available"),
        _event("show.created", SHOW, 0),
        _event("show.updated", SHOW, 1),
        _event("vault.created", ENTRY, 0, state="revealed"),
    ]
    streams["orders"] = [
        *(_event("order.created", order, 0, "created") for order in (PAID, EXPIRED, UNPAID)),
        _event("order.completed", PAID, 1, "complete"),
        _event("order.cancelled", EXPIRED, 1, "cancelled"),
        _event("order.cancelled", UNPAID, 1, "cancelled"),
    ]
    streams["payments"] = [
        _event("payment.updated", charge["_id"], 0, charge["status"]) for charge in charges
    ]
    streams["expiration"] = [_event("expiration.completed", EXPIRED, 1)]
    streams["auth"] = [
        _event("session.revoked", SESSION, 1),
        _all_revoked(NOW),
        _event("user.deleted", LEFT, 0),
        _event("user.deleted", LEFT, 1),
    ]
    return Snapshot(
        documents,
        streams,
        [Consumer("orders-tickets", 0, 0, 0)],
        {
            f"pi_{order}": {"metadata": {"orderId": order}, "status": status}
            for order, status in (
                (PAID, "succeeded"),
                (EXPIRED, "succeeded"),
                (UNPAID, "canceled"),
            )
        },
        [_stripe_charge(PAID), _stripe_charge(EXPIRED)],
        [_refund(f"py_{EXPIRED}")],
        [],
        received_letters=frozenset(
            {"last letter", *(f"letter of {order}" for order in (PAID, EXPIRED, UNPAID))}
        ),
        transfers=[_transfer()],
        accounts=[{"id": ACCOUNT, "metadata": {"userId": SELLER}}],
        ledger={
            "problems": [],
            "accounts": {"platform": _balance(-76), "stripe_fees": _balance(176)},
        },
        ledger_lines=[
            _line(1, "platform", -1900),
            _line(1, ACCOUNT, 1900),
            _line(2, ACCOUNT, -900),
            _line(2, "banks", 900),
        ],
        statements={SELLER: {"held": 0, "sent": 19, "owed": 0}},
    )


def _refund(charge_id: str) -> dict[str, Any]:
    return {
        "id": "re_1",
        "charge": charge_id,
        "status": "succeeded",
        "amount": 2000,
        "created": NOW.timestamp(),
    }


def _event(
    subject: str,
    aggregate: str,
    version: int,
    status: str = "",
    seconds_late: int = 1,
    state: str = "",
) -> StoredEvent:
    known = {"status": status} if status else {"state": state} if state else {}
    body = json.dumps({"id": aggregate, "version": version, **known}).encode()
    at = NOW + timedelta(seconds=seconds_late)
    return StoredEvent(f"{subject}:{aggregate}:{version}", subject, at, body)


def _all_revoked(before: datetime) -> StoredEvent:
    body = AllSessionsRevoked(user_id=BUYER, before=before, until=NOW).model_dump_json()
    event_id = f"session.all_revoked:{BUYER}:1"
    return StoredEvent(event_id, "session.all_revoked", NOW, body.encode())


def _stripe_charge(order_id: str) -> dict[str, Any]:
    return {
        "id": f"py_{order_id}",
        "payment_intent": f"pi_{order_id}",
        "paid": True,
        "amount": 2000,
    }


def _client_log() -> ClientLog:
    return ClientLog(
        accounts={"buyer@example.com": BUYER},
        tickets={SOLD: SOLD},
        offered_prices={SOLD: 20, FREE: None},
        edits=[(FREE, 0)],
        orders={PAID: BUYER},
        cancelled={UNPAID},
        ended_sessions={SESSION: "token"},
        paid={PAID: f"ch{PAID[2:]}"},
        files={SOLD: {SENT}},
        uploaded={SOLD},
        readings=[Reading(SOLD, BUYER, SENT)],
        deleted_accounts={"left@example.com": LEFT},
    )


def test_valid_snapshot_has_no_violations() -> None:
    assert audit(_valid_snapshot(), _client_log(), NOW) == []


_RETURNING: dict[str, Any] = {
    "refund_agreed_at": NOW,
    "outcome": "returning",
    "detail": REFUND_AGREED,
}
Corruption = Callable[[Snapshot, ClientLog], object]


def _corrupt_document(collection: str, number: int, **fields: Any) -> Corruption:
    return lambda snapshot, _: snapshot.documents[collection][number].update(fields)


def _append_event(stream: str, event: StoredEvent) -> Corruption:
    return lambda snapshot, _: snapshot.streams[stream].append(event)


def _publish_charge_versions(*versions: int, at: int) -> Corruption:
    """Publish these versions of the paid charge, whose document is at another one."""

    def corrupt(snapshot: Snapshot, _: ClientLog) -> None:
        charge = snapshot.documents["payments.charges"][0]
        charge["version"] = at
        snapshot.streams["payments"][:1] = [
            _event("payment.updated", charge["_id"], version, charge["status"])
            for version in versions
        ]

    return corrupt


def _change_ticket_event(**fields: Any) -> Corruption:
    """Change the copy of the sold ticket that its buyer saw."""

    def change(snapshot: Snapshot, _: ClientLog) -> None:
        event = snapshot.streams["tickets"][0]
        data = json.dumps({**json.loads(event.data), **fields}).encode()
        snapshot.streams["tickets"][0] = replace(event, data=data)

    return change


def _corrupt_payout(**fields: Any) -> Corruption:
    """Change the payout of the paid order."""
    return lambda snapshot, _: snapshot.documents["payments.charges"][0]["payout"].update(fields)


def _with(event: StoredEvent, **fields: Any) -> StoredEvent:
    return replace(event, data=json.dumps({**json.loads(event.data), **fields}).encode())


CORRUPTIONS: dict[str, Corruption] = {
    "has 2 live orders": lambda snapshot, _: snapshot.documents["orders.orders"].append(
        _order("e" * 24, SOLD, "complete", None)
    ),
    "was given hold 1 2 times": lambda snapshot, _: snapshot.documents["orders.orders"].append(
        _order("e" * 24, FREE, "cancelled", "buyer")
    ),
    "is complete, but another was placed after it": _corrupt_document(
        "orders.orders", 1, status="complete", reason=None
    ),
    "has no order of hold {1}": lambda snapshot, _: snapshot.documents["orders.orders"].pop(1),
    "was paid 2 times": lambda snapshot, _: snapshot.charges.append(_stripe_charge(PAID)),
    "is complete and was not paid": lambda snapshot, _: snapshot.charges.pop(0),
    "costs 2000, charged 1999": lambda snapshot, _: snapshot.charges[0].update(amount=1999),
    "has amount 1999, but 2000 was charged": _corrupt_document("payments.charges", 0, amount=1999),
    "and its payment was refunded": lambda snapshot, _: snapshot.refunds[0].update(
        charge=f"py_{PAID}"
    ),
    "its charge is processing": _corrupt_document("payments.charges", 0, status="processing"),
    "names another PaymentIntent": _corrupt_document("payments.charges", 0, stripe_id="pi_other"),
    "0 of its 2000 was refunded": lambda snapshot, _: snapshot.refunds.clear(),
    "1999 of its 2000 was refunded": lambda snapshot, _: snapshot.refunds[0].update(amount=1999),
    "is charged back, but no bank": _corrupt_document("orders.orders", 0, outcome="charged_back"),
    "was charged back, and does not say so": lambda snapshot, _: snapshot.disputes.append(
        _dispute(PAID, status="lost")
    ),
    "is returning, and its charge": _corrupt_document("orders.orders", 0, outcome="returning"),
    "has 3800, its payout says 1900": lambda snapshot, _: snapshot.transfers.append(_transfer()),
    "has 0, its payout says 1900": lambda snapshot, _: snapshot.transfers.clear(),
    "3800 of 1900": lambda snapshot, _: snapshot.transfers.append(_transfer()),
    "paid before its time": lambda snapshot, _: snapshot.transfers[0].update(
        created=NOW.timestamp() - 60
    ),
    "several transfers in a round": lambda snapshot, _: snapshot.transfers.append(_transfer()),
    "paid before its order allows": _corrupt_document("orders.orders", 0, created_at=NOW),
    "has 1900, due are 0": lambda snapshot, _: snapshot.disputes.append(
        _dispute(PAID, status="lost")
    ),
    "has 1900, due are 900": lambda snapshot, _: snapshot.disputes.append(
        _dispute(PAID, status="lost", amount=1000)
    ),
    "waits, but its seller has 1900": _corrupt_payout(state="frozen"),
    "is void, its seller has 1900": _corrupt_payout(state="void"),
    "1900 too much and owes 0": lambda snapshot, log: (
        _corrupt_payout(state="short")(snapshot, log),
        snapshot.disputes.append(_dispute(PAID, status="lost")),
    ),
    "has the fee 99": _corrupt_document("payments.charges", 0, fee=99, net=1901),
    "changed from 1800": _append_event(
        "payments", _with(_event("payment.updated", f"ch{PAID[2:]}", 1), net=1800)
    ),
    "went to an account of": lambda snapshot, _: snapshot.accounts[0].update(metadata={}),
    "went to an account that was ['restricted']": lambda _, log: log.account_changes[
        ACCOUNT
    ].append(AccountChange("restricted", NOW - timedelta(60), NOW - timedelta(59))),
    "was released under a dispute": lambda snapshot, log: (
        snapshot.disputes.append(_dispute(PAID)),
        _append_event(
            "payments",
            _with(_event("payment.updated", f"ch{PAID[2:]}", 1), payout={"state": "sending"}),
        )(snapshot, log),
    ),
    "was refunded under a dispute": lambda snapshot, _: snapshot.disputes.append(_dispute(EXPIRED)),
    "2000 and 2000 of 2000 were returned": lambda snapshot, _: snapshot.disputes.append(
        _dispute(EXPIRED, status="lost")
    ),
    "the platform has 99, its charges say 100": lambda snapshot, _: snapshot.ledger[
        "accounts"
    ].update(platform=_balance(-77)),
    "1900 are held for sellers, the platform has 100": _corrupt_payout(
        state="held", transfer_id=None
    ),
    "ledger: an entry": lambda snapshot, _: snapshot.ledger["problems"].append("an entry"),
    "is shown {'sent': 1901": lambda snapshot, _: snapshot.statements[SELLER].update(sent=19.01),
    "at Stripe, but sold nothing": lambda snapshot, _: snapshot.statements.clear(),
    "is still sending": lambda snapshot, _: snapshot.documents["payments.charges"][0][
        "payout"
    ].update(state="sending"),
    "a has 1900, due are 0": _corrupt_document("payments.charges", 0, status="refunded"),
    "100 and 1900 are shared": _corrupt_document("payments.charges", 0, amount=2001),
    "has a transfer, but no charge": lambda snapshot, _: snapshot.transfers.append(
        _transfer(transfer_group="e" * 24)
    ),
    "has no payout, but 1 transfers": lambda snapshot, _: snapshot.transfers.append(
        _transfer(transfer_group=UNPAID)
    ),
    "does not name its refund": _corrupt_document("payments.charges", 1, stripe_refund_id="re_2"),
    "is refunded, its charge is succeeded": _corrupt_document(
        "payments.charges", 1, status="succeeded"
    ),
    "its unpaid charge is processing": _corrupt_document(
        "payments.charges", 2, status="processing"
    ),
    "its PaymentIntent is requires_action": lambda snapshot, _: snapshot.intents[
        f"pi_{UNPAID}"
    ].update(status="requires_action"),
    "was charged, but does not exist": lambda snapshot, _: snapshot.documents["orders.orders"].pop(
        0
    ),
    "there is a charge for order": lambda snapshot, _: snapshot.documents["orders.orders"].pop(2),
    "has 5 unpaid orders": lambda snapshot, _: snapshot.documents["orders.orders"].extend(
        _order(f"{n:024}", f"{n:024}", "created", None) for n in range(5)
    ),
    "unpaid orders in slot 0": lambda snapshot, _: snapshot.documents["orders.orders"].extend(
        _order(f"{n:024}", f"{n:024}", "awaiting:payment", None) for n in range(2)
    ),
    "has an unpaid order in slot 4": _corrupt_document(
        "orders.orders", 2, status="created", slot=4
    ),
    "without waiting 1 minutes": lambda snapshot, _: snapshot.documents["orders.orders"].append(
        _order("e" * 24, FREE, "cancelled", "buyer", hold=3)
    ),
    "ordered as": _corrupt_document("tickets.tickets", 0, price=9900),
    "its seller's last edit said 20": _corrupt_document(
        "tickets.tickets", 0, late_edit={"title": SOLD, "price": 9900}
    ),
    "is still created": _corrupt_document("orders.orders", 0, status="created"),
    "is reserved by": _corrupt_document("tickets.tickets", 1, status="reserved", order_id=EXPIRED),
    "is available by None": _corrupt_document(
        "tickets.tickets", 0, status="available", order_id=None
    ),
    "has not applied its orders": _corrupt_document("tickets.tickets", 0, order_version=0),
    "there is an order on ticket": lambda snapshot, _: snapshot.documents["tickets.tickets"].pop(0),
    "is withdrawn and has an unpaid order": lambda snapshot, _: (
        snapshot.documents["tickets.tickets"][1].update(status="withdrawn"),
        snapshot.documents["orders.orders"][2].update(status="created"),
    ),
    "is withdrawing and sold": _corrupt_document("tickets.tickets", 0, withdrawing=True),
    "differ in what is withdrawn": _corrupt_document("tickets.tickets", 1, status="withdrawn"),
    "of a ticket that orders knew to be withdrawn": _change_ticket_event(withdrawn=True),
    "for a show that orders knew to be cancelled": _change_ticket_event(
        show={"startsAt": NOW.isoformat(), "cancelledAt": NOW.isoformat()}
    ),
    "was placed after the start of its show": _change_ticket_event(
        show={"startsAt": (NOW - timedelta(hours=1)).isoformat()}
    ),
    "its buyer saw": _change_ticket_event(show={"startsAt": NOW.isoformat(), "name": "Other"}),
    "of a cancelled show is created": lambda snapshot, _: (
        snapshot.documents["tickets.tickets"][1].update(show=CANCELLED),
        snapshot.documents["orders.orders"][2].update(status="created"),
    ),
    "has outcome None": _corrupt_document("tickets.tickets", 0, show=CANCELLED),
    "has outcome returning": _corrupt_document("orders.orders", 0, outcome="returning"),
    "because of its show, which is not cancelled": _corrupt_document(
        "orders.orders", 1, detail="show cancelled"
    ),
    "was withdrawn, but is available": lambda _, log: log.withdrawn.add(FREE),
    "2 current entries have the code": lambda snapshot, _: snapshot.documents[
        "tickets.vault"
    ].append(_entry(1)),
    "waits for its original": _corrupt_document("tickets.tickets", 1, pending_entry=ENTRY),
    "differs from its digest": _corrupt_document("tickets.vault", 0, sealed={"file": b"other"}),
    "pinned another original": _corrupt_document("tickets.vault", 0, digest="other"),
    "pinned was removed": _corrupt_document("tickets.vault", 0, sealed=None),
    f"as the buyers of {SOLD}": _corrupt_document("tickets.tickets", 0, holder_id=SESSION),
    "but has 0 reveals": _corrupt_document("tickets.vault", 0, history=[]),
    "says that nobody has seen it": lambda snapshot, _: (
        snapshot.documents["tickets.vault"][0].update(earlier=[SOLD], ticket_id=FREE),
        snapshot.documents["tickets.tickets"][1].update(
            vault={"entry_id": ENTRY, "protection": PROTECTION}
        ),
    ),
    "which has no original": lambda _, log: log.readings.append(Reading(FREE, BUYER, SENT)),
    "without a record": lambda _, log: log.readings.append(Reading(SOLD, SESSION, SENT)),
    "another file": lambda _, log: log.readings.append(Reading(SOLD, BUYER, "other")),
    "2 different files": lambda _, log: log.readings.append(Reading(SOLD, BUYER, "other")),
    "was accepted, but is not agreed": lambda _, log: log.accepted_refunds.add(PAID),
    "is agreed, but nothing happened": _corrupt_document("orders.orders", 0, refund_agreed_at=NOW),
    "went back before tickets answered": _corrupt_document("orders.orders", 0, **_RETURNING),
    "has the money and an original to reveal": lambda snapshot, _: (
        snapshot.documents["orders.orders"][0].update(_RETURNING),
        snapshot.documents["tickets.vault"][0].update(history=[]),
    ),
    "was removed after its money went back": lambda snapshot, _: (
        snapshot.documents["orders.orders"][0].update(
            _RETURNING, history=[{"at": NOW, "changed": _RETURNING}]
        ),
        snapshot.documents["tickets.vault"][0].update(
            history=[{"at": NOW + timedelta(seconds=1), "changed": {"state": "void"}}]
        ),
    ),
    "was accepted, but is lost": lambda _, log: log.uploaded.add(FREE),
    "was listed from": lambda _, log: log.listed_again.update({FREE: PAID}),
    "has another original than the bought one": lambda snapshot, log: (
        snapshot.documents["tickets.tickets"][1].update(from_order_id=PAID),
        log.listed_again.update({FREE: PAID}),
    ),
    "has state revealed, the document sealed": _corrupt_document(
        "tickets.vault", 0, state="sealed"
    ),
    "but has words": _corrupt_document("tickets.tickets", 0, words=["other"]),
    "has facts": _corrupt_document("tickets.shows", 0, name="Siegfried"),
    "is for show": _corrupt_document("tickets.tickets", 1, show={**SHOW_COPY, "id": "9" * 24}),
    "tickets.shows": lambda snapshot, _: snapshot.streams["tickets"].pop(3),
    "published versions: {0: 1}": lambda snapshot, _: snapshot.streams["orders"].pop(3),
    "published versions: {0: 1, 1: 2}": lambda snapshot, _: snapshot.streams["orders"].append(
        snapshot.streams["orders"][3]
    ),
    "payments.charges cha": _publish_charge_versions(0, at=1),
    "is at 0, published versions: {}": _publish_charge_versions(at=0),
    "is at 2, published versions: {2: 1}": _publish_charge_versions(2, at=2),
    "is at 1, published versions: {1: 2}": _publish_charge_versions(1, 1, at=1),
    "orders.orders aaa": lambda snapshot, _: snapshot.streams["orders"].pop(0),
    "which does not exist": _append_event("tickets", _event("ticket.created", "e" * 24, 0)),
    f"contains {SOLD} at 0": lambda snapshot, _: snapshot.streams["tickets"].__setitem__(
        0, replace(snapshot.streams["tickets"][0], id=f"ticket.created:{SOLD}:1")
    ),
    "has status sold, the document reserved": _corrupt_document(
        "tickets.tickets", 0, status="reserved"
    ),
    "expiration.completed was not published for": lambda snapshot, _: snapshot.streams[
        "expiration"
    ].clear(),
    "expiration.completed was published 1 times too often for": _append_event(
        "expiration", _event("expiration.completed", EXPIRED, 1)
    ),
    "session.revoked was not published for": lambda snapshot, _: snapshot.streams["auth"].pop(0),
    "has 21 active sessions": lambda snapshot, _: snapshot.documents["auth.sessions"].append(
        {"_id": "e" * 24, "user_id": BUYER, "created_at": NOW, "ended_at": None}
    ),
    "ended its sessions": lambda snapshot, _: snapshot.streams["auth"].pop(1),
    "is active, but all of its account were ended": _corrupt_document(
        "auth.sessions", 1, created_at=NOW - timedelta(seconds=1)
    ),
    "is not counted": _corrupt_document("payments.counted_attempts", 0, slots=[]),
    "reveals that a card was reported": _corrupt_document(
        "payments.charges", 2, last_error={"decline_code": "lost_card"}
    ),
    "reveals that a card": lambda snapshot, _: snapshot.streams["payments"].append(
        StoredEvent(
            "payment.failed:x:0",
            "payment.failed",
            NOW,
            b'{"id": "x", "version": 0, "reason": "stolen_card"}',
        )
    ),
    "orders.tickets": _corrupt_document("orders.tickets", 0, price=1),
    "tickets.sellers": lambda snapshot, _: snapshot.documents["tickets.sellers"].append(
        {"_id": SELLER, "version": 1, "transfers": "active"}
    ),
    "payments.orders": _corrupt_document("payments.orders", 0, version=0),
    "expiration.deadlines": lambda snapshot, _: snapshot.documents["expiration.deadlines"].pop(0),
    "is still waiting": _corrupt_document("expiration.deadlines", 0, status="waiting"),
    "events in its outbox": _corrupt_document("tickets.tickets", 0, outbox=[{}]),
    "has 0 pending and 1 unacknowledged": lambda snapshot, _: snapshot.consumers.append(
        Consumer("a-b", 0, 1, 0)
    ),
    "has 1 pending and 0 unacknowledged": lambda snapshot, _: snapshot.consumers.append(
        Consumer("a-b", 1, 0, 0)
    ),
    "dead letter": _append_event(DEAD_LETTERS_STREAM, _event("dead.x", "x", 0)),
    "was cancelled 9.0 s late": lambda snapshot, _: snapshot.streams["orders"].__setitem__(
        4, _event("order.cancelled", EXPIRED, 1, "cancelled", seconds_late=9)
    ),
    "expired 9.0 s early": lambda snapshot, _: snapshot.streams["orders"].__setitem__(
        4, _event("order.cancelled", EXPIRED, 1, "cancelled", seconds_late=-9)
    ),
    "was complete 9.0 s late": lambda snapshot, _: snapshot.streams["orders"].__setitem__(
        3, _event("order.completed", PAID, 1, "complete", seconds_late=9)
    ),
    "is complete and has 0 letters": _corrupt_document("auth.letters", 0, kind="verify"),
    "is cancelled and has 2 letters": lambda snapshot, _: snapshot.documents["auth.letters"].append(
        snapshot.documents["auth.letters"][1]
    ),
    "was sent, but did not arrive": _corrupt_document("auth.letters", 0, _id="unsent"),
    "was given up": _corrupt_document("auth.letters", 0, state="failed"),
    "was to be deleted": lambda _, log: log.deleted_accounts.update({"other@example.com": FREE}),
    "has the address of": _corrupt_document("auth.letters", 0, address="left@example.com"),
    "has an account": lambda snapshot, _: snapshot.documents["auth.accounts"].append(
        {"_id": LEFT, "email": "x@example.com", "sessions_end": None, "kept": None}
    ),
    "is not complete": _corrupt_document("auth.erased_users", 0, is_complete=False),
    "has 0 last letters": lambda snapshot, _: snapshot.documents["auth.letters"].pop(),
    "and 1 events": lambda snapshot, _: snapshot.streams["auth"].pop(),
    "belongs to an erased user": _corrupt_document("auth.sessions", 3, user_id=LEFT),
    "to an erased user is": _corrupt_document("auth.letters", 3, address="left@example.com"),
    "of an erased user is live": _corrupt_document(
        "orders.orders", 1, status="created", user_id=LEFT
    ),
    "was acknowledged as": _corrupt_document("auth.accounts", 0, email="nobody@example.com"),
    "was listed, but does not exist": lambda _, log: log.tickets.update({"9" * 24: ""}),
    "exists 2 times": _corrupt_document("tickets.tickets", 1, title=SOLD),
    "is lost": lambda _, log: log.edits.append((FREE, 1)),
    "was placed by": lambda _, log: log.orders.update({PAID: SOLD}),
    "was cancelled, but is complete": lambda _, log: log.cancelled.add(PAID),
    "was paid, but its charge is": lambda _, log: log.paid.update({PAID: "none"}),
    "was ended, but is active": _corrupt_document("auth.sessions", 0, ended_at=None),
    "is accepted by orders-1": lambda snapshot, _: snapshot.accepting_replicas.append("orders-1"),
    "answered 500": lambda _, log: log.forbidden_responses.append("answered 500"),
}


@pytest.mark.parametrize("versions", [(0, 1), (1,), (1, 0)])
def test_superseded_first_version_of_a_charge_needs_no_event(versions: tuple[int, ...]) -> None:
    snapshot, client_log = _valid_snapshot(), _client_log()
    _publish_charge_versions(*versions, at=1)(snapshot, client_log)

    assert audit(snapshot, client_log, NOW) == []


@pytest.mark.parametrize("words", CORRUPTIONS)
def test_every_corruption_is_reported(words: str) -> None:
    snapshot, client_log = _valid_snapshot(), _client_log()
    CORRUPTIONS[words](snapshot, client_log)
    assert [violation for violation in audit(snapshot, client_log, NOW) if words in violation]
