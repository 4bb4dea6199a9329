"""The documentation of the whole API as one page: `/api/docs`, served by auth for all."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html

COMBINED_OPENAPI: Final = Path(__file__).parent / "published" / "openapi.json"
"""All services' documents joined; `make docs` writes it."""

router = APIRouter(prefix="/api/docs", include_in_schema=False)


@router.get("")
async def page() -> Response:
    """Show every route of every service."""
    return get_swagger_ui_html(openapi_url="/api/docs/openapi.json", title="Ticketing: the API")


@router.get("/openapi.json")
async def document() -> Response:
    """Give the document that the page is made from."""
    return Response(COMBINED_OPENAPI.read_bytes(), media_type="application/json")
