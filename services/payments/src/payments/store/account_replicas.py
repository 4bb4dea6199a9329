"""Copies of the accounts of users, as far as a payout needs them, updated by their events."""

from datetime import datetime

from beanie import Document
from bson import ObjectId

from common.persistence.mongo import collection_of
from common.persistence.replica import Replica


class AccountReplica(Document):
    """A copy of an account. It has no address, because events have none."""

    class Settings:
        name = "accounts"


class AccountReplicas:
    """Copies of the accounts, updated by their events."""

    def __init__(self) -> None:
        self._replica = Replica(AccountReplica)
        self._collection = collection_of(AccountReplica)

    async def find_removal(self, user_id: str) -> datetime | None:
        """Return when the second factor of a user is removed, if that was announced."""
        doc = await self._replica.find(user_id)
        return doc["second_factor_removal_at"] if doc is not None else None

    async def upsert(self, user_id: str, version: int, removal_at: datetime | None) -> None:
        """Store the state of an account if it is newer than the stored one."""
        await self._replica.upsert(user_id, version, {"second_factor_removal_at": removal_at})

    async def delete(self, user_id: str) -> None:
        """Delete the copy of an account."""
        await self._collection.delete_one({"_id": ObjectId(user_id)})
