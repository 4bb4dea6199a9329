"""The two cookies of a session, the access token and the refresh token, and the device cookie.

All are sent to every path: the web server refreshes the session while it renders a page, and the
prefix `__Host-` requires it.
Scripts cannot read them (`HttpOnly`), and other sites' requests do not send them (`SameSite`).
Caches do not keep a response that sets them (`no-store`).
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import Request, Response
from fastapi.security import APIKeyCookie

from auth.session_service import SignedIn
from common.auth.tokens import ACCESS_LIFETIME, cookie_name
from common.web.etags import NO_STORE

ACCESS_COOKIE: Final = "session"
REFRESH_COOKIE: Final = "refresh"
DEVICE_COOKIE: Final = "device"
DEVICE_LIFETIME: Final = timedelta(days=400)
"""The longest that browsers allow (RFC 6265bis, 5.5)."""
CLEAR_SITE_DATA: Final = '"cache", "storage"'
REFRESH_SCHEME: Final = APIKeyCookie(
    name=REFRESH_COOKIE,
    scheme_name=REFRESH_COOKIE,
    description="The refresh token; `__Host-refresh` where cookies are secure",
    auto_error=False,
)
"""Documents in OpenAPI which routes read the refresh token."""
EPOCH: Final = datetime.fromtimestamp(0, UTC)


class SessionCookies:
    """Sets, reads and clears the cookies. `secure` is false for plain HTTP only."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self._access = cookie_name(ACCESS_COOKIE, secure=secure)
        self._refresh = cookie_name(REFRESH_COOKIE, secure=secure)
        self._device = cookie_name(DEVICE_COOKIE, secure=secure)

    def refresh_token(self, request: Request) -> str | None:
        return request.cookies.get(self._refresh)

    def device_token(self, request: Request) -> str:
        return request.cookies.get(self._device, "")

    def set_access(self, response: Response, access_token: str) -> None:
        """Set the cookie of a new access token of the same session."""
        self._set(response, self._access, access_token, ACCESS_LIFETIME)

    def set(self, response: Response, signed_in: SignedIn) -> None:
        """Set the cookies, each for the lifetime of its token."""
        self.set_access(response, signed_in.access_token)
        self._set(response, self._refresh, signed_in.refresh_token, signed_in.refresh_expires_in)

        if signed_in.device_token is not None:
            self._set(response, self._device, signed_in.device_token, DEVICE_LIFETIME)

    def clear(self, response: Response) -> None:
        """Clear the cookies of the session. The browser stays known to the account."""
        for name in (self._access, self._refresh):
            self._set(response, name, "", timedelta(0))

    def clear_browser(self, response: Response) -> None:
        """Clear the cookies of a user who signs out here, and what the browser stored for them.

        That includes the codes of tickets which the web client saved to show them offline.
        """
        self.clear(response)
        response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA

    def _set(self, response: Response, name: str, value: str, expires_in: timedelta) -> None:
        response.headers.update(NO_STORE)
        response.set_cookie(
            name,
            value,
            max_age=int(expires_in.total_seconds()),
            expires=None if expires_in else EPOCH,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )
