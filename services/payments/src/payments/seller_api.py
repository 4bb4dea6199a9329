"""The HTTP routes of sellers: their account at Stripe, and what they earn.

Links to Stripe's pages are in no cache, log or idempotency record.
"""

from fastapi import APIRouter, Request, Response

from common.auth.dependencies import ActiveUser, CurrentUser, RecentUser, recent_user
from common.web.errors import error_responses
from common.web.etags import NO_STORE, json_response
from common.web.pagination import PAGE_SIZE, Cursor, Limit
from payments.api import StateDep
from payments.seller_schemas import EarningsOut, LinkOut, SellerIn, SellerOut

router = APIRouter(prefix="/api/payments", tags=["sellers"])


@router.post(
    "/seller",
    summary="Get a link to set up your account for payouts",
    description=(
        "The link works once, for a few minutes. A repeated call gives another one. Who has an "
        "account may have to confirm the password first, because the link can change where the "
        "money goes: 403 with the field `reauthentication`."
    ),
    response_model=LinkOut,
    responses=error_responses(400, 401, 403, 503),
)
async def begin_onboarding(
    request: Request, user: ActiveUser, state: StateDep, body: SellerIn
) -> Response:
    if await state.sellers.has_account(user.id):
        await recent_user(request, user)
    link = await state.sellers.begin_onboarding(user.id, email=user.email, country=body.country)
    return json_response(LinkOut.from_attributes(link), headers=NO_STORE)


@router.get(
    "/seller",
    summary="Get your account for payouts",
    response_model=SellerOut,
    responses=error_responses(401),
)
async def show_seller(user: CurrentUser, state: StateDep) -> Response:
    seller = await state.sellers.show(user.id)
    protected_until = await state.sellers.protected_until(user.id)
    return json_response(SellerOut.from_domain(seller, protected_until), headers=NO_STORE)


@router.post(
    "/seller/dashboard",
    summary="Get a link to your pages at the payment processor",
    response_model=LinkOut,
    responses=error_responses(400, 401, 403, 404, 503),
)
async def open_dashboard(user: RecentUser, state: StateDep) -> Response:
    link = await state.sellers.open_dashboard(user.id)
    return json_response(LinkOut.from_attributes(link), headers=NO_STORE)


@router.get(
    "/earnings",
    summary="List what you sold and when you are paid, newest first",
    response_model=EarningsOut,
    responses=error_responses(400, 401),
)
async def list_earnings(
    request: Request,
    user: CurrentUser,
    state: StateDep,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response:
    earnings = await state.sellers.list_earnings(user.id, limit=limit, cursor=cursor)
    headers = {**NO_STORE, **earnings.sales.link_header(request)}
    return json_response(EarningsOut.from_domain(earnings), headers=headers)
