"""Accounts in MongoDB."""

from collections.abc import Mapping
from typing import Any

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from auth.domain import Account, SessionsEnd, normalize_email
from common.change import Change
from common.errors import BadRequest
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import OUTBOX_INDEX, STATE_PROJECTION, AggregateDocument, Doc
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock


class AccountDocument(AggregateDocument):
    """An account; its `folded` field is its email without letter case."""

    class Settings:
        name = "accounts"
        indexes = [OUTBOX_INDEX, IndexModel("folded", unique=True)]


def _account_from_document(doc: Mapping[str, Any]) -> Account:
    end = doc.get("sessions_end")
    return Account(
        id=str(doc["_id"]),
        version=doc["version"],
        email=doc["email"],
        password_hash=doc["password_hash"],
        created_at=doc["created_at"],
        sessions_end=SessionsEnd(end["before"], end["until"]) if end else None,
    )


def _account_to_document(account: Account) -> Doc:
    end = account.sessions_end
    return {
        "email": account.email,
        "folded": normalize_email(account.email),
        "password_hash": account.password_hash,
        "created_at": account.created_at,
        "sessions_end": {"before": end.before, "until": end.until} if end else None,
    }


class AccountStore(Store[Account]):
    """All accounts."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(
            AccountDocument,
            AggregateMapping(
                from_document=_account_from_document, to_document=_account_to_document
            ),
            relay,
            clock,
        )

    async def add_unless_taken(self, change: Change[Account]) -> Account:
        """Insert an account.

        Raises:
            BadRequest: The email already has an account.
        """
        try:
            return await self.add(change)
        except DuplicateKeyError:
            raise BadRequest("Email in use", field="email") from None

    async def find_by_email(self, email: str) -> Account | None:
        """Return the account of an email in any letter case."""
        doc = await self.collection.find_one({"folded": normalize_email(email)}, STATE_PROJECTION)
        return None if doc is None else _account_from_document(doc)
