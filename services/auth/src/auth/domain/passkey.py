"""Rules of passkeys: the public keys with which a user can sign in (WebAuthn)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from common.change import Change
from common.errors import BadRequest, NotFound, Unauthorized

MAX_PASSKEYS: Final = 10
NOT_VERIFIED: Final = "This passkey could not be verified"
"""The same words whatever is wrong with a passkey or its challenge."""


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential that an authenticator has created, after its verification.

    Attributes:
        credential_id: its id, in base64url.
        public_key: its COSE key, in base64url.
        sign_count: the signatures that the authenticator has counted; 0 if it counts none.
        transports: how the browser reaches the authenticator.
    """

    credential_id: str
    public_key: str
    sign_count: int
    transports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passkey:
    """A credential of a user, under the name that the user gave it."""

    id: str
    version: int
    user_id: str
    credential: NewCredential
    name: str
    created_at: datetime
    last_used_at: datetime | None = None
    removed_at: datetime | None = None

    def use(self, sign_count: int, now: datetime) -> Change["Passkey"]:
        """Record a signature.

        Raises:
            BadRequest: the passkey was removed, or its counter did not grow, so that there are
                probably two copies of its private key.
        """
        counts = sign_count > 0 or self.credential.sign_count > 0
        if self.removed_at is not None or (counts and sign_count <= self.credential.sign_count):
            raise BadRequest(NOT_VERIFIED)
        credential = replace(self.credential, sign_count=sign_count)
        return self._changed(credential=credential, last_used_at=now)

    def rename(self, name: str, user_id: str) -> Change["Passkey"]:
        """Rename the passkey for its owner."""
        self._require_owner(user_id)
        return Change(self) if name == self.name else self._changed(name=name)

    def remove(self, user_id: str, now: datetime) -> Change["Passkey"]:
        """Remove the passkey for its owner. It stays stored for the audit log, without a use."""
        self._require_owner(user_id)
        return self._changed(removed_at=now)

    def _require_owner(self, user_id: str) -> None:
        if user_id != self.user_id:
            raise Unauthorized
        if self.removed_at is not None:
            raise NotFound

    def _changed(self, **fields: object) -> Change["Passkey"]:
        return Change(replace(self, version=self.version + 1, **fields))


def add_passkey(
    passkey_id: str, credential: NewCredential, *, user_id: str, name: str, now: datetime
) -> Change[Passkey]:
    """Create a passkey from a verified credential."""
    return Change(Passkey(passkey_id, 0, user_id, credential, name, now))
