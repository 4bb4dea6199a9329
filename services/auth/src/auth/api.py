"""HTTP routes of accounts and sessions.

No route accepts an Idempotency-Key, because a replayed response would contain the cookies again.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response, Security

from auth.access_service import AccessService
from auth.account_service import AccountService
from auth.common_passwords import password_warning
from auth.cookies import REFRESH_SCHEME, SessionCookies
from auth.deletion import Deletions
from auth.domain.session import Device
from auth.letter_service import LetterService
from auth.passkey_service import PasskeyService
from auth.schemas import (
    CeremonyOut,
    CurrentUserOut,
    EmptyOut,
    SessionOut,
    SignInIn,
    SignUpIn,
    SignUpOut,
    UserOut,
)
from auth.service import AuthService, SecondFactorAsked
from auth.session_service import SessionService, SignedIn
from common.auth.dependencies import CurrentUser, OptionalUser
from common.errors import Unauthorized
from common.lifecycle import ServiceState
from common.values.ids import Id
from common.web.client_address import client_address
from common.web.errors import error_response, error_responses
from common.web.etags import NO_STORE, json_response

router = APIRouter(prefix="/api/users", tags=["users"])

MAX_USER_AGENT_LENGTH: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the auth service."""

    auth: AuthService
    sessions: SessionService
    account: AccountService
    passkeys: PasskeyService
    access: AccessService
    letters: LetterService
    deletions: Deletions
    cookies: SessionCookies


StateDep = Annotated[State, Depends(State.of)]


async def _device(request: Request, state: StateDep) -> Device:
    user_agent = request.headers.get("user-agent", "")[:MAX_USER_AGENT_LENGTH]
    address = client_address(request, state.running.settings.trusted_proxies)
    return Device(user_agent, address)


ClientDevice = Annotated[Device, Depends(_device)]


def signed_in_response(signed_in: SignedIn, cookies: SessionCookies) -> Response:
    """Return the user of a session, with its cookies."""
    response = json_response(UserOut.from_attributes(signed_in.user))
    cookies.set(response, signed_in)
    return response


@router.post(
    "/signup",
    status_code=201,
    summary="Create an account and sign in",
    response_model=SignUpOut,
    responses=error_responses(400, 403, 429, 503),
)
async def sign_up(
    request: Request,
    body: SignUpIn,
    state: StateDep,
    user_before: OptionalUser,
    device: ClientDevice,
) -> Response:
    """The session that the browser had ends."""
    signed_in = await state.auth.sign_up(body.email, body.password, device, language=body.language)
    await state.sessions.sign_out(user_before, state.cookies.refresh_token(request))
    warning = password_warning(body.password, body.email)
    user = signed_in.user
    response = json_response(SignUpOut(id=user.id, email=user.email, password_warning=warning), 201)
    state.cookies.set(response, signed_in)
    return response


@router.post(
    "/signin",
    summary="Sign in, or get the options for the passkey that is asked for as well",
    response_model=UserOut,
    responses={202: {"model": CeremonyOut}, **error_responses(400, 403, 429, 503)},
)
async def sign_in(
    request: Request,
    body: SignInIn,
    state: StateDep,
    user_before: OptionalUser,
    device: ClientDevice,
) -> Response:
    """The session that the browser had ends."""
    signed_in = await state.auth.sign_in(
        body.email, body.password, device, device_token=state.cookies.device_token(request)
    )
    if isinstance(signed_in, SecondFactorAsked):
        ceremony = await state.passkeys.begin_second_factor(signed_in.user_id)
        return json_response(CeremonyOut.from_attributes(ceremony), 202, headers=NO_STORE)
    await state.sessions.sign_out(user_before, state.cookies.refresh_token(request))
    return signed_in_response(signed_in, state.cookies)


@router.post(
    "/signout",
    summary="Sign out (also succeeds without a session)",
    response_model=EmptyOut,
    responses=error_responses(403),
)
async def sign_out(request: Request, state: StateDep, user: OptionalUser) -> Response:
    await state.sessions.sign_out(user, state.cookies.refresh_token(request))
    response = json_response(EmptyOut())
    state.cookies.clear_browser(response)
    return response


@router.get(
    "/currentuser", summary="Get the signed-in user, or null", response_model=CurrentUserOut
)
async def current_user(user: OptionalUser) -> Response:
    user_out = None if user is None else UserOut.from_attributes(user)
    return json_response(CurrentUserOut(current_user=user_out), headers=NO_STORE)


@router.post(
    "/refresh",
    summary="Refresh the session",
    response_model=UserOut,
    responses=error_responses(401, 403),
    dependencies=[Security(REFRESH_SCHEME)],
)
async def refresh(request: Request, state: StateDep) -> Response:
    try:
        signed_in = await state.sessions.refresh(state.cookies.refresh_token(request) or "")
    except Unauthorized as error:
        response = error_response(error)
        state.cookies.clear(response)  # they will never be valid again
        return response
    return signed_in_response(signed_in, state.cookies)


@router.get(
    "/sessions",
    summary="List your active sessions, most recently used first",
    response_model=list[SessionOut],
    responses=error_responses(401),
)
async def list_sessions(state: StateDep, user: CurrentUser) -> Response:
    sessions = await state.sessions.list_sessions(user)
    return json_response(
        [SessionOut.from_domain(session, user) for session in sessions], headers=NO_STORE
    )


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    summary="End one of your sessions",
    responses=error_responses(401, 403, 404),
)
async def end_session(session_id: Id, state: StateDep, user: CurrentUser) -> Response:
    await state.sessions.end_session(session_id, user=user)
    response = Response(status_code=204)
    if session_id == user.session_id:
        state.cookies.clear_browser(response)
    return response


@router.delete(
    "/sessions",
    status_code=204,
    summary="End all of your sessions, including this one",
    responses=error_responses(401, 403),
)
async def end_sessions(state: StateDep, user: CurrentUser) -> Response:
    await state.sessions.end_all_sessions(user)
    response = Response(status_code=204)
    state.cookies.clear_browser(response)
    return response
