"""HTTP routes of a user who leaves: the export of the account, and its deletion."""

from fastapi import APIRouter, Response

from auth.account_schemas import AccountOut, NoticeOut
from auth.api import StateDep
from auth.passkey_schemas import PasskeyOut, passkey_out
from auth.schemas import EmptyOut, SessionOut
from common.auth.dependencies import RecentUser
from common.values.camel_model import CamelModel
from common.web.errors import error_responses
from common.web.etags import NO_STORE, json_response

router = APIRouter(prefix="/api/users", tags=["users"])


class AccountExportOut(CamelModel):
    """What is stored about a user, but for the passwords and keys."""

    account: list[AccountOut]
    sessions: list[SessionOut]
    passkeys: list[PasskeyOut]
    notices: list[NoticeOut]


@router.get(
    "/export",
    summary="Export your account, sessions, passkeys and notices",
    response_model=AccountExportOut,
    responses=error_responses(401, 403),
)
async def export(state: StateDep, user: RecentUser) -> Response:
    account = await state.account.get(user)
    sessions = await state.sessions.list_sessions(user)
    methods = await state.passkeys.get(user)
    notices = await state.letters.notices(user.id)
    exported = AccountExportOut(
        account=[AccountOut.from_domain(account)],
        sessions=[SessionOut.from_domain(one, user) for one in sessions],
        passkeys=[passkey_out(one) for one in methods.passkeys],
        notices=[NoticeOut.from_domain(one, notices.read_at) for one in notices.letters],
    )
    return json_response(exported, headers=NO_STORE)


@router.delete(
    "/account",
    status_code=202,
    summary="Delete your account, which ends all your sessions",
    response_model=EmptyOut,
    responses=error_responses(401, 403, 409),
)
async def delete_account(state: StateDep, user: RecentUser) -> Response:
    """409 says what has to be completed first: `reason`, and `possibleFrom` if that is known."""
    await state.account.get(user)  # 401 without an account
    await state.deletions.request(user.id)
    response = json_response(EmptyOut(), 202)
    state.cookies.clear_browser(response)
    return response
