"""HTTP routes of the shows, below those of the tickets."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from common.auth.dependencies import ActiveUser
from common.shows import ShowCategory
from common.values.ids import Id
from common.web.errors import error_responses
from common.web.etags import IfNoneMatch, conditional_response, etag, json_response
from common.web.idempotency import IdempotentRoute, NewId
from common.web.pagination import PAGE_SIZE, Cursor, Limit
from tickets.api import StateDep
from tickets.schemas import NewShowIn, ShowIn, ShowOut
from tickets.search import MAX_QUERY_LENGTH
from tickets.show_search import ShowQuery

router = APIRouter(prefix="/api/tickets/shows", tags=["shows"], route_class=IdempotentRoute)

DAY: Final = "A day at the venue"


@router.get(
    "",
    summary="List upcoming shows, the next one first",
    response_model=list[ShowOut],
    responses=error_responses(400),
)
async def list_shows(
    request: Request,
    state: StateDep,
    q: Annotated[
        str,
        Query(
            max_length=MAX_QUERY_LENGTH,
            description="Words of the name, the venue and the city, or their beginnings, from 3 "
            "letters on",
        ),
    ] = "",
    city: Annotated[str, Query(max_length=MAX_QUERY_LENGTH)] = "",
    category: ShowCategory | None = None,
    first_day: Annotated[date | None, Query(alias="from", description=DAY)] = None,
    last_day: Annotated[date | None, Query(alias="to", description=DAY)] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> Response:
    """A page may have fewer items than `limit`, or none, although another one follows."""
    query = ShowQuery.from_text(
        q, city=city, category=category, first_day=first_day, last_day=last_day
    )
    page = await state.shows.list_upcoming(query, limit=limit, cursor=cursor)
    return json_response(
        [ShowOut.from_attributes(show) for show in page.items],
        headers=page.link_header(request),
    )


@router.get(
    "/{show_id}", summary="Get a show", response_model=ShowOut, responses=error_responses(404)
)
async def get_show(show_id: Id, state: StateDep, if_none_match: IfNoneMatch = None) -> Response:
    show = await state.shows.get(show_id)
    return conditional_response(if_none_match, etag(show.version), ShowOut.from_attributes(show))


@router.post(
    "",
    status_code=201,
    summary="Add a show, unless the identical one exists",
    response_model=ShowOut,
    responses={
        200: {"model": ShowOut, "description": "The identical show, which existed before"},
        **error_responses(400, 401, 409, 429),
    },
)
async def create_show(
    body: NewShowIn, user: ActiveUser, state: StateDep, show_id: NewId
) -> Response:
    """Times without offset are local times at the venue.

    409 with `showId` means that a show of this name and place begins at another time of the same
    day. `another` adds the new one too.
    """
    show, is_new = await state.shows.add(
        show_id=show_id, details=body.to_details(), user_id=user.id, is_another=body.another
    )
    return json_response(
        ShowOut.from_attributes(show), 201 if is_new else 200, tag=etag(show.version)
    )


@router.put(
    "/{show_id}",
    summary="Update a show that concerns only its creator",
    response_model=ShowOut,
    responses=error_responses(400, 401, 404, 409, 429),
)
async def edit_show(show_id: Id, body: ShowIn, user: ActiveUser, state: StateDep) -> Response:
    show = await state.shows.edit(show_id, user_id=user.id, details=body.to_details())
    return json_response(ShowOut.from_attributes(show), tag=etag(show.version))
