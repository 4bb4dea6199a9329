"""The documentation of the whole API at `/api/docs`, served by auth for all services."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html

COMBINED_OPENAPI: Final = Path(__file__).parent / "published" / "openapi.json"
"""The merged document of all services, written by `make docs`."""

router = APIRouter(prefix="/api/docs", include_in_schema=False)


@router.get("")
async def page() -> Response:
    """Return the Swagger UI of all services."""
    return get_swagger_ui_html(openapi_url="/api/docs/openapi.json", title="Ticketing: the API")


@router.get("/openapi.json")
async def document() -> Response:
    """Return the merged OpenAPI document."""
    return Response(COMBINED_OPENAPI.read_bytes(), media_type="application/json")
