"""JSON responses, ETags and conditional requests (RFC 9110, 13)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from fastapi import Header, Response
from pydantic import BaseModel, SerializeAsAny, TypeAdapter

IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=1000)]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
NO_STORE: Final = {"Cache-Control": "no-store"}
"""The headers of a response that no cache may keep: it contains something secret."""
_MODEL_LIST: Final = TypeAdapter(list[SerializeAsAny[BaseModel]])


def etag(version: int, variant: str = "") -> str:
    """Return the ETag of a version (RFC 9110, 8.8.3).

    Args:
        version: the version of the resource.
        variant: names what the response contains besides that may change without a new version.
    """
    return f'"{version}-{variant}"' if variant else f'"{version}"'


def _parse_tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]


def not_modified(header: str | None, tag: str) -> bool:
    """Return whether If-None-Match matches the tag (RFC 9110, 13.1.2)."""
    return header is not None and (header.strip() == "*" or tag in _parse_tags(header))


def expected_versions(header: str | None) -> frozenset[int] | None:
    """Parse the versions in If-Match. None accepts any version (RFC 9110, 13.1.1)."""
    if header is None or header.strip() == "*":
        return None
    tags = (tag.strip('"').partition("-")[0] for tag in _parse_tags(header))
    return frozenset(int(tag) for tag in tags if tag.isascii() and tag.isdigit() and len(tag) < 10)  # noqa: PLR2004


def json_response(
    body: BaseModel | Sequence[BaseModel],
    status: int = 200,
    *,
    tag: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a JSON response without validating the body again."""
    content = (
        body.model_dump_json() if isinstance(body, BaseModel) else _MODEL_LIST.dump_json(list(body))
    )
    response = Response(content, status, headers, media_type="application/json")
    if tag is not None:
        response.headers["ETag"] = tag
    return response


def conditional_response(if_none_match: str | None, tag: str, body: BaseModel) -> Response:
    """Return a resource with its ETag, or 304 if the client already has it."""
    if not_modified(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return json_response(body, tag=tag)
