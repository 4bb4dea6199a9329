"""Orders over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from common.auth.dependencies import CurrentUser
from common.auth.revocations import Revocations
from common.values.ids import Id
from common.web.errors import error_responses
from common.web.etags import IfNoneMatch, etag, reply, reply_unless_known
from common.web.idempotency import IdempotentRoute, NewId
from common.web.pagination import PAGE_SIZE, Cursor, Limit
from common.web.sse import Feed, LastEventId, event_stream
from orders.schemas import OrderIn, OrderOut
from orders.service import Orders

router = APIRouter(prefix="/api/orders", tags=["orders"], route_class=IdempotentRoute)


async def _door(request: Request) -> Orders:
    door: Orders = request.app.state.orders
    return door


Door = Annotated[Orders, Depends(_door)]


@router.get(
    "",
    summary="Your orders, newest first",
    response_model=list[OrderOut],
    responses=error_responses(400, 401),
)
async def list_orders(
    request: Request,
    orders: Door,
    user: CurrentUser,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response:
    page = await orders.of_buyer(user.id, limit=limit, cursor=cursor)
    return reply([OrderOut.of(order) for order in page.items], headers=page.link(request))


@router.get(
    "/events",
    summary="Your orders as they change, as server-sent events",
    response_class=StreamingResponse,
    responses=event_stream() | error_responses(401, 503),
)
async def watch_orders(request: Request, user: CurrentUser, last: LastEventId = None) -> Response:
    feed: Feed = request.app.state.feed
    revocations: Revocations = request.app.state.revocations
    return feed.stream(
        key=user.id,
        user=user.id,
        last=last,
        alive=lambda: user.session_id not in revocations,
    )


@router.get(
    "/{order_id}",
    summary="One of your orders",
    response_model=OrderOut,
    responses=error_responses(401, 404),
)
async def show_order(
    order_id: Id, orders: Door, user: CurrentUser, known: IfNoneMatch = None
) -> Response:
    order = await orders.show(order_id, to=user.id)
    return reply_unless_known(known, etag(order.version), OrderOut.of(order))


@router.post(
    "",
    status_code=201,
    summary="Reserve a ticket",
    response_model=OrderOut,
    responses=error_responses(400, 401, 404),
)
async def create_order(body: OrderIn, user: CurrentUser, orders: Door, order_id: NewId) -> Response:
    order = await orders.place(order_id=order_id, ticket_id=body.ticket_id, by=user.id)
    return reply(OrderOut.of(order), 201, tag=etag(order.version))


@router.delete(
    "/{order_id}",
    status_code=204,
    summary="Cancel your order while it is not paid",
    responses=error_responses(400, 401, 404),
)
async def cancel_order(order_id: Id, orders: Door, user: CurrentUser) -> Response:
    await orders.cancel(order_id, by=user.id)
    return Response(status_code=204)
