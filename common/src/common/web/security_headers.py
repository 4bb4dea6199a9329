"""The security headers of every response.

A response of the API is data: a browser must not guess another type and must not run or frame it.
The only pages of the services are the API documentation, which sets its own policy.
"""

from typing import Final

from starlette.types import Scope

NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
API_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_POLICY: Final = "content_security_policy"


def set_policy(scope: Scope, policy: str) -> None:
    """Use another Content-Security-Policy for the response to this request."""
    scope[_POLICY] = b"content-security-policy", policy.encode()


def security_headers(scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
    """Return the security headers of the response to this request."""
    return NOSNIFF, scope.get(_POLICY, API_POLICY)
