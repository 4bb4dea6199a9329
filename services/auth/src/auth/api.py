"""Accounts and sessions over HTTP.

No route takes an Idempotency-Key: its kept answer would hand out cookies again.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response, Security

from auth.address import client_address
from auth.cookies import REFRESH_COOKIE, Cookies
from auth.domain import Device
from auth.schemas import CurrentUserOut, SessionOut, SignedOut, SignInIn, SignUpIn, UserOut
from auth.service import Auth, SignedIn
from common.auth.dependencies import CurrentUser, OptionalUser
from common.errors import NotAuthorized
from common.values.ids import Id
from common.web.errors import error_responses, failure_response
from common.web.etags import reply

router = APIRouter(prefix="/api/users", tags=["users"])

PRIVATE: Final = {"Cache-Control": "no-store"}
USER_AGENT_MAX: Final = 200


async def _door(request: Request) -> Auth:
    door: Auth = request.app.state.auth
    return door


async def _cookies(request: Request) -> Cookies:
    cookies: Cookies = request.app.state.cookies
    return cookies


async def _device(request: Request) -> Device:
    user_agent = request.headers.get("user-agent", "")[:USER_AGENT_MAX]
    return Device(user_agent, client_address(request, request.app.state.trusted_proxies))


Door = Annotated[Auth, Depends(_door)]
CookieJar = Annotated[Cookies, Depends(_cookies)]
From = Annotated[Device, Depends(_device)]


def _welcome(signed_in: SignedIn, cookies: Cookies, status: int = 200) -> Response:
    response = reply(UserOut.of(signed_in.user), status, headers=PRIVATE)
    cookies.put(response, signed_in)
    return response


@router.post(
    "/signup",
    status_code=201,
    summary="Open an account and sign in",
    response_model=UserOut,
    responses=error_responses(400, 403, 429, 503),
)
async def sign_up(body: SignUpIn, auth: Door, cookies: CookieJar, device: From) -> Response:
    return _welcome(await auth.sign_up(body.email, body.password, device), cookies, 201)


@router.post(
    "/signin",
    summary="Sign in",
    response_model=UserOut,
    responses=error_responses(400, 403, 429, 503),
)
async def sign_in(body: SignInIn, auth: Door, cookies: CookieJar, device: From) -> Response:
    return _welcome(await auth.sign_in(body.email, body.password, device), cookies)


@router.post(
    "/signout",
    summary="Sign out; nobody may do so too",
    response_model=SignedOut,
    responses=error_responses(403),
)
async def sign_out(
    request: Request, auth: Door, cookies: CookieJar, user: OptionalUser
) -> Response:
    await auth.sign_out(user, cookies.refresh_token(request))
    response = reply(SignedOut(), headers=PRIVATE)
    cookies.clear(response)
    return response


@router.get("/currentuser", summary="Who is signed in, or null", response_model=CurrentUserOut)
async def current_user(user: OptionalUser) -> Response:
    shown = None if user is None else UserOut.of(user)
    return reply(CurrentUserOut(current_user=shown), headers=PRIVATE)


@router.post(
    "/refresh",
    summary="Renew the session's cookies",
    response_model=UserOut,
    responses=error_responses(401, 403),
    dependencies=[Security(REFRESH_COOKIE)],
)
async def refresh(request: Request, auth: Door, cookies: CookieJar) -> Response:
    try:
        return _welcome(await auth.refresh(cookies.refresh_token(request) or ""), cookies)
    except NotAuthorized as failure:
        response = failure_response(failure)
        cookies.clear(response)  # they can never be good again
        return response


@router.get(
    "/sessions",
    summary="Your own live sessions, the last used first",
    response_model=list[SessionOut],
    responses=error_responses(401),
)
async def list_sessions(auth: Door, user: CurrentUser) -> Response:
    sessions = await auth.sessions_of(user)
    return reply([SessionOut.of(session, user) for session in sessions], headers=PRIVATE)


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    summary="End one of your own sessions",
    responses=error_responses(401, 403, 404),
)
async def end_session(
    session_id: Id, auth: Door, user: CurrentUser, cookies: CookieJar
) -> Response:
    await auth.end(session_id, by=user)
    response = Response(status_code=204)
    if session_id == user.session_id:
        cookies.clear(response)
    return response


@router.delete(
    "/sessions",
    status_code=204,
    summary="End all of your own sessions, this one too",
    responses=error_responses(401, 403),
)
async def end_sessions(auth: Door, user: CurrentUser, cookies: CookieJar) -> Response:
    await auth.end_all(user)
    response = Response(status_code=204)
    cookies.clear(response)
    return response
