"""HTTP routes of the tickets API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from common.auth.dependencies import ActiveUser, CurrentUser, OptionalUser
from common.lifecycle import ServiceState
from common.shows import Seat
from common.values.ids import Id
from common.web.client_address import client_network
from common.web.errors import error_responses
from common.web.etags import (
    IfMatch,
    IfNoneMatch,
    conditional_response,
    etag,
    expected_versions,
    json_response,
)
from common.web.idempotency import IdempotentRoute, NewId
from common.web.pagination import PAGE_SIZE, Cursor, Limit
from common.web.sse import SSE_RESPONSE, EventBroadcaster, LastEventId
from tickets.cache import VERIFIED
from tickets.domain.ticket import KEEP, Ticket
from tickets.duplicates import Duplicates
from tickets.passes import Passes
from tickets.query_parameters import TicketQueryParameters
from tickets.refunds import Refunds
from tickets.resale import Resale
from tickets.schemas import FacetsOut, NewTicketIn, SeatIn, TicketIn, TicketOut
from tickets.service import TicketService
from tickets.show_service import ShowService
from tickets.uploads import Uploads
from tickets.vault_service import VaultService

router = APIRouter(prefix="/api/tickets", tags=["tickets"], route_class=IdempotentRoute)


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the tickets service."""

    tickets: TicketService
    shows: ShowService
    resale: Resale
    refunds: Refunds
    duplicates: Duplicates
    vault: VaultService
    uploads: Uploads
    passes: Passes
    broadcaster: EventBroadcaster


StateDep = Annotated[State, Depends(State.of)]


@router.get(
    "",
    summary="List available tickets",
    response_model=list[TicketOut],
    responses=error_responses(400),
)
async def list_tickets(
    request: Request,
    state: StateDep,
    query: TicketQueryParameters,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response:
    """A page may have fewer items than `limit`, or none, although another one follows."""
    page = await state.tickets.list_available(query, limit=limit, cursor=cursor)
    return json_response(
        await _bodies(state, page.items),
        headers=page.link_header(request),
    )


@router.get(
    "/mine",
    summary="List your own tickets, in any state",
    response_model=list[TicketOut],
    responses=error_responses(400, 401),
)
async def list_my_tickets(
    request: Request,
    state: StateDep,
    user: CurrentUser,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response:
    page = await state.tickets.list_by_seller(user.id, limit=limit, cursor=cursor)
    return json_response(
        await _bodies(state, page.items),
        headers=page.link_header(request),
    )


@router.get("/facets", summary="Count the available tickets by city, date and category")
async def list_facets(state: StateDep) -> FacetsOut:
    """The tickets are counted in the background; `at` is the time of the last count."""
    return FacetsOut.model_validate(await state.tickets.facets())


@router.get(
    "/events",
    summary="Stream ticket changes as server-sent events",
    response_class=StreamingResponse,
    responses=SSE_RESPONSE | error_responses(429, 503),
)
async def watch_tickets(
    request: Request, state: StateDep, user: OptionalUser, last_event_id: LastEventId = None
) -> Response:
    return state.broadcaster.stream(
        network=client_network(request.scope),
        session=user.session_id if user else None,
        last_event_id=last_event_id,
    )


@router.get(
    "/{ticket_id}", summary="Get a ticket", response_model=TicketOut, responses=error_responses(404)
)
async def show_ticket(
    ticket_id: Id, state: StateDep, if_none_match: IfNoneMatch = None
) -> Response:
    (body,) = await _bodies(state, [await state.tickets.get(ticket_id)])
    tag = etag(body.version, VERIFIED if body.seller_verified else "")
    return conditional_response(if_none_match, tag, body)


@router.post(
    "",
    status_code=201,
    summary="List a ticket for sale",
    response_model=TicketOut,
    responses=error_responses(400, 401, 409, 429),
)
async def create_ticket(
    body: NewTicketIn, user: ActiveUser, state: StateDep, ticket_id: NewId
) -> Response:
    """409 means that the ticket of `fromOrderId` is listed again already."""
    if body.from_order_id is not None:
        ticket = await state.resale.list_again(
            ticket_id=ticket_id,
            title=body.title,
            price=body.price,
            seller_id=user.id,
            order_id=body.from_order_id,
        )
    else:
        ticket = await state.tickets.list_for_sale(
            ticket_id=ticket_id,
            title=body.title,
            price=body.price,
            seller_id=user.id,
            show_id=body.show_id,
            seat=_seat(body.seat),
            face_value=body.face_value,
        )
    return json_response(TicketOut.from_attributes(ticket), 201, tag=etag(ticket.version))


@router.put(
    "/{ticket_id}",
    summary="Update an unreserved ticket",
    response_model=TicketOut,
    responses=error_responses(400, 401, 404, 412),
)
async def edit_ticket(
    ticket_id: Id, body: TicketIn, user: ActiveUser, state: StateDep, if_match: IfMatch = None
) -> Response:
    given = body.model_fields_set
    ticket = await state.tickets.edit(
        ticket_id,
        title=body.title,
        price=body.price,
        user_id=user.id,
        show_id=body.show_id if "show_id" in given else KEEP,
        seat=_seat(body.seat) if "seat" in given else KEEP,
        face_value=body.face_value if "face_value" in given else KEEP,
        expected_versions=expected_versions(if_match),
    )
    return json_response(TicketOut.from_attributes(ticket), tag=etag(ticket.version))


@router.delete(
    "/{ticket_id}",
    status_code=204,
    summary="Withdraw a ticket, or as soon as its order is cancelled",
    responses={
        202: {
            "model": TicketOut,
            "description": "The ticket is reserved: it will be withdrawn if its order is cancelled",
        },
        **error_responses(400, 401, 404),
    },
)
async def withdraw_ticket(ticket_id: Id, user: CurrentUser, state: StateDep) -> Response:
    ticket = await state.tickets.withdraw(ticket_id, user_id=user.id)
    if ticket.withdrawing:
        return json_response(TicketOut.from_attributes(ticket), 202, tag=etag(ticket.version))
    return Response(status_code=204)


async def _bodies(state: State, tickets: Sequence[Ticket]) -> list[TicketOut]:
    """Return the bodies of responses to reads, which say whose sellers are verified."""
    verified = await state.tickets.find_verified(tickets)
    return [TicketOut.from_domain(ticket, verified) for ticket in tickets]


def _seat(seat: SeatIn | None) -> Seat | None:
    return None if seat is None else Seat.from_attributes(seat)
