"""Tests of the headers that protect responses in browsers and caches."""

import base64
import hashlib
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from fastapi import APIRouter, FastAPI, Response

from common.app import Service
from common.auth.dependencies import CurrentUser, OptionalUser
from common.lifecycle import ServiceState
from common.settings import ServiceSettings
from common.testing.client import API_HEADERS, Client
from common.testing.plugin import Serve
from common.values.camel_model import CamelModel
from common.values.ids import Id
from common.web.etags import NO_STORE, IfNoneMatch, conditional_response, etag
from common.web.idempotency import IdempotentRoute
from common.web.instrumentation import RequestInstrumentationMiddleware
from common.web.load_shedding import ConcurrencyLimit, LoadSheddingMiddleware
from common.web.request_body import MAX_BODY_BYTES
from common.web.response_cache import ResponseCache

PATH = "/api/tickets"


class Body(CamelModel):
    """The request body and the response."""

    text: str = "x"


router = APIRouter(prefix=PATH, route_class=IdempotentRoute)


@router.get("")
async def public() -> Body:
    return Body()


@router.get("/unexpected")
async def raise_unexpected() -> None:
    raise RuntimeError


@router.get("/mine")
async def private(user: CurrentUser) -> Body:
    assert user
    return Body()


@router.get("/greeting")
async def optional(user: OptionalUser) -> Body:
    return Body(text=user.id if user else "anonymous")


@router.get("/secret")
async def secret(user: CurrentUser) -> Response:
    assert user
    return Response("secret", headers=NO_STORE)


@router.get("/of/{user_id}")
async def versioned(user_id: Id, user: CurrentUser, if_none_match: IfNoneMatch = None) -> Response:
    assert user_id
    assert user
    return conditional_response(if_none_match, etag(1), Body())


@router.post("/public")
async def create_public(body: Body) -> Body:
    return body


@router.post("")
async def create(body: Body, user: CurrentUser) -> Body:
    assert user
    return body


@pytest.fixture
async def client(serve: Serve, settings: ServiceSettings) -> Client:
    service = Service.from_settings("tickets", settings)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[ServiceState]:
        async with service.open([]) as running:
            yield ServiceState(running=running)

    return await serve(service.app(lifespan, router, response_cache=ResponseCache()))


RESPONSES: tuple[tuple[str, str, dict[str, str], int], ...] = (
    ("GET", PATH, {}, 200),
    ("GET", PATH, {"if-none-match": "*"}, 304),
    ("GET", f"{PATH}/openapi.json", {}, 200),
    ("GET", f"{PATH}/unexpected", {}, 500),
    ("GET", f"{PATH}/mine", {}, 401),
    ("GET", "/nowhere", {}, 404),
    ("DELETE", PATH, {}, 405),
    ("POST", PATH, {}, 401),
    ("POST", PATH, {"sec-fetch-site": "cross-site"}, 403),
    ("POST", PATH, {"content-length": "1"}, 401),
    ("POST", f"{PATH}/public", {"content-length": str(MAX_BODY_BYTES + 1)}, 413),
    ("GET", "/healthz", {}, 200),
    ("GET", "/metrics", {}, 200),
)


async def test_every_response_has_the_security_headers(client: Client) -> None:
    for method, path, headers, status in RESPONSES:
        response = await client.request(method, path, headers=headers)

        assert response.status_code == status, (method, path, headers)
        assert response.headers.items() >= API_HEADERS.items()
        assert len(response.headers.get_list("content-security-policy")) == 1


METHODS = ("GET", "POST", "OPTIONS")
ORIGINS = ("https://evil.example", "null", "http://ticketing.test")


async def test_no_response_allows_another_origin(client: Client) -> None:
    client.sign_in()
    for method in METHODS:
        for origin in ORIGINS:
            preflight = {"origin": origin, "access-control-request-method": "POST"}

            response = await client.request(method, PATH, headers=preflight)

            assert not [name for name in response.headers if name.startswith("access-control-")]


async def test_shed_request_has_the_security_headers() -> None:
    app = FastAPI()
    app.add_middleware(LoadSheddingMiddleware, limit=ConcurrencyLimit(max_in_flight=0))
    app.add_middleware(RequestInstrumentationMiddleware)

    response = await Client(app).get(PATH)

    assert response.status_code == 503
    assert response.headers.items() >= API_HEADERS.items()


@pytest.mark.parametrize("path", ["/mine", "/greeting", f"/of/{'a' * 24}", "/of/nonsense"])
async def test_response_that_depends_on_the_session_is_private(client: Client, path: str) -> None:
    anonymous = await client.get(f"{PATH}{path}")
    client.sign_in()
    signed_in = await client.get(f"{PATH}{path}")

    for response in (anonymous, signed_in):
        assert response.headers.get_list("cache-control") == ["private, no-cache"]


async def test_private_304_and_replayed_response_are_private(client: Client) -> None:
    client.sign_in()
    not_modified = await client.get(f"{PATH}/of/{'a' * 24}", headers={"if-none-match": '"1"'})
    key = {"idempotency-key": "once"}
    await client.post(PATH, json={}, headers=key)
    replayed = await client.post(PATH, json={}, headers=key)

    assert (not_modified.status_code, not_modified.headers["etag"]) == (304, '"1"')
    assert replayed.headers["idempotent-replayed"] == "true"
    for response in (not_modified, replayed):
        assert response.headers.get_list("cache-control") == ["private, no-cache"]


async def test_response_with_a_secret_stays_no_store(client: Client) -> None:
    client.sign_in()

    response = await client.get(f"{PATH}/secret")

    assert response.headers.get_list("cache-control") == ["no-store"]


async def test_public_read_is_cached_equally_for_every_reader(client: Client) -> None:
    client.sign_in()
    signed_in = await client.get(PATH)
    client.sign_out()
    anonymous = await client.get(PATH)

    for response in (signed_in, anonymous):
        assert response.headers.get_list("cache-control") == ["no-cache"]


async def test_docs_page_runs_only_its_own_script_and_files_of_its_origin(client: Client) -> None:
    page = await client.get(f"{PATH}/docs")

    (policy,) = page.headers.get_list("content-security-policy")
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    (script,) = re.findall(r"<script data-openapi=[^>]*>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == f"'self' 'sha256-{digest}'"
    assert "http" not in policy + page.text
    assert page.headers["x-content-type-options"] == "nosniff"
    assert f'data-openapi="{PATH}/openapi.json"' in page.text
