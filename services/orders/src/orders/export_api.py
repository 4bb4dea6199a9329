"""The HTTP route that exports what orders stores of a user."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from common.auth.dependencies import RecentUser
from common.values.camel_model import CamelModel
from common.web.errors import error_responses
from common.web.export import export_response, iter_pages
from common.web.pagination import PAGE_SIZE
from orders.api import StateDep
from orders.schemas import OrderOut

router = APIRouter(prefix="/api/orders", tags=["orders"])


class OrdersExportOut(CamelModel):
    """What a user has ordered."""

    orders: list[OrderOut]


@router.get(
    "/export",
    summary="Export your orders",
    response_model=OrdersExportOut,
    responses=error_responses(401, 403),
)
async def export(state: StateDep, user: RecentUser) -> StreamingResponse:
    orders = iter_pages(
        lambda cursor: state.orders.list_by_buyer(user.id, limit=PAGE_SIZE, cursor=cursor)
    )
    return export_response({"orders": (OrderOut.from_attributes(one) async for one in orders)})
