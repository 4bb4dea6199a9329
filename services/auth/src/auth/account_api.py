"""HTTP routes of the account: verification, forgotten passwords, changes and notices.

None of them acts on a GET, because mail scanners open links.
"""

from fastapi import APIRouter, Request, Response

from auth.account_schemas import (
    AccountIn,
    AccountOut,
    EmailIn,
    ForgotIn,
    LinkIn,
    NoticesOut,
    PasswordIn,
    ReauthenticationIn,
    ResetIn,
    UnreadOut,
)
from auth.api import ClientDevice, StateDep, signed_in_response
from auth.schemas import EmptyOut, UserOut
from common.auth.dependencies import CurrentUser, recent_user
from common.errors import BadRequest
from common.web.errors import error_responses
from common.web.etags import NO_STORE, json_response

router = APIRouter(prefix="/api/users", tags=["users"])


@router.post(
    "/verify",
    summary="Confirm an email address by the link of a letter",
    response_model=EmptyOut,
    responses=error_responses(400, 403),
)
async def verify(body: LinkIn, state: StateDep) -> Response:
    await state.account.verify(body.letter, body.token)
    return json_response(EmptyOut(), headers=NO_STORE)


@router.post(
    "/verify/again",
    status_code=202,
    summary="Ask for another letter to confirm your email address",
    response_model=EmptyOut,
    responses=error_responses(400, 401, 403, 429),
)
async def verify_again(state: StateDep, user: CurrentUser) -> Response:
    await state.account.request_verification(user)
    return json_response(EmptyOut(), 202)


@router.post(
    "/forgot",
    status_code=202,
    summary="Ask for a letter to choose a new password, whether or not the address has an account",
    response_model=EmptyOut,
    responses=error_responses(400, 403, 429),
)
async def forgot(body: ForgotIn, state: StateDep, device: ClientDevice) -> Response:
    await state.account.request_reset(body.email, device)
    return json_response(EmptyOut(), 202)


@router.post(
    "/reset",
    summary="Choose a new password by the link of a letter, which ends all sessions of the account",
    response_model=EmptyOut,
    responses=error_responses(400, 403, 429, 503),
)
async def reset(body: ResetIn, state: StateDep, device: ClientDevice) -> Response:
    await state.account.reset_password(body.letter, body.token, body.password, device)
    return json_response(EmptyOut(), headers=NO_STORE)


@router.post(
    "/password",
    summary="Change your password, which ends all other sessions",
    response_model=UserOut,
    responses=error_responses(400, 401, 403, 429, 503),
)
async def change_password(
    body: PasswordIn, state: StateDep, user: CurrentUser, device: ClientDevice
) -> Response:
    signed_in = await state.account.change_password(user, body.old_password, body.password, device)
    return signed_in_response(signed_in, state.cookies)


@router.post(
    "/email",
    status_code=202,
    summary="Ask to change your email address, which changes when the new one is confirmed",
    response_model=EmptyOut,
    responses=error_responses(400, 401, 403, 429, 503),
)
async def change_email(
    request: Request, body: EmailIn, state: StateDep, user: CurrentUser
) -> Response:
    """Without `password` it needs a recent authentication."""
    if body.password is None:
        await recent_user(request, user)
    await state.account.request_email(user, body.email, body.password)
    return json_response(EmptyOut(), 202)


@router.post(
    "/reauthenticate",
    summary="Give your password or a passkey again, which permits sensitive changes",
    response_model=UserOut,
    responses=error_responses(400, 401, 403, 429, 503),
)
async def reauthenticate(body: ReauthenticationIn, state: StateDep, user: CurrentUser) -> Response:
    """For ten minutes. Routes that need it answer 403 with the field `reauthentication`."""
    if body.password is not None:
        reauthenticated = await state.account.reauthenticate(user, body.password)
    elif body.challenge_id is not None and body.credential is not None:
        reauthenticated = await state.passkeys.reauthenticate(
            user, body.challenge_id, body.credential
        )
    else:
        raise BadRequest("You must supply a password", field="password")
    response = json_response(UserOut.from_attributes(reauthenticated.user))
    state.cookies.set_access(response, reauthenticated.access_token)
    return response


@router.get(
    "/account",
    summary="Get your account",
    response_model=AccountOut,
    responses=error_responses(401),
)
async def get_account(state: StateDep, user: CurrentUser) -> Response:
    return json_response(AccountOut.from_domain(await state.account.get(user)), headers=NO_STORE)


@router.put(
    "/account",
    summary="Choose the language of letters to you",
    response_model=AccountOut,
    responses=error_responses(400, 401, 403),
)
async def put_account(body: AccountIn, state: StateDep, user: CurrentUser) -> Response:
    details = await state.account.choose_language(user, body.language)
    return json_response(AccountOut.from_domain(details), headers=NO_STORE)


@router.get(
    "/notices",
    summary="List your newest notices, newest first",
    response_model=NoticesOut,
    responses=error_responses(401),
)
async def list_notices(state: StateDep, user: CurrentUser) -> Response:
    notices = await state.letters.notices(user.id)
    return json_response(NoticesOut.from_domain(notices), headers=NO_STORE)


@router.get(
    "/notices/unread",
    summary="Count your unread notices, of the newest 100",
    response_model=UnreadOut,
    responses=error_responses(401),
)
async def count_unread(state: StateDep, user: CurrentUser) -> Response:
    unread = await state.letters.count_unread(user.id)
    return json_response(UnreadOut(unread=unread), headers=NO_STORE)


@router.post(
    "/notices/read",
    status_code=204,
    summary="Mark your notices as read",
    responses=error_responses(401, 403, 404),
)
async def read_notices(state: StateDep, user: CurrentUser) -> Response:
    await state.letters.read_notices(user.id)
    return Response(status_code=204)
