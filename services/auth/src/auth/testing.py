"""A software authenticator for tests. It signs as a real one does, and can misbehave."""

import base64
import json
import secrets
from copy import copy
from hashlib import sha256
from typing import Any, Final, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

from common.persistence.mongo import Doc

USER_PRESENT: Final = 0x01
USER_VERIFIED: Final = 0x04
ATTESTED: Final = 0x40
ES256: Final = -7
AAGUID: Final = bytes(16)


class SoftwareAuthenticator:
    """One credential (ECDSA on P-256), its counter, and the browser in front of it.

    Attributes:
        origin: the page that the browser shows.
        relying_party_id: the site to which the credential belongs; by default that of the options.
        verifies_user: whether it has asked for a PIN or a fingerprint.
        sign_count: the signatures so far; None if it counts none.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.relying_party_id: str | None = None
        self.verifies_user = True
        self.sign_count: int | None = 0
        self.user_handle = b""
        self.credential_id = secrets.token_bytes(32)
        self._key = ec.generate_private_key(ec.SECP256R1())

    def clone(self) -> Self:
        """Return a copy with the same key and the present counter."""
        return copy(self)

    def create(self, options: Doc) -> Doc:
        """Return the credential as `navigator.credentials.create()` does, without attestation."""
        self.user_handle = _decode(options["user"]["id"])
        numbers = self._key.public_key().public_numbers()
        public_key = encode_cbor(
            {1: 2, 3: ES256, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        )
        attested = AAGUID + len(self.credential_id).to_bytes(2) + self.credential_id + public_key
        data = self._authenticator_data(options["rp"]["id"], ATTESTED) + attested
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential(
            clientDataJSON=_encode(self._client_data("webauthn.create", options)),
            attestationObject=_encode(attestation),
            transports=["internal"],
        )

    def get(self, options: Doc) -> Doc:
        """Return a signature as `navigator.credentials.get()` does."""
        if self.sign_count is not None:
            self.sign_count += 1
        client_data = self._client_data("webauthn.get", options)
        data = self._authenticator_data(options["rpId"])
        signature = self._key.sign(data + sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            clientDataJSON=_encode(client_data),
            authenticatorData=_encode(data),
            signature=_encode(signature),
            userHandle=_encode(self.user_handle),
        )

    def _client_data(self, kind: str, options: Doc) -> bytes:
        data = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps({**data, "crossOrigin": False}).encode()

    def _authenticator_data(self, relying_party_id: str, flags: int = 0) -> bytes:
        flags |= USER_PRESENT | (USER_VERIFIED if self.verifies_user else 0)
        site = (self.relying_party_id or relying_party_id).encode()
        return sha256(site).digest() + bytes([flags]) + (self.sign_count or 0).to_bytes(4)

    def _credential(self, **response: Any) -> Doc:
        credential_id = _encode(self.credential_id)
        return {
            "id": credential_id,
            "rawId": credential_id,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
