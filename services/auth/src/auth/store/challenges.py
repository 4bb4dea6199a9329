"""Challenges of WebAuthn in MongoDB. Each is used once, within five minutes."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from beanie import Document
from bson import ObjectId
from pymongo import IndexModel

from common.persistence.mongo import Doc, collection_of
from common.values.clock import Clock

CHALLENGE_LIFETIME: Final = timedelta(minutes=5)
CHALLENGE_BYTES: Final = 32
ID_BYTES: Final = 12


class Purpose(StrEnum):
    """What a challenge is for."""

    REGISTRATION = "registration"
    SIGN_IN = "sign_in"
    """With a passkey instead of a password, or to confirm who uses a session."""
    SECOND_FACTOR = "second_factor"
    """After the right password of the user of the challenge."""


class ChallengeDocument(Document):
    """A challenge that waits for its response."""

    class Settings:
        name = "webauthn_challenges"
        indexes = [IndexModel("expires_at", expireAfterSeconds=0), IndexModel("user_id")]


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge, for a user if it is known who is to respond."""

    id: str
    value: bytes
    purpose: Purpose
    user_id: str | None


class ChallengeStore:
    """The challenges that wait for their responses."""

    def __init__(self, clock: Clock) -> None:
        self._challenges = collection_of(ChallengeDocument)
        self._clock = clock

    async def add(self, purpose: Purpose, user_id: str | None) -> Challenge:
        """Store a new challenge. Its id is random: it can prove that the password was right."""
        challenge = Challenge(
            secrets.token_hex(ID_BYTES), secrets.token_bytes(CHALLENGE_BYTES), purpose, user_id
        )
        await self._challenges.insert_one(
            {
                "_id": ObjectId(challenge.id),
                "challenge": challenge.value,
                "purpose": purpose,
                "user_id": user_id,
                "expires_at": self._clock() + CHALLENGE_LIFETIME,
            }
        )
        return challenge

    async def take(self, challenge_id: str, *purposes: Purpose) -> Challenge | None:
        """Delete and return a challenge, unless it was used, has expired or is for another use."""
        return _from_document(
            await self._challenges.find_one_and_delete(
                _valid(challenge_id, purposes, self._clock())
            )
        )

    async def find(self, challenge_id: str, *purposes: Purpose) -> Challenge | None:
        """Return a challenge without using it."""
        return _from_document(
            await self._challenges.find_one(_valid(challenge_id, purposes, self._clock()))
        )


def _valid(challenge_id: str, purposes: tuple[Purpose, ...], now: datetime) -> Doc:
    return {
        "_id": ObjectId(challenge_id),
        "purpose": {"$in": purposes},
        "expires_at": {"$gt": now},
    }


def _from_document(doc: Doc | None) -> Challenge | None:
    if doc is None:
        return None
    return Challenge(
        str(doc["_id"]), bytes(doc["challenge"]), Purpose(doc["purpose"]), doc["user_id"]
    )
