"""Webhooks in: Stripe calls, without a session; its signature is what it is known by."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from common.errors import Invalid, NotFound
from common.observability.context import acting_as
from common.web.errors import error_responses
from common.web.etags import reply
from common.web.schemas import Wire
from payments.service import Payments
from payments.stripe.gateway import Gateway

router = APIRouter(prefix="/api/payments", tags=["payments"])


class HeardOut(Wire):
    """What Stripe is answered: that it need not tell again."""

    received: bool = True


@router.post(
    "/webhook",
    summary="Hear from Stripe",
    response_model=HeardOut,
    responses=error_responses(400, 404, 503),
)
async def hear_webhook(
    request: Request,
    signature: Annotated[str, Header(alias="Stripe-Signature", max_length=2000)] = "",
) -> Response:
    """Verify the raw body, and look at what it hints at."""
    gateway: Gateway = request.app.state.gateway
    payments: Payments = request.app.state.payments
    if not gateway.hears_webhooks:
        raise NotFound
    hint = gateway.read_webhook(await request.body(), signature)
    if hint is None:
        raise Invalid("The signature is not Stripe's")
    with acting_as(f"webhook {hint.id}"):
        await payments.hear(hint)
    return reply(HeardOut())
