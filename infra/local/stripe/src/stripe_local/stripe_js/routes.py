"""The local Stripe.js and the frames with the card fields."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

_STATIC = Path(__file__).parent / "static"
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_NO_STORE = {"Cache-Control": "no-store"}
# Scripts come from this origin only, and card details are sent to this origin only.
_FRAME_POLICY = {
    **_NO_STORE,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def routes() -> list[Route]:
    """Return the routes of Stripe.js, with the paths of the real one, and of its frames."""
    return [
        Route("/v3/", _script),
        Route("/{train}/stripe.js", _script),
        Route("/elements/{name}", _element),
    ]


async def _script(_: Request) -> Response:
    return FileResponse(_STATIC / "stripe.js", media_type=_MEDIA_TYPES[".js"], headers=_NO_STORE)


async def _element(request: Request) -> Response:
    names = {path.name for path in _STATIC.iterdir()} - {"stripe.js"}
    name = request.path_params["name"]
    if name not in names:
        return Response(status_code=404)
    path = _STATIC / name
    return FileResponse(path, media_type=_MEDIA_TYPES[path.suffix], headers=_FRAME_POLICY)
