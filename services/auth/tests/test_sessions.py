"""Tests of the session routes, and of ended sessions in every process."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from common.events import AllSessionsRevoked, SessionRevoked, UserUpdated
from common.testing.client import Client, errors
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.clock import utc_now

Start = Callable[..., Awaitable[Client]]
UNKNOWN_ID = "f" * 24
ANN = {"email": "ann@example.com", "password": "secret"}


async def sign_up(auth: Client, email: str = ANN["email"]) -> dict[str, str]:
    """Sign up and return the cookies without storing them in the client."""
    response = await auth.post("/api/users/signup", json={**ANN, "email": email})
    assert response.status_code == 201, response.text
    auth.sign_out()
    return dict(response.cookies)


async def sign_in(auth: Client, user_agent: str = "") -> dict[str, str]:
    """Sign in and return the cookies without storing them in the client."""
    headers = {"user-agent": user_agent}
    response = await auth.post("/api/users/signin", json=ANN, headers=headers)
    assert response.status_code == 200, response.text
    auth.sign_out()
    return dict(response.cookies)


async def send(auth: Client, method: str, path: str, cookies: dict[str, str]) -> httpx.Response:
    """Send a request with only these cookies."""
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    response = await auth.request(method, f"/api/users/{path}", headers={"cookie": cookie})
    auth.sign_out()
    return response


async def refresh(auth: Client, cookies: dict[str, str]) -> httpx.Response:
    return await send(auth, "POST", "refresh", {"refresh": cookies["refresh"]})


async def current_email(auth: Client, cookies: dict[str, str]) -> str | None:
    user = (await send(auth, "GET", "currentuser", cookies)).json()["currentUser"]
    return None if user is None else user["email"]


def clears_cookies(response: httpx.Response) -> bool:
    """Return whether a response deletes both cookies."""
    return response.headers.get_list("set-cookie") == [
        f'{name}=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; Path=/;'
        " SameSite=lax"
        for name in ("session", "refresh")
    ]


async def test_refresh_returns_the_user_and_new_cookies(auth: Client, clock: FakeClock) -> None:
    old = await sign_up(auth)
    clock.advance(days=1)

    response = await refresh(auth, old)

    assert response.status_code == 200
    assert response.json()["email"] == ANN["email"]
    new = dict(response.cookies)
    assert set(new) == {"session", "refresh"}
    assert not set(new.values()) & set(old.values())
    assert await current_email(auth, new) == ANN["email"]
    assert f"Max-Age={29 * 86_400}" in response.headers.get_list("set-cookie")[1]


INVALID_REFRESH_TOKENS = (
    None,
    "",
    "nonsense",
    ".",
    "$where.x",
    f"{UNKNOWN_ID}.x",
    UNKNOWN_ID,
    "ü.ü",
    "x" * 5000,
)


async def test_invalid_refresh_token_is_401(auth: Client) -> None:
    for token in INVALID_REFRESH_TOKENS:
        cookies = {} if token is None else {"refresh": token.encode().decode("latin-1")}
        headers = [(b"cookie", f"refresh={token}".encode())] if cookies else []

        response = await auth.post("/api/users/refresh", headers=headers)

        assert response.status_code == 401, token
        assert errors(response) == [{"message": "Not authorized"}]
        assert clears_cookies(response)


async def test_two_refreshes_with_one_token_both_succeed(auth: Client, clock: FakeClock) -> None:
    cookies = await sign_up(auth)

    one, other = await refresh(auth, cookies), await refresh(auth, cookies)
    clock.advance(minutes=10)
    again = await refresh(auth, dict(one.cookies))

    assert one.status_code == other.status_code == again.status_code == 200
    assert one.cookies["refresh"] == other.cookies["refresh"]


async def test_200_concurrent_refreshes_leave_a_valid_session(
    start: Start, clock: FakeClock
) -> None:
    replicas = [await start() for _ in range(2)]
    cookies = await sign_up(replicas[0])

    answers = await asyncio.gather(*(refresh(r, cookies) for r in replicas for _ in range(100)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.cookies["refresh"] for answer in answers}) == 1
    clock.advance(minutes=15)
    assert (await refresh(replicas[1], dict(answers[-1].cookies))).status_code == 200


async def test_rotated_token_reused_after_the_grace_ends_the_session(
    auth: Client, clock: FakeClock, published: EventProbe
) -> None:
    stolen = await sign_up(auth)
    owners = dict((await refresh(auth, stolen)).cookies)
    clock.advance(seconds=11)
    assert await current_email(auth, owners) == ANN["email"]

    thief = await refresh(auth, stolen)

    assert thief.status_code == 401
    assert clears_cookies(thief)
    assert (await refresh(auth, owners)).status_code == 401
    assert await current_email(auth, owners) is None
    assert len(await published.all(SessionRevoked)) <= 1
    event = await published.next(SessionRevoked)
    assert (event.until - clock()).total_seconds() == 16 * 60


async def test_refresh_after_thirty_days_is_401(auth: Client, clock: FakeClock) -> None:
    cookies = await sign_up(auth)
    clock.advance(days=30)

    assert (await refresh(auth, cookies)).status_code == 401


@pytest.mark.parametrize("cookie_names", [("session",), ("refresh",), ("session", "refresh")])
async def test_sign_out_with_either_cookie_ends_the_session(
    auth: Client, published: EventProbe, cookie_names: tuple[str, ...]
) -> None:
    cookies = await sign_up(auth)

    response = await send(auth, "POST", "signout", {name: cookies[name] for name in cookie_names})

    assert (response.status_code, response.json()) == (200, {})
    assert clears_cookies(response)
    assert await current_email(auth, cookies) is None
    assert (await refresh(auth, cookies)).status_code == 401
    await published.next(SessionRevoked)


async def test_sign_out_with_an_expired_access_token_ends_the_session(
    auth: Client, clock: FakeClock
) -> None:
    cookies = await sign_up(auth)
    clock.advance(days=1)

    assert (await send(auth, "POST", "signout", cookies)).status_code == 200

    assert (await refresh(auth, cookies)).status_code == 401


async def test_signing_out_here_clears_what_the_browser_stored(auth: Client) -> None:
    cookies = await sign_up(auth)
    responses = [
        await send(auth, "POST", "signout", cookies),
        await send(auth, "DELETE", "sessions", await sign_in(auth)),
    ]
    refused = await refresh(auth, {"refresh": "unknown"})

    cleared = [response.headers["clear-site-data"] for response in responses]
    assert cleared == ['"cache", "storage"'] * 2
    assert "clear-site-data" not in refused.headers  # what a user has typed is kept


@pytest.mark.parametrize("content", [b"", b"{}", b"{"])
async def test_sign_out_without_a_session_succeeds(auth: Client, content: bytes) -> None:
    response = await auth.post("/api/users/signout", content=content)

    assert (response.status_code, response.json()) == (200, {})
    assert clears_cookies(response)


async def test_sign_out_twice_publishes_once(auth: Client, published: EventProbe) -> None:
    cookies = await sign_up(auth)

    answers = [await send(auth, "POST", "signout", cookies) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    await published.next(SessionRevoked)
    assert len(await published.all(SessionRevoked)) == 1


async def test_ended_session_is_rejected_by_another_process(start: Start) -> None:
    here, there = [await start() for _ in range(2)]
    cookies = await sign_up(here)
    assert await current_email(there, cookies) == ANN["email"]

    await send(here, "POST", "signout", cookies)

    async def is_rejected() -> bool:
        return await current_email(there, cookies) is None

    await eventually(is_rejected)


async def test_ended_session_is_rejected_by_a_process_started_later(
    start: Start, published: EventProbe
) -> None:
    here = await start(clock=utc_now)
    cookies = await sign_up(here)
    await send(here, "POST", "signout", cookies)
    await published.next(SessionRevoked)

    later = await start(clock=utc_now)

    assert await current_email(later, cookies) is None


async def test_sessions_are_listed_most_recently_used_first(auth: Client, clock: FakeClock) -> None:
    first = await sign_up(auth)
    await sign_up(auth, "bob@example.com")
    clock.advance(minutes=1)
    phone = await sign_in(auth, user_agent="Phone " + "x" * 1000)
    clock.advance(minutes=1)
    first = dict((await refresh(auth, first)).cookies)

    response = await send(auth, "GET", "sessions", phone)

    assert response.status_code == 200
    other, current = response.json()
    assert current == {
        "id": phone["refresh"].partition(".")[0],
        "createdAt": "2030-01-01T12:01:00Z",
        "lastUsedAt": "2030-01-01T12:01:00Z",
        "expiresAt": "2030-01-31T12:01:00Z",
        "userAgent": ("Phone " + "x" * 1000)[:200],
        "address": "127.0.0.1",
        "current": True,
    }
    assert other["current"] is False
    assert other["lastUsedAt"] == "2030-01-01T12:02:00Z"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "sessions"),
        ("DELETE", "sessions"),
        ("DELETE", f"sessions/{UNKNOWN_ID}"),
        ("DELETE", "sessions/nonsense"),
    ],
)
async def test_session_routes_without_a_session_are_401(
    auth: Client, method: str, path: str
) -> None:
    response = await send(auth, method, path, {})

    assert response.status_code == 401
    assert errors(response) == [{"message": "Not authorized"}]


async def test_ending_another_own_session_keeps_the_current_one(auth: Client) -> None:
    here = await sign_up(auth)
    phone = await sign_in(auth)
    path = f"sessions/{phone['refresh'].partition('.')[0]}"

    response = await send(auth, "DELETE", path, here)
    again = await send(auth, "DELETE", path, here)

    assert (response.status_code, response.content) == (204, b"")
    assert "set-cookie" not in response.headers
    assert again.status_code == 404
    assert await current_email(auth, phone) is None
    assert await current_email(auth, here) == ANN["email"]
    assert len((await send(auth, "GET", "sessions", here)).json()) == 1


async def test_ending_the_current_session_clears_its_cookies(auth: Client) -> None:
    here = await sign_up(auth)

    response = await send(auth, "DELETE", f"sessions/{here['refresh'].partition('.')[0]}", here)

    assert response.status_code == 204
    assert clears_cookies(response)
    assert await current_email(auth, here) is None


@pytest.mark.parametrize("session_id", [UNKNOWN_ID, "nonsense", "$where", "1" * 23])
async def test_ending_an_unknown_session_is_404(auth: Client, session_id: str) -> None:
    here = await sign_up(auth)

    response = await send(auth, "DELETE", f"sessions/{session_id}", here)

    assert response.status_code == 404
    assert errors(response) == [{"message": "Not Found"}]


async def test_ending_another_users_session_is_401(auth: Client) -> None:
    anns = await sign_up(auth)
    bobs = await sign_up(auth, "bob@example.com")

    response = await send(auth, "DELETE", f"sessions/{anns['refresh'].partition('.')[0]}", bobs)

    assert response.status_code == 401
    assert await current_email(auth, anns) == ANN["email"]


async def test_ending_all_sessions_ends_only_those_of_the_user(
    auth: Client, published: EventProbe
) -> None:
    here = await sign_up(auth)
    phone = await sign_in(auth)
    bobs = await sign_up(auth, "bob@example.com")

    response = await send(auth, "DELETE", "sessions", here)

    assert (response.status_code, response.content) == (204, b"")
    assert clears_cookies(response)
    assert await current_email(auth, here) is None
    assert (await refresh(auth, phone)).status_code == 401
    assert await current_email(auth, bobs) == "bob@example.com"
    await published.next(AllSessionsRevoked)


async def test_rebuild_generates_recently_ended_sessions_only(
    auth: Client, clock: FakeClock, published: EventProbe
) -> None:
    expired, ended = await sign_up(auth), await sign_in(auth)
    await send(auth, "POST", "signout", expired)
    clock.advance(minutes=17)
    await send(auth, "POST", "signout", {"refresh": ended["refresh"]})
    await sign_in(auth)

    states = [message async for message in auth.app.state.service.snapshot_events()]

    events = [
        SessionRevoked.model_validate_json(state.data)
        for state in states
        if state.subject == SessionRevoked.subject
    ]
    assert [event.session_id for event in events] == [ended["refresh"].partition(".")[0]]
    assert events == [await published.next(SessionRevoked, count=2)]


async def test_rebuild_generates_the_recent_end_of_all_sessions(
    auth: Client, clock: FakeClock, published: EventProbe
) -> None:
    here = await sign_up(auth)
    await send(auth, "DELETE", "sessions", here)
    ended = await published.next(AllSessionsRevoked)
    snapshot_events = auth.app.state.service.snapshot_events

    states = [message async for message in snapshot_events()]
    clock.advance(minutes=16)
    later = [message async for message in snapshot_events()]

    assert ended in [
        AllSessionsRevoked.model_validate_json(state.data)
        for state in states
        if state.subject == AllSessionsRevoked.subject
    ]
    assert [message.subject for message in later] == [UserUpdated.subject]
