"""Payments over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from common.auth.dependencies import CurrentUser
from common.values.ids import Id
from common.web.errors import error_responses
from common.web.etags import IfNoneMatch, etag, reply, reply_unless_known
from common.web.idempotency import IdempotentRoute
from payments.schemas import ActionOut, ConfigOut, PaymentIn, PaymentOut, Refused
from payments.service import Payments

router = APIRouter(prefix="/api/payments", tags=["payments"], route_class=IdempotentRoute)


async def _door(request: Request) -> Payments:
    door: Payments = request.app.state.payments
    return door


Door = Annotated[Payments, Depends(_door)]


@router.post(
    "",
    status_code=201,
    summary="Pay for your order",
    description=(
        "201: paid, now or before. 202: the bank wants to hear from the buyer; go on with "
        "`stripe.handleNextAction({clientSecret})`, then ask `GET /api/payments?orderId=`. "
        "503: it is not known yet whether the money was taken; asking again is safe."
    ),
    response_model=PaymentOut,
    responses={
        **error_responses(401, 404, 409, 503),
        202: {"model": ActionOut},
        400: {"model": Refused},
        402: {"model": Refused},
    },
)
async def pay(body: PaymentIn, user: CurrentUser, payments: Door) -> Response:
    payment = await payments.pay(body.order_id, token=body.token, by=user.id)
    charge = payment.charge
    if payment.client_secret is not None:
        secret = payment.client_secret
        return reply(ActionOut(id=charge.id, status=charge.status, client_secret=secret), 202)
    return reply(PaymentOut.of(charge), 201, tag=etag(charge.version))


@router.get(
    "",
    summary="Where the money of your order stands",
    response_model=PaymentOut,
    responses=error_responses(400, 401, 404),
)
async def show_payment(
    order_id: Annotated[Id, Query(alias="orderId")],
    user: CurrentUser,
    payments: Door,
    known: IfNoneMatch = None,
) -> Response:
    charge = await payments.receipt(order_id, by=user.id)
    return reply_unless_known(known, etag(charge.version), PaymentOut.of(charge))


@router.get("/config", summary="What a card form needs", response_model=ConfigOut)
async def show_config(request: Request) -> Response:
    config: ConfigOut = request.app.state.config
    return reply(config)
