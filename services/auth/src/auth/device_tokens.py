"""Device tokens: which browsers have signed in to an account before (OWASP device cookies).

Attempts from such a browser are counted on their own, so that wrong passwords from elsewhere do not
lock it out. A token proves nothing else: signing in still needs the password.
"""

import base64
import hmac
import secrets
from typing import Final

from pydantic import SecretStr

KEY_PURPOSE: Final = b"ticketing device token"
BROWSER_ID_BYTES: Final = 16


class DeviceTokens:
    """Issues and verifies device tokens of a fixed size, `<browser id>.<signature>`.

    The signature contains the id of the account, so that a change of the address leaves it valid;
    in tokens of earlier versions it contains the address. Its key is derived from the key of the
    access tokens. Tokens signed under the previous key stay valid during a rotation.
    """

    def __init__(self, key: SecretStr, previous: SecretStr | None) -> None:
        secrets_in_use = [key, *([previous] if previous else [])]
        self._keys = [
            hmac.digest(secret.get_secret_value().encode(), KEY_PURPOSE, "sha256")
            for secret in secrets_in_use
        ]

    def issue(self, account_id: str, browser_id: str | None = None) -> str:
        """Return a token for an account.

        Args:
            account_id: the account.
            browser_id: the browser, if it had a valid token. It then keeps its count of attempts.
        """
        browser_id = browser_id or secrets.token_urlsafe(BROWSER_ID_BYTES)
        return f"{browser_id}.{_sign(self._keys[0], browser_id, account_id)}"

    def verify(self, token: str, account_id: str, normal_email: str) -> str | None:
        """Return the browser id of a token that was issued for this account, or None."""
        if not token:
            return None
        browser_id, _, signature = token.partition(".")
        presented = signature.encode()
        is_valid = any(
            hmac.compare_digest(presented, _sign(key, browser_id, account).encode())
            for key in self._keys
            for account in (account_id, normal_email)
        )
        return browser_id if is_valid else None


def _sign(key: bytes, browser_id: str, account: str) -> str:
    digest = hmac.digest(key, f"{browser_id}.{account}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
