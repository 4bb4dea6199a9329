"""HTTP routes of the orders API."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from common.auth.dependencies import ActiveUser, CurrentUser
from common.lifecycle import ServiceState
from common.values.ids import Id
from common.web.client_address import client_network
from common.web.errors import error_responses
from common.web.etags import IfNoneMatch, conditional_response, etag, json_response
from common.web.idempotency import IdempotentRoute, NewId
from common.web.pagination import PAGE_SIZE, Cursor, Limit
from common.web.sse import SSE_RESPONSE, EventBroadcaster, LastEventId
from orders.schemas import OrderIn, OrderOut, RefundOfferOut
from orders.service import OrderService

router = APIRouter(prefix="/api/orders", tags=["orders"], route_class=IdempotentRoute)


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the orders service."""

    orders: OrderService
    broadcaster: EventBroadcaster


StateDep = Annotated[State, Depends(State.of)]


@router.get(
    "",
    summary="List your orders, newest first",
    response_model=list[OrderOut],
    responses=error_responses(400, 401),
)
async def list_orders(
    request: Request,
    state: StateDep,
    user: CurrentUser,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response:
    page = await state.orders.list_by_buyer(user.id, limit=limit, cursor=cursor)
    return json_response(
        [OrderOut.from_attributes(order) for order in page.items], headers=page.link_header(request)
    )


@router.get(
    "/events",
    summary="Stream changes of your orders as server-sent events",
    response_class=StreamingResponse,
    responses=SSE_RESPONSE | error_responses(401, 429, 503),
)
async def watch_orders(
    request: Request, state: StateDep, user: CurrentUser, last_event_id: LastEventId = None
) -> Response:
    return state.broadcaster.stream(
        network=client_network(request.scope),
        session=user.session_id,
        user=user.id,
        last_event_id=last_event_id,
        is_authorized=lambda: not state.running.revocations.is_revoked(user),
    )


@router.get(
    "/{order_id}",
    summary="Get one of your orders",
    response_model=OrderOut,
    responses=error_responses(401, 404),
)
async def show_order(
    order_id: Id, state: StateDep, user: CurrentUser, if_none_match: IfNoneMatch = None
) -> Response:
    order = await state.orders.get_for(order_id, buyer_id=user.id)
    return conditional_response(if_none_match, etag(order.version), OrderOut.from_attributes(order))


@router.post(
    "",
    status_code=201,
    summary="Reserve a ticket",
    response_model=OrderOut,
    responses=error_responses(400, 401, 404, 409, 429),
)
async def create_order(
    body: OrderIn, user: ActiveUser, state: StateDep, order_id: NewId
) -> Response:
    order = await state.orders.place(
        order_id=order_id,
        ticket_id=body.ticket_id,
        buyer_id=user.id,
        seen=body.to_seen_ticket(),
    )
    return json_response(OrderOut.from_attributes(order), 201, tag=etag(order.version))


@router.post(
    "/{order_id}/received",
    summary="Say that the ticket of a paid order arrived",
    description="The seller of a ticket without a show is paid 14 days later.",
    response_model=OrderOut,
    responses=error_responses(400, 401, 404),
)
async def confirm_receipt(order_id: Id, state: StateDep, user: CurrentUser) -> Response:
    order = await state.orders.confirm_receipt(order_id, buyer_id=user.id)
    return json_response(OrderOut.from_attributes(order), tag=etag(order.version))


@router.post(
    "/{order_id}/refund-offer",
    summary="Offer the buyer of your ticket the money back",
    description="Nothing happens until the buyer accepts. An offer cannot be taken back.",
    response_model=RefundOfferOut,
    responses=error_responses(400, 401, 404),
)
async def offer_refund(order_id: Id, state: StateDep, user: CurrentUser) -> Response:
    order = await state.orders.offer_refund(order_id, seller_id=user.id)
    return json_response(RefundOfferOut.from_attributes(order))


@router.post(
    "/{order_id}/refund-accept",
    summary="Accept the seller's offer to return your money",
    description="A ticket in the vault that you have not revealed cannot be opened any more.",
    response_model=OrderOut,
    responses=error_responses(400, 401, 404),
)
async def accept_refund(order_id: Id, state: StateDep, user: CurrentUser) -> Response:
    order = await state.orders.accept_refund(order_id, buyer_id=user.id)
    return json_response(OrderOut.from_attributes(order), tag=etag(order.version))


@router.delete(
    "/{order_id}",
    status_code=204,
    summary="Cancel an unpaid order",
    responses=error_responses(400, 401, 404),
)
async def cancel_order(order_id: Id, state: StateDep, user: CurrentUser) -> Response:
    await state.orders.cancel(order_id, buyer_id=user.id)
    return Response(status_code=204)
