"""The API documentation: a page per service, and auth's page of the whole API at `/api/docs`.

The web client serves Swagger UI from its npm package, on the origin of the gateway. Without it, the
page is a link to the OpenAPI document.
"""

import hashlib
from base64 import b64encode
from html import escape
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from common.web.security_headers import set_policy

COMBINED_OPENAPI: Final = Path(__file__).parent / "published" / "openapi.json"
"""The merged document of all services, written by `make docs`."""

_SCRIPT: Final = """
window.SwaggerUIBundle?.({
  url: document.currentScript.dataset.openapi,
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null,
});
"""
_SCRIPT_HASH: Final = b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()

DOCS_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        f"script-src 'self' 'sha256-{_SCRIPT_HASH}'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def docs_router(path: str, openapi_url: str, title: str) -> APIRouter:
    """Return a router with the documentation page of one OpenAPI document."""
    page = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/swagger-ui/swagger-ui.css">
<div id="docs"><h1>{escape(title)}</h1><a href="{escape(openapi_url)}">OpenAPI document</a></div>
<script src="/swagger-ui/swagger-ui-bundle.js"></script>
<script data-openapi="{escape(openapi_url)}">{_SCRIPT}</script>
</html>
"""
    router = APIRouter(include_in_schema=False)

    @router.get(path)
    async def docs(request: Request) -> Response:
        """Return the page."""
        set_policy(request.scope, DOCS_POLICY)
        return HTMLResponse(page)

    return router


router = docs_router("/api/docs", "/api/docs/openapi.json", "Ticketing: the API")


@router.get("/api/docs/openapi.json")
async def document() -> Response:
    """Return the merged OpenAPI document."""
    return Response(COMBINED_OPENAPI.read_bytes(), media_type="application/json")
