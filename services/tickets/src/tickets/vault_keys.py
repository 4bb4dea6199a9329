"""The encryption of the vault: AES-256-GCM under a key per entry, which `VAULT_KEY` wraps.

An encrypted part is its nonce, the ciphertext and the tag. Each is bound to its entry and its kind
as associated data, so a part that is copied to another entry does not open.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from tickets.metrics import FILES_UNREADABLE

NONCE_BYTES: Final = 12
CONTENT: Final = "content"
"""The symbology of a fingerprint that is made of the whole file, because it has no code."""


class CannotOpen(Exception):
    """An entry does not open: its key is another one, or its bytes were changed."""


@dataclass(frozen=True)
class SealedFile:
    """A file and its codes, encrypted for one entry."""

    wrapped_key: bytes
    file: bytes
    codes: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of the encrypted file. It identifies what is stored and reveals nothing."""
        return hashlib.sha256(self.file).hexdigest()


class VaultKeys:
    """Encrypts and opens entries of the vault, and computes fingerprints."""

    def __init__(
        self, vault_key: SecretStr, previous: SecretStr | None, fingerprint_key: SecretStr
    ) -> None:
        self._current = _cipher(vault_key)
        self._previous = None if previous is None else _cipher(previous)
        self._fingerprint_key = bytes.fromhex(fingerprint_key.get_secret_value())

    def seal(self, entry_id: str, file: bytes, codes: bytes) -> SealedFile:
        """Encrypt a file and its codes under a new key."""
        key = AESGCM.generate_key(bit_length=256)
        return SealedFile(
            wrapped_key=_encrypt(self._current, key, entry_id, "key"),
            file=_encrypt(AESGCM(key), file, entry_id, "file"),
            codes=_encrypt(AESGCM(key), codes, entry_id, "codes"),
        )

    def open_file(self, entry_id: str, wrapped_key: bytes, file: bytes) -> bytes:
        """Return the file of an entry. Raise `CannotOpen` if it does not open."""
        return self._open(entry_id, wrapped_key, file, "file")

    def open_codes(self, entry_id: str, wrapped_key: bytes, codes: bytes) -> bytes:
        """Return the codes of an entry. Raise `CannotOpen` if they do not open."""
        return self._open(entry_id, wrapped_key, codes, "codes")

    def rewrap(self, entry_id: str, wrapped_key: bytes) -> bytes | None:
        """Return the key of an entry under `VAULT_KEY`, or None if it already is.

        Raises:
            CannotOpen: neither `VAULT_KEY` nor `VAULT_KEY_PREVIOUS` unwraps it.
        """
        try:
            _decrypt(self._current, wrapped_key, entry_id, "key")
        except CannotOpen:
            if self._previous is None:
                raise
            key = _decrypt(self._previous, wrapped_key, entry_id, "key")
            return _encrypt(self._current, key, entry_id, "key")
        return None

    def fingerprint(self, symbology: str, payload: bytes) -> str:
        """Return the fingerprint of a code, by which it is recognized and which reveals nothing."""
        return hmac.new(
            self._fingerprint_key, symbology.encode() + b"\0" + payload, "sha256"
        ).hexdigest()

    def fingerprint_of_content(self, file: bytes) -> str:
        """Return the fingerprint of a file without any readable code."""
        return self.fingerprint(CONTENT, file)

    def _open(self, entry_id: str, wrapped_key: bytes, data: bytes, part: str) -> bytes:
        try:
            return _decrypt(self._unwrap(entry_id, wrapped_key), data, entry_id, part)
        except CannotOpen:
            FILES_UNREADABLE.inc()
            raise

    def _unwrap(self, entry_id: str, wrapped_key: bytes) -> AESGCM:
        try:
            return AESGCM(_decrypt(self._current, wrapped_key, entry_id, "key"))
        except CannotOpen:
            if self._previous is None:
                raise
            return AESGCM(_decrypt(self._previous, wrapped_key, entry_id, "key"))


def _cipher(key: SecretStr) -> AESGCM:
    return AESGCM(bytes.fromhex(key.get_secret_value()))


def _encrypt(cipher: AESGCM, data: bytes, entry_id: str, part: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, data, f"{entry_id}:{part}".encode())


def _decrypt(cipher: AESGCM, data: bytes, entry_id: str, part: str) -> bytes:
    try:
        return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], f"{entry_id}:{part}".encode())
    except (InvalidTag, ValueError) as error:  # ValueError: too short for a nonce
        raise CannotOpen(f"The {part} of entry {entry_id} cannot be opened") from error
