"""The webhook that Stripe calls, authenticated by its signature instead of a session."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from common.errors import BadRequest, NotFound
from common.observability.context import acting_as
from common.web.errors import error_responses
from common.web.etags import json_response
from common.web.schemas import CamelModel
from payments.state import State

router = APIRouter(prefix="/api/payments", tags=["payments"])


class WebhookAck(CamelModel):
    """The acknowledgement that stops Stripe from retrying."""

    received: bool = True


@router.post(
    "/webhook",
    summary="Receive a Stripe webhook",
    response_model=WebhookAck,
    responses=error_responses(400, 404, 503),
)
async def receive_webhook(
    request: Request,
    signature: Annotated[str, Header(alias="Stripe-Signature", max_length=2000)] = "",
) -> Response:
    """Verify the signature of the raw body and process the event."""
    state = State.of(request)
    if not state.gateway.webhooks_enabled:
        raise NotFound
    event = state.gateway.parse_webhook(await request.body(), signature)
    if event is None:
        raise BadRequest("Invalid Stripe signature")
    with acting_as(f"webhook {event.id}"):
        await state.sync.handle_webhook(event)
    return json_response(WebhookAck())
