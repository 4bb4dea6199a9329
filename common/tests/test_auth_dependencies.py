"""Tests of what routes ask of the signed-in user: an active account, a recent password, a role."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr

from common.app import Service
from common.auth.dependencies import ActiveUser, Operator, RecentUser
from common.auth.tokens import AccessTokens, User
from common.lifecycle import ServiceState
from common.settings import ServiceSettings
from common.testing.client import Client, errors, make_user
from common.testing.clock import FakeClock
from common.testing.plugin import Serve
from common.web.idempotency import IdempotentRoute, NewId

CLOCK = FakeClock()
NOW = CLOCK.now.timestamp()
KEY = SecretStr("k" * 64)
TOKENS = AccessTokens(KEY, None, CLOCK)
SUSPENDED = {"message": "Your account is suspended. The page of your account says why"}
NOT_RECENT = {"message": "Please confirm that it is you", "field": "reauthentication"}
NO_OPERATOR = {"message": "Only operators may do this"}


def create_app(settings: ServiceSettings) -> FastAPI:
    """Create a service with a route for each dependency."""
    router = APIRouter(prefix="/api/tickets", route_class=IdempotentRoute)

    @router.post("/active")
    async def active(user: ActiveUser, thing_id: NewId) -> dict[str, str]:
        return {"id": user.id, "thing": thing_id}

    @router.get("/recent")
    async def recent(user: RecentUser) -> dict[str, str]:
        return {"id": user.id}

    @router.get("/operator")
    async def as_operator(user: Operator) -> dict[str, str]:
        return {"id": user.id}

    service = Service.from_settings("tickets", settings, CLOCK)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[ServiceState]:
        async with service.open([]) as running:
            yield ServiceState(running=running)

    return service.app(lifespan, router)


@pytest.fixture
async def client(serve: Serve, settings: ServiceSettings) -> Client:
    """A client of the running service."""
    client = await serve(create_app(settings))
    client.clock = CLOCK
    return client


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, (None, False, NOW)),
        ({"role": "operator", "suspended": True}, ("operator", True, NOW)),
        ({"auth_time": int(NOW) + 60}, (None, False, int(NOW) + 60)),
        ({"role": 1, "suspended": "true", "auth_time": "now"}, (None, False, NOW)),
    ],
)
def test_optional_claims_of_a_token_are_read(
    claims: dict[str, Any], expected: tuple[str | None, bool, float]
) -> None:
    token = TOKENS.issue(User(make_user().id, "ann@example.com", make_user().session_id, NOW))
    payload = jwt.decode(token, options={"verify_signature": False})

    user = TOKENS.verify(jwt.encode({**payload, **claims}, KEY.get_secret_value()))

    assert user is not None
    assert (user.role, user.is_suspended, user.authenticated_at) == expected


def test_optional_claims_survive_the_token() -> None:
    user = make_user(role="operator", is_suspended=True, authenticated_at=NOW)

    verified = TOKENS.verify(TOKENS.issue(user))

    assert verified == user
    assert verified is not None
    assert verified.authenticated_at == int(NOW)


def test_token_of_an_ordinary_user_has_no_optional_claim() -> None:
    payload = jwt.decode(TOKENS.issue(make_user()), options={"verify_signature": False})

    assert set(payload) == {"sub", "email", "sid", "sst", "iat", "exp"}


async def test_suspended_account_is_403_until_it_is_reinstated(client: Client) -> None:
    user = make_user(is_suspended=True)
    headers = {"Idempotency-Key": "once"}
    anonymous = await client.post("/api/tickets/active")
    client.sign_in(user)
    suspended = await client.post("/api/tickets/active", headers=headers)
    client.sign_in(User(user.id, user.email, user.session_id))
    reinstated = await client.post("/api/tickets/active", headers=headers)

    assert [one.status_code for one in (anonymous, suspended, reinstated)] == [401, 403, 200]
    assert errors(suspended) == [SUSPENDED]


async def test_sensitive_route_needs_a_password_of_the_last_ten_minutes(client: Client) -> None:
    anonymous = await client.get("/api/tickets/recent")
    responses: list[httpx.Response] = []
    for age in (timedelta(minutes=10), timedelta(minutes=10, seconds=1), timedelta(days=1)):
        client.sign_in(make_user(authenticated_at=NOW - age.total_seconds()))
        responses.append(await client.get("/api/tickets/recent"))

    assert [one.status_code for one in (anonymous, *responses)] == [401, 200, 403, 403]
    assert errors(responses[1]) == [NOT_RECENT]


async def test_route_of_operators_is_403_for_others(client: Client) -> None:
    anonymous = await client.get("/api/tickets/operator")
    responses: list[httpx.Response] = []
    for role in ("operator", None, "Operator"):
        client.sign_in(make_user(role=role))
        responses.append(await client.get("/api/tickets/operator"))

    assert [one.status_code for one in (anonymous, *responses)] == [401, 200, 403, 403]
    assert errors(responses[1]) == [NO_OPERATOR]
