"""Recovery codes: what a user writes down to get in without a passkey."""

import base64
import hmac
import secrets
from typing import Final

CODE_BYTES: Final = 10
GROUP_LENGTH: Final = 4


def new_code() -> str:
    """Return a random code of 80 bits, such as `MFRG-GZDF-MZTW-Q2LK`."""
    text = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode()
    return "-".join(text[at : at + GROUP_LENGTH] for at in range(0, len(text), GROUP_LENGTH))


def digest_of(code: str, user_id: str) -> str:
    """Return the stored form of a code, which is too random to need a slow hash.

    Letter case, blanks and hyphens do not count. No key is involved, so that the codes stay valid
    when the keys of the service are replaced.
    """
    typed = "".join(character for character in code.upper() if character.isalnum())
    return hmac.digest(user_id.encode(), typed.encode(), "sha256").hex()
