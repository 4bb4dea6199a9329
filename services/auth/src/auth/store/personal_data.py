"""Everything that auth stores of a person, in whichever collection, so that it can be erased."""

from typing import Any, Final

from pymongo.asynchronous.database import AsyncDatabase

from auth.domain.letter import LetterKind
from auth.emails import normalize_email
from common.persistence.mongo import Doc

OF_USER: Final = ("sessions", "passkeys", "webauthn_challenges")
"""The collections whose documents belong to the user in `user_id`."""
KEPT_LETTER: Final = LetterKind.ACCOUNT_DELETED
"""It is sent after the account is gone, and forgets the address then."""


class PersonalData:
    """The documents about a person, but for the account itself."""

    def __init__(self, database: AsyncDatabase[Doc]) -> None:
        self._database = database

    async def erase(self, user_id: str, *addresses: str) -> None:
        """Delete all documents of a user and of the addresses. It can be repeated.

        Args:
            user_id: the user.
            addresses: those of the account, while it exists.
        """
        for name in OF_USER:
            await self._delete(name, {"user_id": user_id})
        await self._delete("letters", {"user_id": user_id, "kind": {"$ne": KEPT_LETTER}})
        keys = [f"{name}:{user_id}" for name in ("password", "letters", "recovery")]
        await self._delete("throttle", {"_id": {"$in": keys}})
        for address in addresses:
            await self._erase_address(address)

    async def _erase_address(self, address: str) -> None:
        normal = normalize_email(address)
        prefixes = ("account", "known-account", "reset")
        pairs = {"$gt": f"account-address:{normal}:", "$lt": f"account-address:{normal};"}
        counters = [{"_id": {"$in": [f"{prefix}:{normal}" for prefix in prefixes]}}, {"_id": pairs}]
        await self._delete("throttle", {"$or": counters})
        await self._delete("reset_requests", {"email": {"$in": [address, normal]}})

    async def _delete(self, collection: str, query: dict[str, Any]) -> None:
        await self._database[collection].delete_many(query)
