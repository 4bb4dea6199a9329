"""Tests of the account routes with every status they can return."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import jwt
import pytest
from pydantic import SecretStr

from auth.service import AuthService
from common.auth.tokens import AccessTokens
from common.testing.client import API_HEADERS, JWT_KEY, Client, errors, make_user
from common.testing.clock import FakeClock
from common.values.clock import utc_now
from common.values.ids import is_id

Start = Callable[..., Awaitable[Client]]
ANN = {"email": "ann@example.com", "password": "correct horse"}


async def sign_up(auth: Client, **fields: str) -> dict[str, Any]:
    response = await auth.post("/api/users/signup", json={**ANN, **fields})
    assert response.status_code == 201, response.text
    return response.json()


def parse_set_cookies(response: httpx.Response) -> dict[str, set[str]]:
    """Return the parts of each Set-Cookie header by cookie name."""
    cookies: dict[str, set[str]] = {}
    for line in response.headers.get_list("set-cookie"):
        parts = line.split("; ")
        cookies[parts[0].partition("=")[0]] = set(parts)
    return cookies


async def test_sign_up_returns_the_user_and_both_cookies(auth: Client) -> None:
    response = await auth.post("/api/users/signup", json=ANN)

    assert response.status_code == 201
    body = response.json()
    assert set(body) == {"id", "email"}
    assert is_id(body["id"])
    assert body["email"] == "ann@example.com"
    cookies = parse_set_cookies(response)
    common = {"HttpOnly", "Path=/", "SameSite=lax"}
    assert cookies["session"] >= {*common, "Max-Age=900"}
    assert cookies["refresh"] >= {*common, f"Max-Age={30 * 86_400}"}
    assert response.headers["cache-control"] == "no-store"


async def test_secure_cookies_have_the_host_prefix(start: Start) -> None:
    auth = await start(cookie_secure=True)

    up = parse_set_cookies(await auth.post("/api/users/signup", json=ANN))
    out = parse_set_cookies(await auth.post("/api/users/signout", json={}))

    assert set(up) == {"__Host-session", "__Host-refresh", "__Host-device"}
    assert set(out) == {"__Host-session", "__Host-refresh"}
    assert all(parts >= {"Secure", "Path=/", "HttpOnly"} for parts in [*up.values(), *out.values()])


async def test_sign_up_signs_the_user_in(auth: Client) -> None:
    user = await sign_up(auth)

    assert (await auth.get("/api/users/currentuser")).json() == {"currentUser": user}


MALFORMED_SIGN_UPS = (
    ({"password": "secret"}, "email", "email is required"),
    ({"email": "ann@example.com"}, "password", "password is required"),
    ({**ANN, "email": "ann"}, "email", "Email must be valid"),
    ({**ANN, "email": "ann@example"}, "email", "Email must be valid"),
    ({**ANN, "email": ""}, "email", "Email must be valid"),
    ({**ANN, "email": "a\u0000nn@example.com"}, "email", "Email must be valid"),
    ({**ANN, "email": "a" * 60_000 + "@example.com"}, "email", "Email must be valid"),
    ({**ANN, "email": "ann@" + "\u4e2d" * 64 + ".com"}, "email", "Email must be valid"),
    ({**ANN, "email": "Ann <ann@example.com>"}, "email", "Email must be valid"),
    ({**ANN, "email": "ann@example.com\r\nBcc: eve@example.com"}, "email", "Email must be valid"),
    ({**ANN, "email": '"ann\r\nBcc: eve"@example.com'}, "email", "Email must be valid"),
    ({**ANN, "email": "a" * 64 + "@" + "b" * 251 + ".com"}, "email", "Email must be valid"),  # 320
    ({**ANN, "email": "ann@b\u00fc\u202echer.example"}, "email", "Email must be valid"),
    ({**ANN, "email": {"$gt": ""}}, "email", "Input should be a valid string"),
    ({**ANN, "email": ["ann@example.com"]}, "email", "Input should be a valid string"),
    ({**ANN, "email": None}, "email", "Input should be a valid string"),
    ({**ANN, "password": "short"}, "password", "Password must be between 6 and 128 characters"),
    ({**ANN, "password": "x" * 129}, "password", None),
    ({**ANN, "password": "     "}, "password", None),
    ({**ANN, "password": {"$ne": None}}, "password", "Input should be a valid string"),
    ({**ANN, "password": 1234567}, "password", "Input should be a valid string"),
    ({**ANN, "password": True}, "password", "Input should be a valid string"),
)


async def test_malformed_sign_up_is_rejected_with_its_field(auth: Client) -> None:
    for body, field, message in MALFORMED_SIGN_UPS:
        response = await auth.post("/api/users/signup", json=body)

        assert response.status_code == 400, body
        (error,) = errors(response)
        assert error["field"] == field
        assert message in {None, error["message"]}
        assert "set-cookie" not in response.headers


CREDENTIAL_ROUTES = ("signup", "signin")
BODIES_WITHOUT_CREDENTIALS = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"NaN",
    b'{"email": "ann@example.com", "password": "\\ud800\\ud800\\ud800\\ud800\\ud800\\ud800"}',
    b'{"email": "\\ud800@example.com", "password": "secret"}',
    b'{"email": NaN, "password": "secret"}',
    b"\xff\xfe",
    b'{"email":' * 2000,
)


async def test_body_without_credentials_is_rejected(auth: Client) -> None:
    for route in CREDENTIAL_ROUTES:
        for content in BODIES_WITHOUT_CREDENTIALS:
            response = await auth.post(
                f"/api/users/{route}", content=content, headers={"content-type": "application/json"}
            )

            assert response.status_code == 400, content
            assert errors(response)


@pytest.mark.parametrize(
    "password", ["      ", " secret ", "x" * 128, "ü" * 128, "a\0bcde", "秘密秘密秘密"]
)
async def test_password_is_stored_as_typed(auth: Client, password: str) -> None:
    await sign_up(auth, password=password)

    right = await auth.post("/api/users/signin", json={**ANN, "password": password})
    trimmed = await auth.post("/api/users/signin", json={**ANN, "password": f"{password[:-1]}"})

    assert right.status_code == 200
    assert trimmed.status_code == 400


async def test_password_of_128_characters_is_accepted_and_one_of_129_is_not(auth: Client) -> None:
    longest = {**ANN, "password": "x" * 128}
    too_long = {**ANN, "password": "x" * 129}

    signed_up = await auth.post("/api/users/signup", json=longest)
    signed_in = await auth.post("/api/users/signin", json=longest)
    rejected = [
        await auth.post(f"/api/users/{route}", json=too_long) for route in ("signup", "signin")
    ]

    assert (signed_up.status_code, signed_in.status_code) == (201, 200)
    assert [response.status_code for response in rejected] == [400, 400]


@pytest.mark.parametrize("email", ["ann@example.com", "ANN@Example.COM", " ann@example.com "])
async def test_email_in_use_is_rejected(auth: Client, email: str) -> None:
    await sign_up(auth)

    response = await auth.post("/api/users/signup", json={**ANN, "email": email})

    assert response.status_code == 400
    assert errors(response) == [{"message": "Email in use", "field": "email"}]
    assert "set-cookie" not in response.headers


async def test_one_of_many_concurrent_sign_ups_with_one_email_succeeds(auth: Client) -> None:
    attempts = [auth.post("/api/users/signup", json=ANN) for _ in range(10)]

    statuses = sorted([response.status_code for response in await asyncio.gather(*attempts)])

    assert statuses == [201, *[400] * 9]


@pytest.mark.parametrize("email", ["ann@example.com", "ANN@EXAMPLE.COM"])
async def test_sign_in_returns_the_user_and_both_cookies(auth: Client, email: str) -> None:
    user = await sign_up(auth)

    response = await auth.post("/api/users/signin", json={**ANN, "email": email})

    assert response.status_code == 200
    assert response.json() == user
    assert set(parse_set_cookies(response)) == {"session", "refresh", "device"}


async def test_unknown_email_and_wrong_password_get_the_same_response(auth: Client) -> None:
    await sign_up(auth)

    unknown = await auth.post("/api/users/signin", json={**ANN, "email": "bob@example.com"})
    wrong = await auth.post("/api/users/signin", json={**ANN, "password": "Secret"})

    assert unknown.status_code == wrong.status_code == 400
    assert unknown.content == wrong.content
    assert errors(wrong) == [{"message": "Invalid credentials"}]
    assert unknown.headers.keys() == wrong.headers.keys()
    assert "set-cookie" not in wrong.headers


MALFORMED_SIGN_INS = (
    ({"password": "secret"}, "email", "email is required"),
    ({"email": "ann@example.com"}, "password", "password is required"),
    ({**ANN, "email": "ann"}, "email", "Email must be valid"),
    ({**ANN, "email": {"$gt": ""}}, "email", "Input should be a valid string"),
    ({**ANN, "password": ""}, "password", "You must supply a password"),
    ({**ANN, "password": {"$ne": ""}}, "password", "Input should be a valid string"),
    ({**ANN, "password": "x" * 129}, "password", "Password must have at most 128 characters"),
)


async def test_malformed_sign_in_is_rejected_with_its_field(auth: Client) -> None:
    for body, field, message in MALFORMED_SIGN_INS:
        response = await auth.post("/api/users/signin", json=body)

        assert response.status_code == 400, body
        assert errors(response) == [{"message": message, "field": field}]


async def test_sign_in_renews_a_hash_of_another_cost(start: Start) -> None:
    before = await start()
    await sign_up(before)
    after = await start(password_iterations=2)

    assert (await after.post("/api/users/signin", json=ANN)).status_code == 200

    auth_service: AuthService = after.app.state.service.auth
    account = await auth_service._accounts.find_by_email(ANN["email"])
    assert account is not None
    assert account.password_hash.startswith("$argon2id$v=19$m=8,t=2,p=1$")
    assert (await after.post("/api/users/signin", json=ANN)).status_code == 200


WRITING_ROUTES = ("signup", "signin", "signout", "refresh")
CROSS_SITE_HEADERS = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
)


async def test_cross_site_write_is_rejected(auth: Client) -> None:
    await sign_up(auth)

    for route in WRITING_ROUTES:
        for headers in CROSS_SITE_HEADERS:
            response = await auth.post(
                f"/api/users/{route}", json={**ANN, "email": "new@example.com"}, headers=headers
            )

            assert response.status_code == 403, (route, headers)
            assert errors(response)
            assert "set-cookie" not in response.headers
            assert (await auth.get("/api/users/currentuser")).json()["currentUser"] is not None


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://ticketing.test"}]
)
async def test_same_origin_write_is_accepted(auth: Client, headers: dict[str, str]) -> None:
    response = await auth.post("/api/users/signup", json=ANN, headers=headers)

    assert response.status_code == 201


async def test_current_user_without_a_session_is_null(auth: Client) -> None:
    response = await auth.get("/api/users/currentuser")

    assert (response.status_code, response.json()) == (200, {"currentUser": None})


INVALID_COOKIES = ("session=nonsense", "session=", "session=eyJhbGciOiJub25lIn0.e30.", "x=y")


async def test_current_user_with_an_invalid_cookie_is_null(auth: Client) -> None:
    for cookie in INVALID_COOKIES:
        response = await auth.get("/api/users/currentuser", headers={"cookie": cookie})

        assert (response.status_code, response.json()) == (200, {"currentUser": None})


async def test_access_token_expires_after_fifteen_minutes(auth: Client, clock: FakeClock) -> None:
    await sign_up(auth)
    clock.advance(minutes=14, seconds=59)
    assert (await auth.get("/api/users/currentuser")).json()["currentUser"]

    clock.advance(seconds=1)

    assert (await auth.get("/api/users/currentuser")).json() == {"currentUser": None}


async def test_key_rotation_signs_no_one_out(start: Start) -> None:
    new_key = "a new signing key of at least 32 characters"
    before = await start(clock=utc_now)
    after = await start(clock=utc_now, jwt_key=new_key, jwt_key_previous=JWT_KEY)
    user = await sign_up(before)
    after.cookies.update(before.cookies)

    assert (await after.get("/api/users/currentuser")).json() == {"currentUser": user}
    assert (await after.post("/api/users/refresh", json={})).status_code == 200
    token = after.cookies["session"]
    assert jwt.decode(token, new_key, algorithms=["HS256"])["sub"] == user["id"]
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, JWT_KEY, algorithms=["HS256"])


async def test_token_signed_with_an_unknown_key_is_rejected(auth: Client, clock: FakeClock) -> None:
    forged = AccessTokens(SecretStr("x" * 40), None, clock).issue(make_user())

    response = await auth.get("/api/users/currentuser", headers={"cookie": f"session={forged}"})

    assert response.json() == {"currentUser": None}


async def test_openapi_document_is_served_under_the_api_path(auth: Client) -> None:
    response = await auth.get("/api/users/openapi.json")

    assert response.status_code == 200
    assert set(response.json()["paths"]) >= {
        "/api/users/signup",
        "/api/users/signin",
        "/api/users/reauthenticate",
        "/api/users/signout",
        "/api/users/currentuser",
        "/api/users/refresh",
        "/api/users/sessions",
        "/api/users/sessions/{session_id}",
        "/api/users/verify",
        "/api/users/verify/again",
        "/api/users/forgot",
        "/api/users/reset",
        "/api/users/password",
        "/api/users/email",
        "/api/users/account",
        "/api/users/notices",
        "/api/users/notices/read",
    }


UNKNOWN_ROUTES = (
    ("GET", "/api/users/nothing", 404),
    ("GET", "/api/users/signup", 405),
    ("GET", "/api/x", 404),
)


async def test_unknown_path_or_method_gets_the_common_error_shape(auth: Client) -> None:
    for method, path, status in UNKNOWN_ROUTES:
        response = await auth.request(method, path)

        assert response.status_code == status, path
        assert errors(response)


async def test_body_over_the_limit_is_rejected(auth: Client) -> None:
    response = await auth.post("/api/users/signup", json={**ANN, "password": "x" * 70_000})

    assert response.status_code == 413
    assert errors(response)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "signin", 200),
        ("POST", "refresh", 200),
        ("POST", "signout", 200),
        ("GET", "currentuser", 200),
        ("GET", "sessions", 200),
        ("DELETE", "sessions", 204),
    ],
)
async def test_response_with_cookies_or_session_data_is_not_stored(
    auth: Client, method: str, path: str, status: int
) -> None:
    await sign_up(auth)

    response = await auth.request(method, f"/api/users/{path}", json=ANN)

    assert response.status_code == status
    assert response.headers.items() >= {"cache-control": "no-store", **API_HEADERS}.items()


async def test_ending_the_current_session_and_failed_refresh_are_not_stored(auth: Client) -> None:
    await sign_up(auth)
    (session,) = (await auth.get("/api/users/sessions")).json()
    ended = await auth.delete(f"/api/users/sessions/{session['id']}")
    refused = await auth.post("/api/users/refresh", json={})

    assert (ended.status_code, refused.status_code) == (204, 401)
    for response in (ended, refused):
        assert response.headers.items() >= {"cache-control": "no-store", **API_HEADERS}.items()
