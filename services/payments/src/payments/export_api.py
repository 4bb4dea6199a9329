"""The HTTP route that exports what payments stores of a user."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from common.auth.dependencies import RecentUser
from common.values.camel_model import CamelModel
from common.web.errors import error_responses
from common.web.export import export_response
from payments.api import StateDep
from payments.schemas import PaymentOut

router = APIRouter(prefix="/api/payments", tags=["payments"])


class PaymentsExportOut(CamelModel):
    """What a user has paid."""

    payments: list[PaymentOut]


@router.get(
    "/export",
    summary="Export your payments",
    response_model=PaymentsExportOut,
    responses=error_responses(401, 403),
)
async def export(state: StateDep, user: RecentUser) -> StreamingResponse:
    charges = state.sync.iter_of_user(user.id)
    payments = (PaymentOut.from_domain(charge, state.policy) async for charge in charges)
    return export_response({"payments": payments})
