"""Tests of revoked sessions."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from common.auth.revocations import MAX_TTL, Revocations
from common.auth.tokens import ACCESS_LIFETIME, User
from common.events import AllSessionsRevoked, SessionRevoked
from common.messaging import bus
from common.testing.client import make_user
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id

MANY = 50_000
BATCH_SIZE = 5_000
"""Published at a time: NATS drops what exceeds its buffer of 10,000 messages without acks."""
MAX_SECONDS = 10.0
"""Generous. Constant work for each takes about a second, and a copy of the set an hour."""


@pytest.fixture
def clock() -> FakeClock:
    """The clock of `revocations`."""
    return FakeClock()


@pytest.fixture
def revocations(clock: FakeClock) -> Revocations:
    """No revocations yet."""
    return Revocations(clock)


def revoked(user: User, until: datetime) -> SessionRevoked:
    return SessionRevoked(user_id=user.id, session_id=user.session_id, until=until)


def all_revoked(
    user: User, clock: FakeClock, *, seconds: float = 0, except_session_id: str | None = None
) -> AllSessionsRevoked:
    """Return the end of all sessions that started earlier than some seconds from now."""
    return AllSessionsRevoked(
        user_id=user.id,
        before=clock.now + timedelta(seconds=seconds),
        except_session_id=except_session_id,
        until=clock.now + MAX_TTL,
    )


def started(user: User, clock: FakeClock, *, seconds: float = 0) -> User:
    """Return the user with a session that started some seconds from now."""
    return replace(user, session_started_at=clock.now.timestamp() + seconds)


def test_revoked_session_is_rejected_and_others_of_the_user_are_not(
    revocations: Revocations, clock: FakeClock
) -> None:
    user = make_user()

    revocations.revoke(revoked(user, clock.now + ACCESS_LIFETIME))

    assert revocations.is_revoked(user)
    assert not revocations.is_revoked(replace(user, session_id=new_id()))
    assert not revocations.is_revoked(make_user())


@pytest.mark.parametrize(("seconds", "is_revoked"), [(-0.001, True), (0, False), (1, False)])
def test_all_revoked_rejects_sessions_that_started_before(
    revocations: Revocations, clock: FakeClock, seconds: float, *, is_revoked: bool
) -> None:
    user = make_user()

    revocations.revoke(all_revoked(user, clock))

    assert revocations.is_revoked(started(user, clock, seconds=seconds)) is is_revoked
    assert not revocations.is_revoked(make_user())


def test_all_revoked_does_not_reject_the_excepted_session(
    revocations: Revocations, clock: FakeClock
) -> None:
    user = started(make_user(), clock, seconds=-1)

    revocations.revoke(all_revoked(user, clock, except_session_id=user.session_id))

    assert not revocations.is_revoked(user)
    assert revocations.is_revoked(replace(user, session_id=new_id()))


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 0, 1)])
def test_latest_end_of_all_sessions_wins_in_any_order(
    revocations: Revocations, clock: FakeClock, order: tuple[int, ...]
) -> None:
    user = started(make_user(), clock, seconds=-2)
    ends = [
        all_revoked(user, clock, seconds=-1, except_session_id=user.session_id),
        all_revoked(user, clock),
    ]

    for index in order:
        revocations.revoke(ends[index])

    assert revocations.is_revoked(user)
    assert revocations.is_revoked(started(user, clock, seconds=-0.5))
    assert not revocations.is_revoked(started(user, clock))


def test_revocations_are_removed_after_the_tokens_expire(
    revocations: Revocations, clock: FakeClock
) -> None:
    first, second, everywhere = make_user(), make_user(), make_user()
    revocations.revoke(revoked(first, clock.now + ACCESS_LIFETIME))
    revocations.revoke(all_revoked(everywhere, clock, seconds=1))
    clock.advance(minutes=14)
    revocations.revoke(revoked(second, clock.now + ACCESS_LIFETIME))
    assert revocations.is_revoked(first)
    assert revocations.is_revoked(everywhere)

    clock.advance(minutes=2)
    revocations.revoke(revoked(make_user(), clock.now + ACCESS_LIFETIME))

    assert not revocations.is_revoked(first)
    assert not revocations.is_revoked(everywhere)
    assert revocations.is_revoked(second)


def test_repeated_revocation_is_kept_until_the_last_expires(
    revocations: Revocations, clock: FakeClock
) -> None:
    user = make_user()
    revocations.revoke(revoked(user, clock.now + timedelta(minutes=1)))
    revocations.revoke(revoked(user, clock.now + timedelta(minutes=5)))

    clock.advance(minutes=2)
    revocations.revoke(revoked(make_user(), clock.now + ACCESS_LIFETIME))

    assert revocations.is_revoked(user)


def test_event_with_a_distant_expiry_does_not_delay_the_others(
    revocations: Revocations, clock: FakeClock
) -> None:
    distant, user = make_user(), make_user()
    revocations.revoke(revoked(distant, clock.now + timedelta(days=9_000)))
    revocations.revoke(revoked(user, clock.now + timedelta(minutes=1)))

    clock.advance(minutes=17)
    revocations.revoke(revoked(make_user(), clock.now + ACCESS_LIFETIME))

    assert not revocations.is_revoked(distant)
    assert not revocations.is_revoked(user)


def test_many_revocations_cost_constant_work_each(
    revocations: Revocations, clock: FakeClock
) -> None:
    users = [make_user() for _ in range(MANY)]
    began = time.process_time()

    for user in users:
        clock.advance(milliseconds=10)
        revocations.revoke(revoked(user, clock.now + ACCESS_LIFETIME))
        revocations.revoke(all_revoked(user, clock))
    clock.advance(minutes=17)
    revocations.revoke(revoked(users[0], clock.now + ACCESS_LIFETIME))

    assert time.process_time() - began < MAX_SECONDS
    assert [user for user in users if revocations.is_revoked(user)] == users[:1]


async def store(published: EventProbe, users: Sequence[User]) -> None:
    """Publish revocations without waiting for each ack."""
    connection = published.bus.connection
    stream = connection.stream("auth")
    expected = (await connection.js.stream_info(stream)).state.messages + len(users)
    until = utc_now() + ACCESS_LIFETIME
    for user in users:
        data = revoked(user, until).model_dump_json().encode()
        await connection.client.publish(connection.subject(SessionRevoked.subject), data)

    async def are_stored() -> bool:
        return (await connection.js.stream_info(stream)).state.messages == expected

    await eventually(are_stored)


async def test_many_stored_revocations_are_replayed_at_the_start(
    published: EventProbe, nats_url: str, namespace: str
) -> None:
    users = [make_user() for _ in range(MANY)]
    for start in range(0, MANY, BATCH_SIZE):
        await store(published, users[start : start + BATCH_SIZE])
    revocations = Revocations(utc_now)

    async with bus.connect(nats_url, "orders", namespace=namespace) as orders:
        began = time.process_time()
        await revocations.subscribe(orders)
        seconds = time.process_time() - began
        await orders.drain(1)

    assert seconds < MAX_SECONDS
    assert all(revocations.is_revoked(user) for user in users)
