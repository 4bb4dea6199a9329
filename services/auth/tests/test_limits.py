"""Tests of the limits of sign-ins and sign-ups, and of the sessions of one account."""

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any

import httpx
import pytest

from auth.domain.session import MAX_SESSIONS, Session
from auth.passwords import SHARES, HashClient
from auth.service import AuthService
from auth.store.sessions import SessionStore
from common.events import AllSessionsRevoked, SessionRevoked
from common.testing.client import Client, errors
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.polling import eventually

Start = Callable[..., Awaitable[Client]]
ANN = {"email": "ann@example.com", "password": "secret"}


async def sign_up(auth: Client, **fields: str) -> dict[str, Any]:
    response = await auth.post("/api/users/signup", json={**ANN, **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def sign_in(auth: Client, address: str = "192.0.2.1", **fields: str) -> httpx.Response:
    """Sign in from an address, in a browser without cookies."""
    auth.sign_out()
    response = await auth.post(
        "/api/users/signin", json={**ANN, **fields}, headers={"X-Forwarded-For": address}
    )
    auth.sign_out()
    return response


async def fail_sign_ins(auth: Client, times: int, **fields: str) -> None:
    for _ in range(times):
        wrong = {**ANN, "password": "wrong", **fields}
        response = await auth.post("/api/users/signin", json=wrong)
        assert response.status_code == 400, response.text


async def list_session_ids(auth: Client, cookies: httpx.Cookies) -> list[str]:
    headers = {"cookie": f"session={cookies['session']}"}
    response = await auth.get("/api/users/sessions", headers=headers)
    assert response.status_code == 200, response.text
    return [session["id"] for session in response.json()]


def session_id(response: httpx.Response) -> str:
    return response.cookies["refresh"].partition(".")[0]


@pytest.mark.parametrize("email", ["ann@example.com", "nobody@example.com"])
async def test_right_password_is_throttled_after_too_many_failures(
    auth: Client, clock: FakeClock, email: str
) -> None:
    await sign_up(auth)
    auth.sign_out()
    await fail_sign_ins(auth, 10, email=email)

    rejected = await auth.post("/api/users/signin", json={**ANN, "email": email})
    clock.advance(seconds=900)
    later = await auth.post("/api/users/signin", json={**ANN, "email": email})

    assert rejected.status_code == 429
    assert rejected.headers["retry-after"] == "900"
    assert errors(rejected) == [{"message": "Too many requests"}]
    assert later.status_code == (200 if email == ANN["email"] else 400)


async def test_emails_in_another_letter_case_share_one_limit(auth: Client) -> None:
    await fail_sign_ins(auth, 5)
    await fail_sign_ins(auth, 5, email="ANN@example.com")

    rejected = await auth.post("/api/users/signin", json={**ANN, "email": "Ann@example.com"})

    assert rejected.status_code == 429


async def test_concurrent_failures_at_two_replicas_share_one_limit(start: Start) -> None:
    one, other = [await start(sign_ins_per_account_and_address=6) for _ in range(2)]
    await sign_up(one)
    one.sign_out()
    wrong = {**ANN, "password": "wrong"}

    answers = await asyncio.gather(
        *(replica.post("/api/users/signin", json=wrong) for replica in (one, other) * 15)
    )

    assert sorted(answer.status_code for answer in answers) == [*[400] * 6, *[429] * 24]


async def test_forged_header_does_not_evade_the_address_limit(
    start: Start,
) -> None:
    auth = await start(sign_ins_per_address=3)
    await sign_up(auth)

    first = await sign_in(auth, "203.0.113.1, 192.0.2.1", email="a@example.com")
    good = await sign_in(auth, "203.0.113.1, 192.0.2.1")
    second = await sign_in(auth, "203.0.113.2, 192.0.2.1", email="b@example.com")
    third = await sign_in(auth, "203.0.113.3, 192.0.2.1")
    elsewhere = await sign_in(auth, "192.0.2.1, 192.0.2.2")

    statuses = [answer.status_code for answer in (first, good, second, third, elsewhere)]
    assert statuses == [400, 200, 400, 429, 200]


async def test_sign_in_with_a_full_hash_queue_is_503_and_not_counted(
    start: Start,
) -> None:
    auth = await start(password_threads=1, password_queue=0, sign_ins_per_account=1)
    await sign_up(auth)
    auth_service: AuthService = auth.app.state.service.auth
    go = Event()
    blocking_job = asyncio.create_task(
        auth_service._passwords._run_in_pool(go.wait, HashClient("192.0.2.1"))
    )
    await asyncio.sleep(0)

    full = await auth.post("/api/users/signin", json=ANN)
    up = await auth.post("/api/users/signup", json={**ANN, "email": "bob@example.com"})
    alive = await auth.get("/api/users/currentuser")
    go.set()
    await blocking_job

    assert full.status_code == up.status_code == 503
    assert full.headers["retry-after"] == "1"
    assert errors(full)
    assert alive.status_code == 200
    assert (await auth.post("/api/users/signin", json=ANN)).status_code == 200


async def test_sign_ups_beyond_the_limit_of_an_address_are_throttled(start: Start) -> None:
    auth = await start(sign_ups_per_address=1)
    await sign_up(auth)

    rejected = await auth.post("/api/users/signup", json={**ANN, "email": "bob@example.com"})
    elsewhere = await auth.post(
        "/api/users/signup",
        json={**ANN, "email": "bob@example.com"},
        headers={"X-Forwarded-For": "192.0.2.1"},
    )

    assert rejected.status_code == 429
    assert 0 < int(rejected.headers["retry-after"]) <= 900
    assert elsewhere.status_code == 201


async def test_successful_sign_ins_count_too(auth: Client) -> None:
    await sign_up(auth)

    statuses = [(await sign_in(auth)).status_code for _ in range(11)]

    assert statuses == [*[200] * 10, 429]


async def test_attempts_of_one_address_do_not_lock_the_account_elsewhere(auth: Client) -> None:
    await sign_up(auth)

    attacker = [(await sign_in(auth, password="wrong")).status_code for _ in range(100)]
    owner = await sign_in(auth, "192.0.2.2")

    assert attacker == [*[400] * 10, *[429] * 90]
    assert owner.status_code == 200


async def test_attempts_of_many_addresses_reach_the_limit_of_the_account(start: Start) -> None:
    auth = await start(sign_ins_per_account=3)
    await sign_up(auth)

    statuses = [
        (await sign_in(auth, f"192.0.2.{n}", password="wrong")).status_code for n in range(5)
    ]

    assert statuses == [400, 400, 400, 429, 429]


async def test_hundred_wrong_passwords_do_not_lock_others_at_their_address(auth: Client) -> None:
    await sign_up(auth)

    wrong = [await sign_in(auth, email=f"{n}@example.com") for n in range(110)]
    friend = await sign_in(auth)

    assert {response.status_code for response in wrong} == {400}
    assert friend.status_code == 200


async def test_hundred_sign_ups_do_not_lock_others_at_their_address(auth: Client) -> None:
    for n in range(101):
        await sign_up(auth, email=f"{n}@example.com")

    await sign_up(auth)


async def test_one_address_leaves_room_in_the_queue_of_hashes(start: Start) -> None:
    auth = await start(password_threads=1, password_queue=7)
    await sign_up(auth)
    auth_service: AuthService = auth.app.state.service.auth
    go = Event()
    share = 8 // SHARES
    blocking_jobs = [
        asyncio.create_task(auth_service._passwords._run_in_pool(go.wait, HashClient("192.0.2.1")))
        for _ in range(share)
    ]
    await asyncio.sleep(0)

    crowding = await sign_in(auth, "192.0.2.1")
    others = asyncio.create_task(sign_in(auth, "192.0.2.2"))
    go.set()
    await asyncio.gather(*blocking_jobs)

    assert crowding.status_code == 429
    assert crowding.headers["retry-after"] == "1"
    assert (await others).status_code == 200


async def test_oldest_session_ends_when_one_too_many_starts(
    start: Start, clock: FakeClock, published: EventProbe
) -> None:
    auth = await start(sign_ins_per_account_and_address=1_000)
    signed_up = await auth.post("/api/users/signup", json=ANN)
    started: list[httpx.Response] = []
    for _ in range(MAX_SESSIONS + 1):
        clock.advance(seconds=1)
        started.append(await sign_in(auth))

    async def is_limited() -> bool:
        listed = await list_session_ids(auth, started[-1].cookies)
        return sorted(listed) == sorted(session_id(response) for response in started[1:])

    await eventually(is_limited)
    await published.next(SessionRevoked, count=2)
    revoked = [event.session_id for event in await published.all(SessionRevoked)]
    assert sorted(revoked) == sorted((session_id(signed_up), session_id(started[0])))
    ended = await auth.post(
        "/api/users/refresh", headers={"cookie": f"refresh={started[0].cookies['refresh']}"}
    )
    assert ended.status_code == 401


async def test_concurrent_sign_ins_at_two_replicas_leave_the_allowed_sessions(
    start: Start, clock: FakeClock
) -> None:
    limits = {"sign_ins_per_account_and_address": 1_000, "password_queue": 1_000}
    replicas = [await start(**limits) for _ in range(2)]
    user = await sign_up(replicas[0])
    for _ in range(MAX_SESSIONS - 2):
        clock.advance(seconds=1)
        await sign_in(replicas[0])
    clock.advance(seconds=1)

    answers = await asyncio.gather(*(sign_in(replica) for replica in replicas for _ in range(15)))

    assert {answer.status_code for answer in answers} == {200}
    sessions: SessionStore = replicas[0].app.state.service.sessions._sessions

    async def are_limited() -> list[Session]:
        active = await sessions.list_active(user["id"], clock.now)
        return active if len(active) <= MAX_SESSIONS else []

    active = await eventually(are_limited)
    assert len(active) == MAX_SESSIONS
    assert {session.created_at for session in active} == {clock.now}


async def test_all_sessions_end_with_one_event(start: Start, published: EventProbe) -> None:
    auth, other_replica = await start(), await start()
    await sign_up(auth)
    started = [await sign_in(auth) for _ in range(5)]
    cookies = [{"cookie": f"session={one.cookies['session']}"} for one in started]

    response = await auth.delete("/api/users/sessions", headers=cookies[0])

    assert response.status_code == 204
    for replica in (auth, other_replica):

        async def are_rejected(replica: Client = replica) -> bool:
            answers = [await replica.get("/api/users/sessions", headers=one) for one in cookies]
            return all(answer.status_code == 401 for answer in answers)

        await eventually(are_rejected)
    await published.next(AllSessionsRevoked)
    assert await published.all(SessionRevoked) == []
    again = await sign_in(auth)
    assert await list_session_ids(other_replica, again.cookies) == [session_id(again)]


async def test_session_ended_with_all_is_dead_before_it_is_marked(
    auth: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_up(auth)
    first, second = await sign_in(auth), await sign_in(auth)

    async def crash(*_: object) -> None:
        raise TimeoutError

    sessions = auth.app.state.service.sessions._sessions
    monkeypatch.setattr(sessions, "mark_ended", crash)
    ending = {"cookie": f"session={first.cookies['session']}"}
    assert (await auth.delete("/api/users/sessions", headers=ending)).status_code == 500

    refreshed = await auth.post(
        "/api/users/refresh", headers={"cookie": f"refresh={second.cookies['refresh']}"}
    )
    again = await sign_in(auth)

    assert refreshed.status_code == 401
    assert await list_session_ids(auth, again.cookies) == [session_id(again)]


async def sign_in_as_known(
    auth: Client, device: str, address: str = "192.0.2.1", **fields: str
) -> httpx.Response:
    """Sign in from an address, in a browser with a device cookie."""
    auth.sign_out()
    headers = {"X-Forwarded-For": address, "cookie": f"device={device}"}
    response = await auth.post("/api/users/signin", json={**ANN, **fields}, headers=headers)
    auth.sign_out()
    return response


async def test_wrong_passwords_do_not_lock_a_browser_that_signed_in_before(start: Start) -> None:
    auth = await start(sign_ins_per_account=10, sign_ins_per_address=20)
    await sign_up(auth)
    device = (await sign_in(auth)).cookies["device"]
    for n in range(4):
        for _ in range(10):
            await sign_in(auth, f"192.0.2.{n + 1}", password="wrong")

    unknown_browser = await sign_in(auth, "192.0.2.99")
    known_browser = await sign_in_as_known(auth, device)

    assert unknown_browser.status_code == 429
    assert known_browser.status_code == 200
    assert known_browser.cookies["device"] == device


async def test_known_browser_has_a_limit_of_its_own(auth: Client) -> None:
    await sign_up(auth)
    device = (await sign_in(auth)).cookies["device"]
    other_device = (await sign_in(auth)).cookies["device"]

    statuses = [
        (await sign_in_as_known(auth, device, f"192.0.2.{n}", password="wrong")).status_code
        for n in range(12)
    ]

    assert statuses == [*[400] * 10, 429, 429]
    assert (await sign_in_as_known(auth, other_device)).status_code == 200
    assert (await sign_in(auth)).status_code == 200


async def test_device_cookie_of_another_account_or_a_forged_one_does_not_count(
    auth: Client,
) -> None:
    await sign_up(auth)
    bobs = (await auth.post("/api/users/signup", json={**ANN, "email": "bob@example.com"})).cookies
    devices = (bobs["device"], "x.y", "", "x" * 5_000)

    statuses = [
        (await sign_in_as_known(auth, device, password="wrong")).status_code
        for _ in range(4)
        for device in devices
    ]

    assert statuses == [*[400] * 10, *[429] * 6]


async def test_device_cookie_is_set_like_those_of_the_session(start: Start) -> None:
    auth = await start(cookie_secure=True)

    response = await auth.post("/api/users/signup", json=ANN)

    (line,) = [line for line in response.headers.get_list("set-cookie") if "device" in line]
    name, *attributes = line.split("; ")
    assert name.startswith("__Host-device=")
    expected = {"HttpOnly", "Path=/", "SameSite=lax", "Secure", f"Max-Age={400 * 86_400}"}
    assert set(attributes) == expected
