"""The links in letters: a token for each letter, which no database, queue or event contains."""

import base64
import hmac
from typing import Final
from urllib.parse import urlencode

from pydantic import SecretStr

from auth.domain.letter import REMOVAL_KINDS, LetterKind

PATHS: Final = {
    LetterKind.VERIFY: "/auth/verify",
    LetterKind.EMAIL_VERIFY: "/auth/verify",
    LetterKind.RESET: "/auth/reset",
    **dict.fromkeys(REMOVAL_KINDS, "/auth/keep-second-step"),
}
"""The page of the web client to which the link of a letter leads. The page acts on a click only."""


class LetterLinks:
    """Creates and checks the links, under LETTER_KEY.

    A token is computed from the id of its letter, so every copy of a letter has the same link.
    """

    def __init__(self, letter_key: SecretStr, public_url: str = "") -> None:
        self._key = bytes.fromhex(letter_key.get_secret_value())
        self._public_url = public_url.rstrip("/")

    def token(self, letter_id: str) -> str:
        """Return the token of a letter."""
        digest = hmac.digest(self._key, letter_id.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def is_valid(self, letter_id: str, token: str) -> bool:
        """Return whether the token is that of the letter."""
        return hmac.compare_digest(self.token(letter_id).encode(), token.encode())

    def url(self, letter_id: str, kind: LetterKind) -> str:
        """Return the link of a letter."""
        query = urlencode({"letter": letter_id, "token": self.token(letter_id)})
        return f"{self._public_url}{PATHS[kind]}?{query}"

    def page(self, path: str) -> str:
        """Return the address of a page of the web client."""
        return f"{self._public_url}{path}"
