"""Tests of the limits on the head of a request."""

import httpx
import pytest
from fastapi import FastAPI, Request

from common.testing.client import errors
from common.web.request_head import (
    MAX_COOKIE_BYTES,
    MAX_HEADERS,
    MAX_QUERY_BYTES,
    MAX_QUERY_PARAMETERS,
    RequestHeadMiddleware,
)


@pytest.fixture
def client() -> httpx.AsyncClient:
    """A client of an app that returns the cookies and the number of parameters of a request."""
    app = FastAPI()

    @app.get("/")
    async def echo(request: Request) -> dict[str, dict[str, str] | int]:
        return {"cookies": request.cookies, "parameters": len(request.query_params)}

    app.add_middleware(RequestHeadMiddleware)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://head.test")


@pytest.mark.parametrize(
    "query",
    [
        "q=" + "a" * MAX_QUERY_BYTES,
        "&".join("a" * (MAX_QUERY_PARAMETERS + 1)),
        "&" * MAX_QUERY_PARAMETERS,
    ],
)
async def test_query_beyond_the_limit_is_414(client: httpx.AsyncClient, query: str) -> None:
    response = await client.get(f"/?{query}")

    assert response.status_code == 414
    assert errors(response) == [{"message": "The query is too long"}]


async def test_longest_query_is_accepted(client: httpx.AsyncClient) -> None:
    """A search of 200 characters of four bytes, with a cursor, is shorter."""
    query = "&".join(f"p{n}=x" for n in range(MAX_QUERY_PARAMETERS))

    response = await client.get(f"/?{query}")

    assert response.json()["parameters"] == MAX_QUERY_PARAMETERS
    assert len("q=&cursor=" + "%F0%9F%8E%9F" * 200 + "a" * 500) < MAX_QUERY_BYTES


@pytest.mark.parametrize(
    "headers",
    [
        [("x", "y")] * (MAX_HEADERS + 1),
        [("cookie", "a" * (MAX_COOKIE_BYTES + 1))],
        [("cookie", "a" * MAX_COOKIE_BYTES), ("cookie", "b")],
    ],
)
async def test_too_many_or_too_long_headers_are_431(
    client: httpx.AsyncClient, headers: list[tuple[str, str]]
) -> None:
    response = await client.get("/", headers=headers)

    assert response.status_code == 431
    assert errors(response) == [{"message": "Too many or too long headers"}]


async def test_cookie_with_a_backslash_is_ignored_and_others_are_read(
    client: httpx.AsyncClient,
) -> None:
    """Python before 3.11.10 unquotes such a cookie in quadratic time."""
    cookies = 'other="a\\054b"; session=token; quoted="x"'

    response = await client.get("/", headers={"cookie": cookies})

    assert response.json()["cookies"] == {"session": "token", "quoted": "x"}
