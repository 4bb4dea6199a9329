"""HTTP routes of passkeys and the second factor.

A change of them needs the password or a passkey within the last minutes, because a session that was
left open must not be enough.
"""

from fastapi import APIRouter, Request, Response

from auth.api import ClientDevice, StateDep, signed_in_response
from auth.passkey_schemas import (
    ChallengeIn,
    NewPasskeyIn,
    PasskeyNameIn,
    PasskeyOut,
    PasskeySignInIn,
    RecoveryCodesOut,
    RecoveryIn,
    RemovalCancelIn,
    RemovalOut,
    SecondFactorIn,
    SignInMethodsOut,
    passkey_out,
)
from auth.schemas import CeremonyOut, EmptyOut, UserOut
from common.auth.dependencies import CurrentUser, OptionalUser, RecentUser
from common.errors import Unauthorized
from common.values.ids import Id
from common.web.errors import error_responses
from common.web.etags import NO_STORE, json_response

router = APIRouter(prefix="/api/users", tags=["users"])


@router.get(
    "/passkeys",
    summary="List your passkeys, and get what signing in asks for",
    response_model=SignInMethodsOut,
    responses=error_responses(401),
)
async def get_passkeys(state: StateDep, user: CurrentUser) -> Response:
    methods = await state.passkeys.get(user)
    return json_response(SignInMethodsOut.from_domain(methods), headers=NO_STORE)


@router.post(
    "/passkeys/options",
    summary="Get the options to create a passkey",
    response_model=CeremonyOut,
    responses=error_responses(400, 401, 403),
)
async def begin_registration(state: StateDep, user: RecentUser) -> Response:
    ceremony = await state.passkeys.begin_registration(user)
    return json_response(CeremonyOut.from_attributes(ceremony), headers=NO_STORE)


@router.post(
    "/passkeys",
    status_code=201,
    summary="Add a passkey",
    response_model=PasskeyOut,
    responses=error_responses(400, 401, 403),
)
async def add_passkey(body: NewPasskeyIn, state: StateDep, user: RecentUser) -> Response:
    passkey = await state.passkeys.add(user, body.challenge_id, body.credential, body.name)
    return json_response(passkey_out(passkey), 201)


@router.put(
    "/passkeys/{passkey_id}",
    summary="Rename a passkey of yours",
    response_model=PasskeyOut,
    responses=error_responses(400, 401, 403, 404),
)
async def rename_passkey(
    passkey_id: Id, body: PasskeyNameIn, state: StateDep, user: RecentUser
) -> Response:
    return json_response(passkey_out(await state.passkeys.rename(user, passkey_id, body.name)))


@router.delete(
    "/passkeys/{passkey_id}",
    status_code=204,
    summary="Remove a passkey of yours",
    responses=error_responses(400, 401, 403, 404),
)
async def remove_passkey(passkey_id: Id, state: StateDep, user: RecentUser) -> Response:
    await state.passkeys.remove(user, passkey_id)
    return Response(status_code=204)


@router.put(
    "/second-factor",
    summary="Choose whether signing in with the password asks for a passkey as well",
    response_model=SignInMethodsOut,
    responses=error_responses(400, 401, 403),
)
async def choose_second_factor(body: SecondFactorIn, state: StateDep, user: RecentUser) -> Response:
    methods = await state.passkeys.choose_second_factor(user, is_required=body.required)
    return json_response(SignInMethodsOut.from_domain(methods), headers=NO_STORE)


@router.post(
    "/recovery-codes",
    summary="Replace your recovery codes, each of which works once instead of a passkey",
    response_model=RecoveryCodesOut,
    responses=error_responses(401, 403),
)
async def replace_recovery_codes(state: StateDep, user: RecentUser) -> Response:
    codes = await state.passkeys.replace_recovery_codes(user)
    return json_response(RecoveryCodesOut(codes=codes), headers=NO_STORE)


@router.post(
    "/signin/passkey/options",
    summary="Get the options to sign in with a passkey",
    response_model=CeremonyOut,
    responses=error_responses(403, 429),
)
async def begin_passkey_sign_in(state: StateDep, device: ClientDevice) -> Response:
    ceremony = await state.passkeys.begin_sign_in(device)
    return json_response(CeremonyOut.from_attributes(ceremony), headers=NO_STORE)


@router.post(
    "/signin/passkey",
    summary="Sign in with a passkey, alone or after the password",
    response_model=UserOut,
    responses=error_responses(400, 403, 429),
)
async def sign_in_with_passkey(
    request: Request,
    body: PasskeySignInIn,
    state: StateDep,
    user_before: OptionalUser,
    device: ClientDevice,
) -> Response:
    """The session that the browser had ends."""
    signed_in = await state.passkeys.sign_in(
        body.challenge_id, body.credential, device, state.cookies.device_token(request)
    )
    await state.sessions.sign_out(user_before, state.cookies.refresh_token(request))
    return signed_in_response(signed_in, state.cookies)


@router.post(
    "/signin/recovery",
    summary="Sign in with a recovery code, after the password",
    response_model=UserOut,
    responses=error_responses(400, 403, 429),
)
async def sign_in_with_code(
    request: Request,
    body: RecoveryIn,
    state: StateDep,
    user_before: OptionalUser,
    device: ClientDevice,
) -> Response:
    """The session that the browser had ends."""
    signed_in = await state.passkeys.sign_in_with_code(
        body.challenge_id, body.code, device, state.cookies.device_token(request)
    )
    await state.sessions.sign_out(user_before, state.cookies.refresh_token(request))
    return signed_in_response(signed_in, state.cookies)


@router.post(
    "/second-factor/removal",
    status_code=202,
    summary="Announce the removal of the second factor, after a reset of the password by mail",
    response_model=RemovalOut,
    responses=error_responses(400, 403, 429),
)
async def announce_removal(body: ChallengeIn, state: StateDep, device: ClientDevice) -> Response:
    removal_at = await state.passkeys.announce_removal(body.challenge_id, device)
    return json_response(RemovalOut(removal_at=removal_at), 202, headers=NO_STORE)


@router.post(
    "/second-factor/removal/cancel",
    summary="Cancel the removal of the second factor, by a session or the link of a letter",
    response_model=EmptyOut,
    responses=error_responses(400, 401, 403),
    openapi_extra={"security": [{"session": []}, {}]},  # the link of a letter needs no session
)
async def cancel_removal(body: RemovalCancelIn, state: StateDep, user: OptionalUser) -> Response:
    if body.letter is not None and body.token is not None:
        await state.passkeys.cancel_removal_by_link(body.letter, body.token)
    elif user is not None:
        await state.passkeys.cancel_removal(user)
    else:
        raise Unauthorized
    return json_response(EmptyOut(), headers=NO_STORE)
