"""Sessions: which tokens are good, which sessions were ended, which writes another site caused."""

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
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


def test_a_token_names_its_bearer_for_fifteen_minutes_and_no_longer() -> None:
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
def test_a_bad_token_is_nobodys(token: str) -> None:
    assert TOKENS.verify(token) is None


def test_the_table_of_bad_tokens_starts_from_a_good_one() -> None:
    assert TOKENS.verify(signed(VALID_CLAIMS)) == USER


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.binary().map(lambda b: b.hex()))
def test_no_text_breaks_the_reading_of_tokens(text: str) -> None:
    assert TOKENS.verify(text) is None


def test_the_previous_key_is_read_and_not_signed_with() -> None:
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
async def test_a_write_that_another_site_caused_is_refused_and_nothing_else_is(
    method: str, site: str | None, origin: str | None
) -> None:
    if method in {"GET", "HEAD", "OPTIONS"}:
        refused = False
    elif site is not None:
        refused = site not in {"same-origin", "none"}
    else:
        refused = ORIGINS[origin]
    app = AuthenticationMiddleware(
        JSONResponse({}),
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

    assert response.status_code == (403 if refused else 200)


@given(st.text(st.characters(codec="latin-1")), st.text(st.characters(codec="latin-1")))
def test_no_header_breaks_the_question_of_another_site(origin: str, site: str) -> None:
    is_same_site = site in {"same-origin", "none"}
    headers = Headers({"origin": origin, "host": "a", "sec-fetch-site": site})
    assert is_cross_site(headers) is not is_same_site
    assert is_cross_site(Headers({"origin": origin, "host": "\u00e9 no host has this name"}))


def whoami(settings: ServiceSettings) -> FastAPI:
    """A service that says who is asking."""
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


async def test_an_ended_session_is_refused_by_every_process_also_after_a_restart(
    serve: Serve, settings: ServiceSettings, published: EventProbe
) -> None:
    first, second = await serve(whoami(settings)), await serve(whoami(settings))
    ended = first.sign_in()
    second.sign_in(ended)
    assert (await first.get("/api/tickets/me")).json() == {"id": ended.id}

    await revoke(published, ended)

    for client in (first, second):

        async def refused(client: httpx.AsyncClient = client) -> bool:
            return (await client.get("/api/tickets/me")).status_code == 401

        await eventually(refused)
    restarted = await serve(whoami(settings))
    restarted.sign_in(ended)
    assert errors(await restarted.get("/api/tickets/me")) == [{"message": "Not authorized"}]
    restarted.sign_in()
    assert (await restarted.get("/api/tickets/me")).status_code == 200


async def test_an_ended_session_is_forgotten_once_its_tokens_have_expired() -> None:
    clock = FakeClock()
    revocations = Revocations(clock)

    def ended() -> SessionRevoked:
        return SessionRevoked(
            user_id=new_id(), session_id=new_id(), until=clock() + ACCESS_LIFETIME
        )

    first = ended()
    await revocations.on_session_revoked(first)
    clock.advance(minutes=14)
    second = ended()
    await revocations.on_session_revoked(second)
    assert first.session_id in revocations
    clock.advance(minutes=2)
    await revocations.on_session_revoked(ended())

    assert first.session_id not in revocations
    assert second.session_id in revocations


async def test_a_cookie_of_another_name_or_kind_is_nobodys(
    serve: Serve, settings: ServiceSettings
) -> None:
    client = await serve(whoami(settings))
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


async def test_over_tls_the_cookie_is_pinned_to_its_host(
    serve: Serve, settings: ServiceSettings
) -> None:
    client = await serve(whoami(settings.model_copy(update={"cookie_secure": True})))
    token = AccessTokens(SecretStr(JWT_KEY), None, utc_now).issue(USER)

    for name, status in {"__Host-session": 200, "session": 401}.items():
        response = await client.get("/api/tickets/me", headers={"Cookie": f"{name}={token}"})
        assert response.status_code == status, name
