"""HTTP routes of the originals of tickets.

No response is stored by an idempotency key or by a cache, because it may contain a code.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from common.auth.dependencies import ActiveUser, CurrentUser
from common.values.ids import Id
from common.web.errors import error_responses
from common.web.etags import NO_STORE, etag, json_response
from common.web.security_headers import set_policy
from tickets.api import StateDep
from tickets.schemas import PassOut, TicketOut
from tickets.ticket_files import MAX_CODES, MEDIA_TYPES

router = APIRouter(prefix="/api/tickets/{ticket_id}", tags=["originals"])

SANDBOX: Final = "sandbox; default-src 'none'"
SVG: Final = "image/svg+xml"
_EXTENSIONS: Final = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", SVG: "svg"}
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}


@router.put(
    "/file",
    summary="Upload the original of a ticket, which only its buyer will see",
    response_model=TicketOut,
    responses=error_responses(400, 401, 404, 408, 409, 413, 415, 429, 503),
    openapi_extra={
        "requestBody": {"required": True, "content": dict.fromkeys(sorted(MEDIA_TYPES), _BINARY)}
    },
)
async def upload_file(
    ticket_id: Id, request: Request, user: ActiveUser, state: StateDep
) -> Response:
    """409 means that the code is listed already. The same file again changes nothing."""
    await state.vault.check_may_upload(ticket_id, user_id=user.id)
    async with state.uploads.receive(request, user_id=user.id) as upload:
        ticket = await state.vault.upload(
            ticket_id, user_id=user.id, data=upload.data, media_type=upload.media_type
        )
    return json_response(
        TicketOut.from_attributes(ticket), tag=etag(ticket.version), headers=NO_STORE
    )


@router.get(
    "/pass",
    summary="Get the state of a ticket's original, as its seller or its buyer",
    response_model=PassOut,
    responses=error_responses(401, 404),
)
async def get_pass(ticket_id: Id, user: CurrentUser, state: StateDep) -> Response:
    found = await state.passes.get(ticket_id, user_id=user.id)
    return json_response(PassOut.from_attributes(found), headers=NO_STORE)


@router.post(
    "/pass/reveal",
    summary="Reveal the original of a ticket that you bought",
    response_model=PassOut,
    responses=error_responses(401, 404, 409, 410),
)
async def reveal(ticket_id: Id, user: CurrentUser, state: StateDep) -> Response:
    """From then on the ticket can only be listed as one whose code was seen."""
    revealed = await state.passes.reveal(ticket_id, user_id=user.id)
    return json_response(PassOut.from_attributes(revealed), headers=NO_STORE)


@router.get(
    "/pass/file",
    summary="Get the original of a ticket that was revealed to you",
    response_class=Response,
    responses={
        200: {"content": dict.fromkeys(sorted(MEDIA_TYPES), _BINARY)},
        **error_responses(401, 404, 409, 410),
    },
)
async def get_file(ticket_id: Id, request: Request, user: CurrentUser, state: StateDep) -> Response:
    media_type, content = await state.passes.read_file(ticket_id, user_id=user.id)
    return _attachment(request, f"ticket-{ticket_id}", media_type, content)


@router.get(
    "/pass/qr.svg",
    summary="Get a code of a ticket that was revealed to you, drawn at full size",
    response_class=Response,
    responses={200: {"content": {SVG: _BINARY}}, **error_responses(400, 401, 404, 409, 410, 503)},
)
async def get_code(
    ticket_id: Id,
    request: Request,
    user: CurrentUser,
    state: StateDep,
    code: Annotated[int, Query(ge=0, lt=MAX_CODES)] = 0,
) -> Response:
    svg = await state.passes.draw_code(ticket_id, user_id=user.id, index=code)
    return _attachment(request, f"code-{ticket_id}-{code}", SVG, svg)


def _attachment(request: Request, name: str, media_type: str, content: bytes) -> Response:
    """Return a file that a browser saves and never opens as a page of this site."""
    set_policy(request.scope, SANDBOX)
    disposition = f'attachment; filename="{name}.{_EXTENSIONS[media_type]}"'
    headers = {**NO_STORE, "Content-Disposition": disposition}
    return Response(content, media_type=media_type, headers=headers)
