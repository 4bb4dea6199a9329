"""Tickets over HTTP."""

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from common.auth.dependencies import CurrentUser, OptionalUser
from common.values.ids import Id
from common.values.money import whole_cents
from common.web.errors import error_responses
from common.web.etags import (
    IfMatch,
    IfNoneMatch,
    etag,
    expected_versions,
    reply,
    reply_unless_known,
)
from common.web.idempotency import IdempotentRoute, NewId
from common.web.pagination import PAGE_SIZE, Cursor, Limit
from common.web.sse import Feed, LastEventId, event_stream
from tickets.domain import Sort
from tickets.schemas import TicketIn, TicketOut
from tickets.service import Tickets

router = APIRouter(prefix="/api/tickets", tags=["tickets"], route_class=IdempotentRoute)


async def _door(request: Request) -> Tickets:
    door: Tickets = request.app.state.tickets
    return door


Door = Annotated[Tickets, Depends(_door)]
Bound = Annotated[Decimal | None, Query(ge=0, le=1_000_000, decimal_places=2)]


@router.get(
    "",
    summary="Tickets that can be ordered now",
    response_model=list[TicketOut],
    responses=error_responses(400),
)
async def list_tickets(
    request: Request,
    tickets: Door,
    q: Annotated[str, Query(max_length=200, description="Words of the title")] = "",
    sort: Sort = Sort.NEWEST,
    min_price: Annotated[Bound, Query(alias="minPrice")] = None,
    max_price: Annotated[Bound, Query(alias="maxPrice")] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response:
    page = await tickets.available(
        q=q,
        sort=sort,
        min_price=whole_cents(min_price),
        max_price=whole_cents(max_price),
        limit=limit,
        cursor=cursor,
    )
    return reply([TicketOut.of(ticket) for ticket in page.items], headers=page.link(request))


@router.get(
    "/mine",
    summary="Your own listings, whatever their state",
    response_model=list[TicketOut],
    responses=error_responses(400, 401),
)
async def list_my_tickets(
    request: Request,
    tickets: Door,
    user: CurrentUser,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response:
    page = await tickets.of_seller(user.id, limit=limit, cursor=cursor)
    return reply([TicketOut.of(ticket) for ticket in page.items], headers=page.link(request))


@router.get(
    "/events",
    summary="Tickets as they change, as server-sent events",
    response_class=StreamingResponse,
    responses=event_stream() | error_responses(503),
)
async def watch_tickets(request: Request, user: OptionalUser, last: LastEventId = None) -> Response:
    feed: Feed = request.app.state.feed
    address = request.client.host if request.client else ""
    return feed.stream(key=user.id if user else address, last=last)


@router.get(
    "/{ticket_id}",
    summary="One ticket",
    response_model=TicketOut,
    responses=error_responses(404),
)
async def show_ticket(ticket_id: Id, tickets: Door, known: IfNoneMatch = None) -> Response:
    ticket = await tickets.show(ticket_id)
    return reply_unless_known(known, etag(ticket.version), TicketOut.of(ticket))


@router.post(
    "",
    status_code=201,
    summary="List a ticket for sale",
    response_model=TicketOut,
    responses=error_responses(400, 401),
)
async def create_ticket(
    body: TicketIn, user: CurrentUser, tickets: Door, ticket_id: NewId
) -> Response:
    ticket = await tickets.list_for_sale(
        ticket_id=ticket_id, title=body.title, price=body.price, by=user.id
    )
    return reply(TicketOut.of(ticket), 201, tag=etag(ticket.version))


@router.put(
    "/{ticket_id}",
    summary="Change your ticket's title and price while nobody has reserved it",
    response_model=TicketOut,
    responses=error_responses(400, 401, 404, 412),
)
async def edit_ticket(
    ticket_id: Id, body: TicketIn, user: CurrentUser, tickets: Door, match: IfMatch = None
) -> Response:
    ticket = await tickets.edit(
        ticket_id,
        title=body.title,
        price=body.price,
        by=user.id,
        expected=expected_versions(match),
    )
    return reply(TicketOut.of(ticket), tag=etag(ticket.version))
