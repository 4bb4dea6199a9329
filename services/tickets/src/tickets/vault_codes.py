"""The codes of a file in the vault: their fingerprints, and how they are encrypted."""

import base64
import json
from collections.abc import Sequence

from tickets.ticket_files import Code
from tickets.vault_keys import VaultKeys


def fingerprints(keys: VaultKeys, codes: Sequence[Code], file: bytes) -> tuple[str, ...]:
    """Return the fingerprints of a file: of its codes, or of its content if it has none.

    A code that is only a web address has none, because many tickets have the same.
    """
    if not codes:
        return (keys.fingerprint_of_content(file),)
    own = {
        keys.fingerprint(code.symbology, code.payload) for code in codes if not code.is_web_address
    }
    return tuple(sorted(own))


def to_json(codes: Sequence[Code]) -> bytes:
    """Return codes as they are encrypted."""
    return json.dumps(
        [
            {
                "symbology": code.symbology,
                "payload": base64.b64encode(code.payload).decode(),
                "gs1": code.gs1,
            }
            for code in codes
        ]
    ).encode()


def from_json(text: bytes) -> list[Code]:
    """Return codes that were decrypted."""
    return [
        Code(code["symbology"], base64.b64decode(code["payload"]), code.get("gs1"))
        for code in json.loads(text)
    ]
