"""The HTTP routes of payments. Stripe calls the webhook, authenticated by a signature."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from common.auth.dependencies import ActiveUser, CurrentUser
from common.errors import BadRequest, NotFound
from common.lifecycle import ServiceState
from common.observability.context import acting_as
from common.values.ids import Id
from common.web.client_address import client_address, network_of
from common.web.errors import error_responses
from common.web.etags import NO_STORE, IfNoneMatch, conditional_response, etag, json_response
from common.web.idempotency import IdempotentRoute
from payments.attempts import PaymentAttempts
from payments.domain.order import PaymentPolicy
from payments.schemas import (
    ActionOut,
    ConfigOut,
    PaymentErrorResponse,
    PaymentIn,
    PaymentOut,
    WebhookAck,
)
from payments.sellers import Sellers
from payments.stripe.gateway import Gateway
from payments.sync import ChargeSync

router = APIRouter(prefix="/api/payments", tags=["payments"], route_class=IdempotentRoute)


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the payments service."""

    attempts: PaymentAttempts
    sync: ChargeSync
    sellers: Sellers
    gateway: Gateway
    config: ConfigOut
    policy: PaymentPolicy


StateDep = Annotated[State, Depends(State.of)]


async def client_network(request: Request, state: StateDep) -> str:
    """Return the network of the client, for the limits on declined payments."""
    return network_of(client_address(request, state.running.settings.trusted_proxies))


ClientNetwork = Annotated[str, Depends(client_network)]


@router.post(
    "",
    status_code=201,
    summary="Pay for an order",
    description=(
        "201: the order is paid. 202: the bank requires authentication; call "
        "`stripe.handleNextAction({clientSecret})`, then `GET /api/payments?orderId=`. "
        "503: the outcome is not known yet; it is safe to retry. 503 with the code "
        "`payments_unavailable`: nothing was charged, and a retry will not help soon."
    ),
    response_model=PaymentOut,
    responses={
        **error_responses(401, 404, 409),
        429: {"model": PaymentErrorResponse},
        503: {"model": PaymentErrorResponse},
        202: {"model": ActionOut},
        400: {"model": PaymentErrorResponse},
        402: {"model": PaymentErrorResponse},
    },
)
async def pay(
    body: PaymentIn, user: ActiveUser, state: StateDep, address: ClientNetwork
) -> Response:
    result = await state.attempts.pay(
        body.order_id, token=body.token, user_id=user.id, address=address
    )
    charge = result.charge
    if result.client_secret is not None:
        action = ActionOut(id=charge.id, status=charge.status, client_secret=result.client_secret)
        return json_response(action, 202, headers=NO_STORE)
    return json_response(
        PaymentOut.from_domain(charge, state.policy), 201, tag=etag(charge.version)
    )


@router.get(
    "",
    summary="Get the payment of an order",
    response_model=PaymentOut,
    responses=error_responses(400, 401, 404),
)
async def show_payment(
    order_id: Annotated[Id, Query(alias="orderId")],
    user: CurrentUser,
    state: StateDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    charge = await state.sync.get_payment(order_id, user_id=user.id)
    payment = PaymentOut.from_domain(charge, state.policy)
    return conditional_response(if_none_match, etag(charge.version), payment)


@router.get("/config", summary="Get the configuration of the card form", response_model=ConfigOut)
async def show_config(state: StateDep) -> Response:
    return json_response(state.config)


@router.post(
    "/webhook",
    summary="Receive a Stripe webhook",
    response_model=WebhookAck,
    responses=error_responses(400, 404, 503),
)
async def receive_webhook(
    request: Request,
    state: StateDep,
    signature: Annotated[str, Header(alias="Stripe-Signature", max_length=2000)] = "",
) -> Response:
    """Verify the signature of the raw body and process the event."""
    if not state.gateway.webhooks_enabled:
        raise NotFound
    event = state.gateway.parse_webhook(await request.body(), signature)
    if event is None:
        raise BadRequest("Invalid Stripe event or signature")
    with acting_as(f"webhook {event.id}"):
        if event.account_id is not None:
            await state.sellers.refresh_account(event.account_id)
        else:
            await state.sync.handle_webhook(event)
    return json_response(WebhookAck())
