"""The signed-in user, as a dependency of routes."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie

from common.auth.tokens import User
from common.errors import Forbidden, Unauthorized
from common.values.clock import Clock

SESSION_COOKIE: Final = APIKeyCookie(
    name="session",
    scheme_name="session",
    description="The access token; `__Host-session` where cookies are secure",
    auto_error=False,
)
"""Declares in OpenAPI that a route needs a session; `AuthenticationMiddleware` reads the cookie."""
OPERATOR: Final = "operator"
"""The role of those who decide about the listings, claims and accounts of others."""
REAUTHENTICATION_LIFETIME: Final = timedelta(minutes=10)
"""How long a password or a passkey permits a sensitive change."""


async def optional_user(request: Request) -> User | None:
    """Return the signed-in user, if there is one."""
    user: User | None = request.state.user
    return user


async def current_user(
    request: Request, _: Annotated[str | None, Security(SESSION_COOKIE)]
) -> User:
    """Return the signed-in user.

    Raises:
        Unauthorized: there is no session.
    """
    user: User | None = request.state.user
    if user is None:
        raise Unauthorized
    return user


async def active_user(user: Annotated[User, Depends(current_user)]) -> User:
    """Return the signed-in user.

    Raises:
        Forbidden: an operator has suspended the account.
    """
    if user.is_suspended:
        raise Forbidden("Your account is suspended. The page of your account says why")
    return user


async def recent_user(request: Request, user: Annotated[User, Depends(current_user)]) -> User:
    """Return the signed-in user, who has given the password or a passkey a short time ago.

    Raises:
        Forbidden: that was longer ago. `field` is `reauthentication` then.
    """
    clock: Clock = request.app.state.service.running.clock
    if clock().timestamp() - user.authenticated_at > REAUTHENTICATION_LIFETIME.total_seconds():
        raise Forbidden("Please confirm that it is you", field="reauthentication")
    return user


async def operator(user: Annotated[User, Depends(current_user)]) -> User:
    """Return the signed-in operator.

    Raises:
        Forbidden: the user has another role, or none.
    """
    if user.role != OPERATOR:
        raise Forbidden("Only operators may do this")
    return user


CurrentUser = Annotated[User, Depends(current_user)]
"""The signed-in user. A route with this parameter answers 401 without a session."""

ActiveUser = Annotated[User, Depends(active_user)]
"""The signed-in user. A route with this parameter also answers 403 to a suspended account."""

RecentUser = Annotated[User, Depends(recent_user)]
"""The signed-in user. A route with this parameter also answers 403 if the user has not given the
password or a passkey for ten minutes; `POST /api/users/reauthenticate` takes them."""

Operator = Annotated[User, Depends(operator)]
"""The signed-in operator. A route with this parameter also answers 403 to all others."""

OptionalUser = Annotated[User | None, Depends(optional_user)]
"""The signed-in user, or None."""
