"""The routes below /_local, which tests use.

Like those of the local Stripe server, they need a header that a page of another site cannot send.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mail_local.faults import Faults
from mail_local.mailbox import Mailbox

CONTROL_HEADERS: Final = {"X-Mail-Local": "1"}
MAX_PAGE_SIZE: Final = 1_000
_Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class ControlApi:
    """The control API."""

    mailbox: Mailbox
    faults: Faults

    def routes(self) -> list[Route]:
        """Return the routes below /_local."""
        endpoints: list[tuple[str, str, _Endpoint]] = [
            ("GET", "letters", self._list_letters),
            ("DELETE", "letters", self._delete_letters),
            ("GET", "faults", self._list_faults),
            ("POST", "faults", self._add_fault),
            ("DELETE", "faults", self._clear_faults),
        ]
        return [
            Route("/_local/health", self._health),
            *(
                Route(f"/_local/{path}", _require_header(endpoint), methods=[method])
                for method, path, endpoint in endpoints
            ),
        ]

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"letters": self.mailbox.count()})

    async def _list_letters(self, request: Request) -> Response:
        query = request.query_params
        after = query.get("after", "0")
        letters = self.mailbox.list_letters(
            to=query.get("to", ""), after=int(after) if after.isdigit() else 0, limit=MAX_PAGE_SIZE
        )
        next_id = letters[-1].id if len(letters) == MAX_PAGE_SIZE else None
        return JSONResponse({"data": [one.to_json() for one in letters], "next": next_id})

    async def _delete_letters(self, _: Request) -> Response:
        self.mailbox.clear()
        return Response(status_code=204)

    async def _list_faults(self, _: Request) -> Response:
        return JSONResponse(self.faults.to_json())

    async def _add_fault(self, request: Request) -> Response:
        try:
            self.faults.add(await request.json())
        except ValueError as error:  # InvalidFault, or not JSON
            return JSONResponse({"error": f"not a fault: {error}"}, 400)
        return JSONResponse(self.faults.to_json(), 201)

    async def _clear_faults(self, _: Request) -> Response:
        self.faults.clear()
        return JSONResponse([])


def _require_header(endpoint: _Endpoint) -> _Endpoint:
    async def guarded(request: Request) -> Response:
        if any(name not in request.headers for name in CONTROL_HEADERS):
            return JSONResponse({"error": "the header X-Mail-Local: 1 is missing"}, 403)
        return await endpoint(request)

    return guarded
