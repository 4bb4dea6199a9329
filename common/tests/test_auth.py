"""Tests of access tokens, session revocation and the rejection of cross-site writes."""

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from common.app import Service
from common.auth.dependencies import CurrentUser
from common.auth.revocations import Revocations
from common.auth.tokens import ACCESS_LIFETIME, AccessTokens, User
from common.events import SessionRevoked
from common.lifecycle import ServiceState
from common.settings import ServiceSettings
from common.testing.client import JWT_KEY, errors, make_user
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from common.web.authentication import AuthenticationMiddleware, is_cross_site

CLOCK = FakeClock()
KEY, PREVIOUS_KEY, OTHER = (SecretStr(letter * 64) for letter in "kpo")
TOKENS = AccessTokens(KEY, None, CLOCK)
USER = make_user()
VALID_CLAIMS: dict[str, Any] = {
    "sub": USER.id,
    "email": USER.email,
    "sid": USER.session_id,
    "iat": int(CLOCK.now.timestamp()),
    "exp": int((CLOCK.now + ACCESS_LIFETIME).timestamp()),
}


def signed(claims: dict[str, Any], key: SecretStr = KEY, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key.get_secret_value(), algorithm)


def unsigned(claims: dict[str, Any], algorithm: str = "none") -> str:
    parts = ({"typ": "JWT", "alg": algorithm}, claims)
    segments = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts
    ]
    return ".".join([*segments, ""])


def test_access_token_is_valid_for_exactly_15_minutes() -> None:
    clock = FakeClock()
    tokens = AccessTokens(KEY, None, clock)
    token = tokens.issue(USER)

    clock.advance(minutes=15, milliseconds=-1)
    assert tokens.verify(token) == USER
    clock.advance(milliseconds=1)
    assert tokens.verify(token) is None


def _tampered(token: str) -> str:
    head, payload, signature = token.split(".")
    claims = {**VALID_CLAIMS, "sub": new_id()}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{head}.{payload}.{signature}"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(_tampered(signed(VALID_CLAIMS)), id="tampered"),
        pytest.param(signed(VALID_CLAIMS)[:-4] + "AAAA", id="another signature"),
        pytest.param(signed(VALID_CLAIMS, OTHER), id="another key"),
        pytest.param(signed(VALID_CLAIMS, algorithm="HS512"), id="another algorithm"),
        pytest.param(unsigned(VALID_CLAIMS), id="alg none"),
        pytest.param(unsigned(VALID_CLAIMS, "None"), id="alg None"),
        pytest.param(unsigned(VALID_CLAIMS, "HS256"), id="no signature"),
        pytest.param("", id="empty"),
        pytest.param("a.b.c", id="nonsense"),
        *(
            pytest.param(
                signed({k: v for k, v in VALID_CLAIMS.items() if k != claim}), id=f"no {claim}"
            )
            for claim in VALID_CLAIMS
        ),
        *(
            pytest.param(signed({**VALID_CLAIMS, **claims}), id=str(claims))
            for claims in (
                {"sub": "7"},
                {"sub": "x" * 24},
                {"sid": ""},
                {"sid": {"$ne": None}},
                {"exp": "9999999999"},
                {"exp": None},
                {"exp": True},
                {"exp": 0},
                {"exp": -1e300},
            )
        ),
    ],
)
def test_invalid_access_token_is_rejected(token: str) -> None:
    assert TOKENS.verify(token) is None


def test_key_in_the_header_of_a_token_is_ignored() -> None:
    key = OTHER.get_secret_value()
    encoded_key = base64.urlsafe_b64encode(key.encode()).decode()
    headers = {
        "jwk": {"kty": "oct", "k": encoded_key},
        "jku": "https://evil.example/keys",
        "x5u": "https://evil.example/certificate",
        "kid": "/dev/null",
    }

    token = jwt.encode(VALID_CLAIMS, key, "HS256", headers=headers)

    assert TOKENS.verify(token) is None


def test_token_with_the_valid_claims_is_accepted() -> None:
    assert TOKENS.verify(signed(VALID_CLAIMS)) == USER


@pytest.mark.parametrize(
    ("claims", "started_at"),
    [
        ({"sst": 1_893_499_200_123}, 1_893_499_200.123),
        ({}, VALID_CLAIMS["iat"]),
        ({"sst": "1893499200123"}, VALID_CLAIMS["iat"]),
        ({"iat": "yesterday"}, 0),
    ],
)
def test_session_start_comes_from_sst_or_else_from_iat(
    claims: dict[str, Any], started_at: float
) -> None:
    user = TOKENS.verify(signed({**VALID_CLAIMS, **claims}))

    assert user is not None
    assert user.session_started_at == started_at


def test_session_start_survives_the_token() -> None:
    started_at = CLOCK.now.timestamp() - 0.877
    issued = TOKENS.issue(replace(USER, session_started_at=started_at))

    user = TOKENS.verify(issued)

    assert user is not None
    assert user.session_started_at == started_at


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.binary().map(lambda b: b.hex()))
def test_verify_of_arbitrary_text_returns_none(text: str) -> None:
    assert TOKENS.verify(text) is None


def test_invalid_and_long_tokens_are_not_cached() -> None:
    tokens = AccessTokens(KEY, None, CLOCK)
    too_long = tokens.issue(replace(USER, email="x" * 4_000))
    forged = signed(VALID_CLAIMS, OTHER)

    rejected = [tokens.verify(text) for text in ("x" * 100, forged, too_long)]
    accepted = [tokens.verify(tokens.issue(USER)) for _ in range(2)]

    assert (rejected, accepted) == ([None] * 3, [USER] * 2)
    assert tokens._decode_cached.cache_info().currsize == 1


def test_previous_key_verifies_but_does_not_sign() -> None:
    rotated = AccessTokens(KEY, PREVIOUS_KEY, CLOCK)

    assert rotated.verify(AccessTokens(PREVIOUS_KEY, None, CLOCK).issue(USER)) == USER
    assert TOKENS.verify(rotated.issue(USER)) == USER
    assert rotated.verify(AccessTokens(OTHER, None, CLOCK).issue(USER)) is None


METHODS = ["POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS"]
SITES = ["cross-site", "same-site", "same-origin", "none", "nonsense", None]
ORIGINS = {
    "http://ticketing.test": False,
    "https://ticketing.test": False,
    "http://evil.test": True,
    "http://ticketing.test.evil.test": True,
    "http://ticketing.test:81": True,
    "http://user@ticketing.test": True,
    "http://[": True,
    "null": True,
    "": True,
    None: False,
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("origin", list(ORIGINS))
async def test_only_cross_site_write_is_rejected(
    method: str, site: str | None, origin: str | None
) -> None:
    if method in {"GET", "HEAD", "OPTIONS"}:
        rejected = False
    elif site is not None:
        rejected = site not in {"same-origin", "none"}
    else:
        rejected = ORIGINS[origin]
    app = AuthenticationMiddleware(
        JSONResponse({}),
        routes=(),
        tokens=TOKENS,
        revocations=Revocations(CLOCK),
        secure=False,
    )
    headers = {"Sec-Fetch-Site": site, "Origin": origin}

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://ticketing.test"
    ) as client:
        response = await client.request(
            method, "/", headers={k: v for k, v in headers.items() if v is not None}
        )

    assert response.status_code == (403 if rejected else 200)


@given(st.text(st.characters(codec="latin-1")), st.text(st.characters(codec="latin-1")))
def test_is_cross_site_of_arbitrary_headers_does_not_raise(origin: str, site: str) -> None:
    is_same_site = site in {"same-origin", "none"}
    headers = Headers({"origin": origin, "host": "a", "sec-fetch-site": site})
    assert is_cross_site(headers) is not is_same_site
    assert is_cross_site(Headers({"origin": origin, "host": "\u00e9 no host has this name"}))


def create_whoami_app(settings: ServiceSettings) -> FastAPI:
    """Create a service that returns the id of the signed-in user."""
    router = APIRouter()

    @router.get("/api/tickets/me")
    async def me(user: CurrentUser) -> dict[str, str]:
        return {"id": user.id}

    service = Service.from_settings("tickets", settings)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[ServiceState]:
        async with service.open([]) as running:
            yield ServiceState(running=running)

    return service.app(lifespan, router)


async def revoke(published: EventProbe, user: User) -> None:
    event = SessionRevoked(
        user_id=user.id, session_id=user.session_id, until=utc_now() + ACCESS_LIFETIME
    )
    await published.publish(event, aggregate_id=user.session_id)


async def test_ended_session_is_rejected_by_every_process(
    serve: Serve, settings: ServiceSettings, published: EventProbe
) -> None:
    first, second = [await serve(create_whoami_app(settings)) for _ in range(2)]
    ended = first.sign_in()
    second.sign_in(ended)
    assert (await first.get("/api/tickets/me")).json() == {"id": ended.id}

    await revoke(published, ended)

    for client in (first, second):

        async def is_rejected(client: httpx.AsyncClient = client) -> bool:
            return (await client.get("/api/tickets/me")).status_code == 401

        await eventually(is_rejected)
    restarted = await serve(create_whoami_app(settings))
    restarted.sign_in(ended)
    assert errors(await restarted.get("/api/tickets/me")) == [{"message": "Not authorized"}]
    restarted.sign_in()
    assert (await restarted.get("/api/tickets/me")).status_code == 200


async def test_cookie_of_another_name_is_rejected(serve: Serve, settings: ServiceSettings) -> None:
    client = await serve(create_whoami_app(settings))
    token = AccessTokens(SecretStr(JWT_KEY), None, utc_now).issue(USER)
    cookies = {
        f"session={token}": 200,
        f"a=b; session={token}; c": 200,
        f"__Host-session={token}": 401,
        f"sessions={token}": 401,
        "session=": 401,
        "session": 401,
        f'session="{token}': 401,
        "; = ;session=\x80\xff": 401,
    }

    for cookie, status in cookies.items():
        response = await client.get(
            "/api/tickets/me", headers={b"Cookie": cookie.encode("latin-1")}
        )
        assert response.status_code == status, cookie


async def test_secure_cookie_requires_the_host_prefix(
    serve: Serve, settings: ServiceSettings
) -> None:
    client = await serve(create_whoami_app(settings.model_copy(update={"cookie_secure": True})))
    token = AccessTokens(SecretStr(JWT_KEY), None, utc_now).issue(USER)

    for name, status in {"__Host-session": 200, "session": 401}.items():
        response = await client.get("/api/tickets/me", headers={"Cookie": f"{name}={token}"})
        assert response.status_code == status, name
