"""Passkeys in MongoDB."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from auth.domain.passkey import NOT_VERIFIED, NewCredential, Passkey
from common.change import Change
from common.errors import BadRequest
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import OUTBOX_INDEX, STATE_PROJECTION, AggregateDocument, Doc
from common.persistence.outbox import Relay
from common.persistence.store import Decide, Store
from common.values.clock import Clock

RETENTION: Final = timedelta(days=180)
"""How long a removed passkey stays stored, with its audit log."""


class PasskeyDocument(AggregateDocument):
    """A passkey."""

    class Settings:
        name = "passkeys"
        indexes = [
            OUTBOX_INDEX,
            IndexModel("credential_id", unique=True),
            IndexModel("user_id"),
            IndexModel("removed_at", expireAfterSeconds=int(RETENTION.total_seconds())),
        ]


def _from_document(doc: Mapping[str, Any]) -> Passkey:
    return Passkey(
        id=str(doc["_id"]),
        version=doc["version"],
        user_id=doc["user_id"],
        credential=NewCredential(
            credential_id=doc["credential_id"],
            public_key=doc["public_key"],
            sign_count=doc["sign_count"],
            transports=tuple(doc["transports"]),
        ),
        name=doc["name"],
        created_at=doc["created_at"],
        last_used_at=doc["last_used_at"],
        removed_at=doc["removed_at"],
    )


def _to_document(passkey: Passkey) -> Doc:
    credential = passkey.credential
    return {
        "user_id": passkey.user_id,
        "credential_id": credential.credential_id,
        "public_key": credential.public_key,
        "sign_count": credential.sign_count,
        "transports": list(credential.transports),
        "name": passkey.name,
        "created_at": passkey.created_at,
        "last_used_at": passkey.last_used_at,
        "removed_at": passkey.removed_at,
    }


def _mapping(*, audited: bool) -> AggregateMapping[Passkey]:
    return AggregateMapping(from_document=_from_document, to_document=_to_document, audited=audited)


class PasskeyStore(Store[Passkey]):
    """All passkeys."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(PasskeyDocument, _mapping(audited=True), relay, clock)
        # Uses are not in the audit log, because they are many.
        self._uses = Store(PasskeyDocument, _mapping(audited=False), relay, clock)

    async def add_unless_known(self, change: Change[Passkey]) -> Passkey:
        """Insert a passkey.

        Raises:
            BadRequest: the credential has a passkey already.
        """
        try:
            return await self.add(change)
        except DuplicateKeyError:
            raise BadRequest(NOT_VERIFIED) from None

    async def record_use(self, passkey_id: str, decide: Decide[Passkey]) -> Passkey:
        """Update a passkey that was used."""
        return await self._uses.update(passkey_id, decide)

    async def find_by_credential(self, credential_id: str) -> Passkey | None:
        """Return the passkey of a credential, unless it was removed."""
        doc = await self.collection.find_one(
            {"credential_id": credential_id, "removed_at": None}, STATE_PROJECTION
        )
        return _from_document(doc) if doc else None

    async def list_of_user(self, user_id: str) -> list[Passkey]:
        """Return the passkeys of a user, oldest first."""
        found = self.collection.find({"user_id": user_id, "removed_at": None}, STATE_PROJECTION)
        return [_from_document(doc) async for doc in found.sort("_id")]
