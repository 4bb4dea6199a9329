"""Tests of the error shape of every cause, and of ETags, cursors and pages."""

import base64
import contextlib
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, Request, Response
from hypothesis import given
from hypothesis import strategies as st
from pymongo.errors import AutoReconnect

from common.app import Service
from common.auth.dependencies import CurrentUser
from common.errors import ApiError, BadRequest, ErrorDetail
from common.lifecycle import ServiceState
from common.settings import ServiceSettings
from common.testing.client import Client, errors
from common.testing.plugin import Serve
from common.values.camel_model import CamelModel
from common.values.ids import Id, new_id
from common.web.etags import (
    IfMatch,
    IfNoneMatch,
    conditional_response,
    etag,
    expected_versions,
    json_response,
    not_modified,
)
from common.web.pagination import Cursor, Limit, Page, decode_cursor, encode_cursor
from common.web.request_body import MAX_BODY_BYTES

ERROR_TYPES = {kind.__name__: kind for kind in ApiError.__subclasses__()}
SECRET = "internal detail"


class Body(CamelModel):
    """The request body."""

    first_name: str
    count: int = 0


router = APIRouter(prefix="/api/tickets")


@router.get("/error/{name}")
async def raise_error(name: str) -> None:
    raise ERROR_TYPES[name](retry_after=7)


@router.get("/details")
async def raise_details() -> None:
    raise BadRequest(
        details=[ErrorDetail("a", "b"), ErrorDetail("c", extra={"code": "d", "final": True})]
    )


@router.get("/unexpected")
async def raise_unexpected() -> None:
    raise RuntimeError(SECRET)


@router.get("/unavailable")
async def raise_database_unavailable() -> None:
    raise AutoReconnect(SECRET)


@router.post("")
async def echo(body: Body) -> Body:
    return body


@router.post("/raw")
async def echo_length(request: Request) -> dict[str, int]:
    return {"length": len(await request.body())}


@router.post("/signed-in")
async def echo_signed_in(body: Body, user: CurrentUser) -> Body:
    assert user
    return body


@router.get("/page")
async def page(request: Request, limit: Limit = 2, cursor: Cursor = None) -> Response:
    start = int(decode_cursor(cursor)[0]) if cursor else 0
    items = [Body(first_name=str(n)) for n in range(start, min(start + limit, 5))]
    next_cursor = encode_cursor(start + limit) if start + limit < 5 else None
    return json_response(items, headers=Page(items, next_cursor).link_header(request))


@router.get("/version/{thing_id}")
async def version(
    thing_id: Id, if_none_match: IfNoneMatch = None, match: IfMatch = None
) -> Response:
    assert thing_id
    assert expected_versions(match) is None
    return conditional_response(if_none_match, etag(3), Body(first_name="x"))


@pytest.fixture
async def client(serve: Serve, settings: ServiceSettings) -> Client:
    service = Service.from_settings("tickets", settings)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[ServiceState]:
        async with service.open([]) as running:
            yield ServiceState(running=running)

    return await serve(service.app(lifespan, router))


async def test_api_error_returns_its_status_and_message(client: Client) -> None:
    for name, kind in ERROR_TYPES.items():
        response = await client.get(f"/api/tickets/error/{name}")

        assert response.status_code == kind.status
        assert errors(response) == [{"message": kind.default_message}]
        assert response.headers["retry-after"] == "7"


async def test_error_with_several_details_returns_them_all(client: Client) -> None:
    response = await client.get("/api/tickets/details")

    assert errors(response) == [
        {"message": "a", "field": "b"},
        {"message": "c", "code": "d", "final": True},
    ]


UNROUTABLE_REQUESTS = (
    ("GET", "/", 404),
    ("GET", "/api/tickets/nowhere/at/all", 404),
    ("GET", "/api/tickets/", 404),
    ("POST", "/healthz", 405),
    ("DELETE", "/api/tickets", 405),
    ("GET", "/api/tickets/version/nonsense", 404),
    ("GET", "/api/tickets/page?limit=0", 400),
    ("GET", "/api/tickets/page?cursor=x", 400),
    ("GET", f"/api/tickets/page?cursor={'x' * 501}", 400),
)


async def test_unroutable_request_returns_the_error_shape(client: Client) -> None:
    for method, path, status in UNROUTABLE_REQUESTS:
        response = await client.request(method, path)

        assert response.status_code == status, path
        assert errors(response)
        assert ("allow" in response.headers) == (status == 405)


MALFORMED_BODIES = (
    (b"", [{"message": "Body must be a JSON object"}]),
    (b"{", [{"message": "Body must be valid JSON"}]),
    (b'{"firstName": "\xff"}', [{"message": "Body must be valid JSON"}]),
    (b"[]", [{"message": "Body must be a JSON object"}]),
    (b"null", [{"message": "Body must be a JSON object"}]),
    (b"{}", [{"message": "firstName is required", "field": "firstName"}]),
    (
        b'{"firstName": 1, "count": "x"}',
        [
            {"message": "Input should be a valid string", "field": "firstName"},
            {
                "message": "Input should be a valid integer, unable to parse string as an integer",
                "field": "count",
            },
        ],
    ),
)


async def test_malformed_body_is_400_with_an_error_per_field(client: Client) -> None:
    for content, expected in MALFORMED_BODIES:
        response = await client.post(
            "/api/tickets", content=content, headers={"content-type": "application/json"}
        )

        assert response.status_code == 400, content
        assert errors(response) == expected


async def test_missing_session_is_401_before_the_body_is_parsed(client: Client) -> None:
    assert (await client.post("/api/tickets/signed-in", content=b"{")).status_code == 401
    client.sign_in()
    assert (await client.post("/api/tickets/signed-in", content=b"{")).status_code == 400


async def streamed(length: int) -> AsyncGenerator[bytes]:
    for _ in range(length // 1024):
        yield b" " * 1024
    yield b" " * (length % 1024)


@pytest.mark.parametrize("path", ["/api/tickets", "/api/tickets/raw", "/api/tickets/signed-in"])
async def test_oversized_body_declared_or_streamed_is_413(client: Client, path: str) -> None:
    client.sign_in()
    json_type = {"content-type": "application/json"}

    declared = await client.post(path, content=b" " * (MAX_BODY_BYTES + 1), headers=json_type)
    chunked = await client.post(path, content=streamed(MAX_BODY_BYTES + 1), headers=json_type)

    for response in (declared, chunked):
        assert response.status_code == 413
        assert errors(response) == [{"message": "Request body too large"}]


async def test_body_of_exactly_the_limit_is_accepted(client: Client) -> None:
    declared = await client.post("/api/tickets/raw", content=b" " * MAX_BODY_BYTES)
    chunked = await client.post("/api/tickets/raw", content=streamed(MAX_BODY_BYTES))

    assert declared.json() == chunked.json() == {"length": MAX_BODY_BYTES}


INVALID_LENGTHS = ("-1", "x", "1e3", "", "\u00b2")


async def test_non_numeric_content_length_is_4xx(client: Client) -> None:
    for length in INVALID_LENGTHS:
        response = await client.post(
            "/api/tickets/raw", content=b"x", headers={b"content-length": length.encode("latin-1")}
        )

        assert 400 <= response.status_code < 500
        assert errors(response)


async def test_unexpected_exception_is_500_without_its_message(client: Client) -> None:
    response = await client.get("/api/tickets/unexpected")

    assert response.status_code == 500
    assert errors(response) == [{"message": "Something went wrong"}]
    assert SECRET not in response.text


async def test_unavailable_database_is_503_with_retry_after(client: Client) -> None:
    response = await client.get("/api/tickets/unavailable")

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert errors(response) == [{"message": "Temporarily unavailable"}]
    assert SECRET not in response.text


async def test_page_links_to_the_next_and_keeps_the_query(client: Client) -> None:
    seen: list[str] = []
    url: str | None = "/api/tickets/page?limit=2&q=a%26b"
    while url:
        response = await client.get(url)
        seen += [item["firstName"] for item in response.json()]
        link = response.headers.get("link", "")
        assert not link or link.endswith('; rel="next"')
        url = link[1 : link.index(">")] if link else None
        assert url is None or "q=a%26b" in url

    assert seen == ["0", "1", "2", "3", "4"]


async def test_request_with_current_etag_is_304_without_body(client: Client) -> None:
    path = f"/api/tickets/version/{new_id()}"

    fresh = await client.get(path)
    known = await client.get(path, headers={"If-None-Match": fresh.headers["etag"]})
    other = await client.get(path, headers={"If-None-Match": '"2"'})

    assert fresh.headers["etag"] == known.headers["etag"] == '"3"'
    assert (known.status_code, known.content, other.status_code) == (304, b"", 200)


@given(st.frozensets(st.integers(0, 999_999_999)), st.booleans())
def test_etags_round_trip_to_their_versions(
    versions: frozenset[int],
    weak: bool,  # noqa: FBT001 - Hypothesis passes it by position
) -> None:
    header = " , ".join(("W/" if weak else "") + etag(version) for version in versions)

    assert expected_versions(header) == versions
    assert all(not_modified(header, etag(version)) for version in versions)


@given(st.text(st.characters(codec="latin-1")))
def test_parsing_an_arbitrary_etag_header_does_not_raise(header: str) -> None:
    versions = expected_versions(header)
    not_modified(header, '"0"')

    assert versions is None or all(version >= 0 for version in versions)


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        (None, None),
        ("*", None),
        (" * ", None),
        ("", frozenset[int]()),
        ('"x"', frozenset[int]()),
        ('"-1"', frozenset[int]()),
        ('"\u00b2"', frozenset[int]()),
        ('"9999999999"', frozenset[int]()),
        ('"1", "x", W/"2"', frozenset({1, 2})),
    ],
)
def test_expected_versions_parses_if_match(
    header: str | None, versions: frozenset[int] | None
) -> None:
    assert expected_versions(header) == versions


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXT | st.integers(-(2**63), 2**63 - 1)))
def test_cursor_round_trip_returns_the_position(position: list[str | int]) -> None:
    assert decode_cursor(encode_cursor(*position)) == tuple(position)


GARBAGE = st.text(max_size=500) | st.binary(max_size=375).map(
    lambda garbage: base64.urlsafe_b64encode(garbage).decode()
)


@given(GARBAGE)
def test_arbitrary_cursor_is_a_position_or_rejected(cursor: str) -> None:
    with contextlib.suppress(BadRequest):
        assert all(isinstance(part, str | int) for part in decode_cursor(cursor))


@pytest.mark.parametrize(
    "position",
    [[True], [None], [1.5], [[1]], {"a": 1}, "a", 1, None, [2**63], [-(2**63) - 1], ["\ud800"]],
)
def test_cursor_with_forged_position_is_rejected(position: Any) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(position).encode()).decode()

    with pytest.raises(BadRequest) as raised:
        decode_cursor(forged)
    assert raised.value.details[0].field == "cursor"
