"""API keys: every test key belongs to the one account, and live keys are refused."""

import base64
import binascii
import re

from starlette.requests import Request

from stripe_local.documents import Document
from stripe_local.errors import RequestRejected

_SECRET = re.compile(r"(sk|rk)_test_\w{4,}")
_PUBLISHABLE = re.compile(r"pk_test_\w{4,}")


def authenticate(request: Request, params: Document, *, public: bool) -> bool:
    """Check the API key, and return whether it is a publishable one.

    Raises:
        RequestRejected: it is missing, not a test key, or not allowed to make this call.
    """
    key = _key_from_header(request.headers.get("authorization", "")) or str(params.get("key", ""))
    if not key:
        raise RequestRejected(
            401,
            "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
            "YOUR_SECRET_KEY').",
        )
    if _SECRET.fullmatch(key):
        return False
    if not _PUBLISHABLE.fullmatch(key):
        raise RequestRejected(
            401,
            f"Invalid API Key provided: {key[:4]}***. This local server takes only test keys: "
            "sk_test_, rk_test_ and, from a browser, pk_test_.",
        )
    if not public:
        raise RequestRejected(
            403,
            "This API call cannot be made with a publishable API key. Please use a secret API "
            "key. You can find a list of your API keys at https://dashboard.stripe.com/apikeys.",
            code="secret_key_required",
        )
    return True


def _key_from_header(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
