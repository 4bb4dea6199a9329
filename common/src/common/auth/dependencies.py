"""The signed-in user, as a dependency of routes."""

from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie

from common.auth.tokens import User
from common.errors import Unauthorized

SESSION_COOKIE: Final = APIKeyCookie(
    name="session",
    scheme_name="session",
    description="The access token; `__Host-session` where cookies are secure",
    auto_error=False,
)
"""Declares in OpenAPI that a route needs a session; `AuthenticationMiddleware` reads the cookie."""


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


CurrentUser = Annotated[User, Depends(current_user)]
"""The signed-in user. A route with this parameter answers 401 without a session."""

OptionalUser = Annotated[User | None, Depends(optional_user)]
"""The signed-in user, or None."""
