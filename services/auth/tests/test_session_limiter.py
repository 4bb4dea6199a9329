"""Tests of the periodic check of the number of sessions."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from auth.api import State
from auth.domain.account import Account, create_account
from auth.domain.session import MAX_SESSIONS, Device, start_session
from auth.session_limiter import SessionLimiter
from auth.session_service import SessionService
from auth.store.sessions import SessionStore
from common.events import AllSessionsRevoked, SessionRevoked
from common.testing.client import Client
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.values.ids import new_id

Start = Callable[..., Awaitable[Client]]


@pytest.fixture
def sessions(auth: Client, clock: FakeClock) -> SessionService:
    """Sessions that the service's own check does not know of."""
    state: State = auth.app.state.service
    return SessionService(
        settings=state.running.settings,  # pyright: ignore[reportArgumentType] - those of auth
        accounts=state.sessions._accounts,
        sessions=state.sessions._sessions,
        tokens=state.sessions._tokens,
        device_tokens=state.sessions._device_tokens,
        revocations=state.sessions._revocations,
        clock=clock,
    )


@pytest.fixture
def store(sessions: SessionService) -> SessionStore:
    return sessions._sessions


@pytest.fixture
def limiter(sessions: SessionService, store: SessionStore, clock: FakeClock) -> SessionLimiter:
    return SessionLimiter(store, sessions=sessions, revocations=sessions._revocations, clock=clock)


async def start_sessions(sessions: SessionService, clock: FakeClock, count: int) -> Account:
    """Start sessions of a new account, a second apart."""
    change = create_account(new_id(), email="ann@example.com", password_hash="hash", now=clock.now)
    account = await sessions._accounts.add(change)
    for _ in range(count):
        clock.advance(seconds=1)
        await sessions.start_session(account, Device("", ""))
    return account


async def test_sessions_beyond_the_limit_end_the_oldest_first(
    sessions: SessionService, store: SessionStore, limiter: SessionLimiter, clock: FakeClock
) -> None:
    account = await start_sessions(sessions, clock, MAX_SESSIONS + 2)
    started = await store.list_active(account.id, clock.now)

    await limiter.run()

    assert await store.list_active(account.id, clock.now) == started[:MAX_SESSIONS]


async def test_surplus_of_a_process_that_died_ends_with_the_next_start(
    start: Start,
    sessions: SessionService,
    store: SessionStore,
    clock: FakeClock,
    published: EventProbe,
) -> None:
    account = await start_sessions(sessions, clock, MAX_SESSIONS + 1)
    started = await store.list_active(account.id, clock.now)
    clock.advance(seconds=300)

    await start()

    revoked = await published.next(SessionRevoked)
    assert revoked.session_id == started[-1].id
    assert await store.list_active(account.id, clock.now) == started[:MAX_SESSIONS]


async def test_stop_ends_the_surplus_of_the_last_sign_ins(
    sessions: SessionService, store: SessionStore, limiter: SessionLimiter, clock: FakeClock
) -> None:
    limiter._has_recovered = True
    async with limiter.running():
        account = await start_sessions(sessions, clock, MAX_SESSIONS + 1)

    assert len(await store.list_active(account.id, clock.now)) == MAX_SESSIONS


async def test_failed_check_is_repeated(
    sessions: SessionService,
    store: SessionStore,
    limiter: SessionLimiter,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: Any) -> list[str]:
        raise TimeoutError

    await limiter.run()
    account = await start_sessions(sessions, clock, MAX_SESSIONS + 1)
    with monkeypatch.context() as patch:
        patch.setattr(store, "find_users_with_surplus", fail)
        with pytest.raises(TimeoutError):
            await limiter.run()

    await limiter.run()

    assert len(await store.list_active(account.id, clock.now)) == MAX_SESSIONS


async def test_large_surplus_of_one_time_ends_in_several_checks(
    sessions: SessionService, store: SessionStore, limiter: SessionLimiter, clock: FakeClock
) -> None:
    account = await start_sessions(sessions, clock, 1)
    for _ in range(3 * MAX_SESSIONS):
        await sessions.start_session(account, Device("", ""))

    for _ in range(3):
        await limiter.run()

    assert len(await store.list_active(account.id, clock.now)) == MAX_SESSIONS


async def test_thousands_of_old_sessions_end_with_one_event(
    sessions: SessionService,
    store: SessionStore,
    limiter: SessionLimiter,
    clock: FakeClock,
    published: EventProbe,
) -> None:
    account = await start_sessions(sessions, clock, 0)
    starts = [clock.now - timedelta(days=1, milliseconds=n) for n in range(4_000)]
    changes = [start_session(user_id=account.id, device=Device("", ""), now=at)[0] for at in starts]
    await store.collection.insert_many([store._mapping.document(one, clock) for one in changes])
    newest = await sessions.start_session(account, Device("", ""))

    await limiter.run()
    await limiter.run()

    active = await store.list_active(account.id, clock.now)
    assert len(active) == MAX_SESSIONS
    assert active[0].id == newest.user.session_id
    await published.next(AllSessionsRevoked)
    assert len(await published.all(AllSessionsRevoked)) == 1
    assert await published.all(SessionRevoked) == []


async def test_check_without_new_sessions_asks_nothing(
    limiter: SessionLimiter, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> list[str]:
        raise AssertionError

    await limiter.run()
    monkeypatch.setattr(store, "find_users_with_surplus", fail)

    await limiter.run()
