"""What differs in each copy of a stored document, so that the copies are a shop with a past.

Their ids are the same in every database. Some users are traders: one in ten sales is the seller's,
and one in a hundred purchases the buyer's.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bson import Binary

from auth.store.accounts import AccountDocument
from auth.store.letters import LetterDocument
from auth.store.obligations import ObligationDocument
from auth.store.sessions import SessionDocument
from common.auth.tokens import User
from common.persistence.mongo import Doc
from common.values.ids import new_id
from expiration.store import DeadlineDocument
from orders.store.orders import OrderDocument
from payments.store.charges import ChargeDocument
from payments.store.sellers import SellerDocument
from payments.store.stripe_events import StripeEventDocument
from tickets.store.tickets import TicketDocument
from tickets.store.vault_entries import VaultDocument

ORDER, TICKET, CHARGE, ACCOUNT, OTHER = range(5)
SELLER, BUYER = 3, 7
"""The numbers of the accounts that sell and buy most."""
SELLS_ONE_IN, BUYS_ONE_IN = 10, 100
OPEN_ONE_IN: Final = 50
DAYS: Final = 150
"""Less than the time for which letters are stored."""
RECENT_DAYS: Final = 25
"""Less than the time for which webhooks and deadlines that are over are stored."""
DAY_MS: Final = 86_400_000
FILE_BYTES: Final = 64
"""The length of a copied original. One of 200 KB is not read by a list either."""
FIRST: Final = 10**16
"""Makes each number 17 digits long."""


def stored_id(kind: int, number: int) -> str:
    """Return the id of the copy of this number."""
    return f"5f0000{kind}{FIRST + number}"


def account(number: int) -> User:
    """Return the user of a copied account."""
    return User(
        id=stored_id(ACCOUNT, number),
        email=email(number),
        session_id=new_id(),
        authenticated_at=time.time(),
    )


def email(number: int) -> str:
    """Return the address of a copied account."""
    return f"stored-{FIRST + number}@example.com"


def _text(kind: int, number: object = "$n") -> Doc:
    digits: Doc = {"$toString": {"$add": [FIRST, number]}}
    return {"$concat": [f"5f0000{kind}", digits]}


def _id(kind: int, number: object = "$n") -> Doc:
    return {"$toObjectId": _text(kind, number)}


def _chosen(one_in: int, remainder: int, then: object, otherwise: object) -> Doc:
    return {"$cond": [{"$eq": [{"$mod": ["$n", one_in]}, remainder]}, then, otherwise]}


@dataclass(frozen=True, slots=True)
class Copies:
    """How the documents of a collection are copied.

    Attributes:
        filter: selects the documents to copy.
        fields: what differs in each copy of number `n`.
        one_in: how many orders there are for each copy.
        document: the class that has the indexes.
    """

    database: str
    collection: str
    fields: Doc
    filter: Doc
    document: type[Any] | None = None
    one_in: int = 1


def all_copies(size: int, now: datetime) -> list[Copies]:
    """Return what is copied: a past of `size` orders, charges and accounts."""
    buyer: Doc = _chosen(BUYS_ONE_IN, 1, BUYER, {"$mod": [{"$multiply": ["$n", 7_919]}, size]})
    seller: Doc = _chosen(SELLS_ONE_IN, 2, SELLER, {"$mod": [{"$multiply": ["$n", 104_729]}, size]})
    at = _time(size, now, DAYS)
    soon: Doc = {"$add": [now, {"$multiply": [DAY_MS, {"$mod": ["$n", 30]}]}, DAY_MS]}
    is_open: Doc = {"$eq": [{"$mod": ["$n", OPEN_ONE_IN]}, 4]}
    payout: Doc = {
        "$mergeObjects": [
            "$payout",
            {
                "$cond": [
                    is_open,
                    {"state": "held"},
                    {
                        "state": "sent",
                        "amount": "$net",
                        "account_id": "acct_stored",
                        "transfer_id": {"$concat": ["tr_", _text(CHARGE)]},
                    },
                ]
            },
        ]
    }
    ordered_ticket: Doc = {
        "$mergeObjects": ["$ticket", {"id": _id(TICKET), "seller_id": _text(ACCOUNT, seller)}]
    }
    sold: Doc = {"order_id": {"$ne": None}, "status": "sold"}
    return [
        Copies(
            "auth",
            "accounts",
            {
                "_id": _id(ACCOUNT),
                "email": {
                    "$concat": ["stored-", {"$toString": {"$add": [FIRST, "$n"]}}, "@example.com"]
                },
                "folded": {
                    "$concat": ["stored-", {"$toString": {"$add": [FIRST, "$n"]}}, "@example.com"]
                },
                "created_at": at,
            },
            {},
            AccountDocument,
        ),
        Copies(
            "auth",
            "sessions",
            {"_id": _id(OTHER), "user_id": _text(ACCOUNT), "expires_at": soon, "over_at": soon},
            {"ended_at": None},
            SessionDocument,
        ),
        Copies(
            "auth",
            "letters",
            {
                "_id": _id(OTHER),
                "user_id": _text(ACCOUNT, buyer),
                "created_at": at,
                "state": "sent",
                "due_at": None,
                "sent_at": at,
            },
            {},
            LetterDocument,
        ),
        Copies(
            "auth",
            "obligations",
            {
                "_id": _id(ORDER),
                "buyer_id": _text(ACCOUNT, buyer),
                "seller_id": _text(ACCOUNT, seller),
                "of_buyer": None,
                "of_seller": {"$cond": [is_open, {"kind": "payout", "until": None}, None]},
                "over_at": {"$cond": [is_open, None, soon]},
            },
            {},
            ObligationDocument,
        ),
        Copies(
            "tickets",
            "tickets",
            {
                "_id": _id(TICKET),
                "user_id": _text(ACCOUNT, seller),
                "created_at": at,
                "order_id": _text(ORDER),
                "holder_id": _text(ACCOUNT, buyer),
            },
            sold,
            TicketDocument,
        ),
        Copies(
            "tickets",
            "vault",
            {
                "_id": _id(OTHER),
                "ticket_id": _text(TICKET),
                "uploaded_by": _text(ACCOUNT, seller),
                "uploaded_at": at,
                "fingerprints": [_text(OTHER)],
                "sealed.file": Binary(bytes(FILE_BYTES)),
            },
            {"state": "revealed"},
            VaultDocument,
        ),
        Copies(
            "orders",
            "orders",
            {
                "_id": _id(ORDER),
                "user_id": _text(ACCOUNT, buyer),
                "ticket": ordered_ticket,
                "created_at": at,
                "expires_at": at,
            },
            {"status": {"$in": ["complete", "cancelled"]}},
            OrderDocument,
        ),
        Copies(
            "orders",
            "tickets",
            {"_id": _id(TICKET), "user_id": _text(ACCOUNT, seller)},
            {},
        ),
        Copies(
            "payments",
            "orders",
            {
                "_id": _id(ORDER),
                "user_id": _text(ACCOUNT, buyer),
                "seller_id": _text(ACCOUNT, seller),
                "created_at": at,
                "expires_at": at,
            },
            {},
        ),
        Copies(
            "payments",
            "charges",
            {
                "_id": _id(CHARGE),
                "order_id": _id(ORDER),
                "user_id": _text(ACCOUNT, buyer),
                "seller_id": _text(ACCOUNT, seller),
                "stripe_id": {"$concat": ["pi_", _text(CHARGE)]},
                "card_fingerprint": {"$concat": ["card_", _text(CHARGE)]},
                "created_at": at,
                "updated_at": at,
                "paid_at": at,
                "payout": payout,
                "look_at": {"$cond": [is_open, soon, None]},
                "release_at": {"$cond": [is_open, soon, at]},
            },
            {"status": "succeeded"},
            ChargeDocument,
        ),
        Copies(
            "payments",
            "sellers",
            {"_id": _id(ACCOUNT), "stripe_account_id": {"$concat": ["acct_", _text(ACCOUNT)]}},
            {},
            SellerDocument,
            10,
        ),
        Copies("payments", "accounts", {"_id": _id(ACCOUNT)}, {}),
        Copies(
            "payments",
            "stripe_events",
            {"_id": {"$concat": ["evt_", _text(OTHER)]}, "at": _time(size, now, RECENT_DAYS)},
            {},
            StripeEventDocument,
        ),
        Copies(
            "expiration",
            "deadlines",
            {
                "_id": _id(ORDER),
                "expires_at": _time(size, now, RECENT_DAYS),
                "status": "cleared",
            },
            {},
            DeadlineDocument,
        ),
    ]


def _time(size: int, now: datetime, days: int) -> Doc:
    """Return a time in the last days, later for greater numbers."""
    age_ms: Doc = {"$multiply": [{"$subtract": [size, "$n"]}, days * DAY_MS / size]}
    return {"$subtract": [now, {"$toLong": age_ms}]}
