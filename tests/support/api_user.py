"""Users whose session is signed by the test instead of created by auth."""

from collections.abc import Awaitable, Callable

from common.auth.tokens import User
from common.testing.client import make_user, session_cookie
from ticketing_local.api_user import ApiUser

SignUp = Callable[[str], Awaitable[ApiUser]]
"""Signs up a user of this name."""
MakeSignedInUser = Callable[..., ApiUser]
"""Returns a user with a signed session."""


def signed_in_user(address: str, user: User | None = None) -> ApiUser:
    """Return a user with a signed session. Much faster than signing up."""
    user = user or make_user()
    api_user = ApiUser(address, user.email)
    api_user.id = user.id
    api_user.http.cookies.set("session", session_cookie(user))
    return api_user


def at_replica(address: str, user: ApiUser) -> ApiUser:
    """Return a user who sends the requests to a replica, which the gateway avoids if not ready."""
    direct = ApiUser(address, user.email)
    direct.id = user.id
    direct.http.cookies.update(user.http.cookies)
    return direct
