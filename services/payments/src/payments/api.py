"""The HTTP routes of payments."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from common.auth.dependencies import CurrentUser
from common.values.ids import Id
from common.web.errors import error_responses
from common.web.etags import NO_STORE, IfNoneMatch, conditional_response, etag, json_response
from common.web.idempotency import IdempotentRoute
from payments.attempts import PaymentAttempts
from payments.schemas import ActionOut, ConfigOut, PaymentErrorResponse, PaymentIn, PaymentOut
from payments.state import State
from payments.sync import ChargeSync

router = APIRouter(prefix="/api/payments", tags=["payments"], route_class=IdempotentRoute)


async def _attempts(request: Request) -> PaymentAttempts:
    return State.of(request).attempts


async def _sync(request: Request) -> ChargeSync:
    return State.of(request).sync


AttemptsDep = Annotated[PaymentAttempts, Depends(_attempts)]
ChargeSyncDep = Annotated[ChargeSync, Depends(_sync)]


@router.post(
    "",
    status_code=201,
    summary="Pay for an order",
    description=(
        "201: the order is paid. 202: the bank requires authentication; call "
        "`stripe.handleNextAction({clientSecret})`, then `GET /api/payments?orderId=`. "
        "503: the outcome is not known yet; it is safe to retry."
    ),
    response_model=PaymentOut,
    responses={
        **error_responses(401, 404, 409, 503),
        202: {"model": ActionOut},
        400: {"model": PaymentErrorResponse},
        402: {"model": PaymentErrorResponse},
    },
)
async def pay(body: PaymentIn, user: CurrentUser, attempts: AttemptsDep) -> Response:
    result = await attempts.pay(body.order_id, token=body.token, user_id=user.id)
    charge = result.charge
    if result.client_secret is not None:
        action = ActionOut(id=charge.id, status=charge.status, client_secret=result.client_secret)
        return json_response(action, 202, headers=NO_STORE)
    return json_response(PaymentOut.from_domain(charge), 201, tag=etag(charge.version))


@router.get(
    "",
    summary="Get the payment of an order",
    response_model=PaymentOut,
    responses=error_responses(400, 401, 404),
)
async def show_payment(
    order_id: Annotated[Id, Query(alias="orderId")],
    user: CurrentUser,
    sync: ChargeSyncDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    charge = await sync.get_payment(order_id, user_id=user.id)
    return conditional_response(if_none_match, etag(charge.version), PaymentOut.from_domain(charge))


@router.get("/config", summary="Get the configuration of the card form", response_model=ConfigOut)
async def show_config(request: Request) -> Response:
    return json_response(State.of(request).config)
