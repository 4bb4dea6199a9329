"""The HTTP route that exports what tickets stores of a user."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from common.auth.dependencies import RecentUser
from common.values.camel_model import CamelModel
from common.web.errors import error_responses
from common.web.export import export_response, iter_pages
from common.web.pagination import PAGE_SIZE
from tickets.api import StateDep
from tickets.schemas import TicketOut

router = APIRouter(prefix="/api/tickets", tags=["tickets"])


class TicketsExportOut(CamelModel):
    """What a user has listed, in any state."""

    listings: list[TicketOut]


@router.get(
    "/export",
    summary="Export your listings",
    response_model=TicketsExportOut,
    responses=error_responses(401, 403),
)
async def export(state: StateDep, user: RecentUser) -> StreamingResponse:
    listings = iter_pages(
        lambda cursor: state.tickets.list_by_seller(user.id, limit=PAGE_SIZE, cursor=cursor)
    )
    return export_response({"listings": (TicketOut.from_attributes(one) async for one in listings)})
