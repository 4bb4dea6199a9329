"""Tests of accounts, sessions and attempt counters in MongoDB."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from auth.domain.account import Account, create_account
from auth.domain.session import MAX_SESSIONS, Device, Session, start_session
from auth.emails import earlier_normal_form
from auth.store import attempts
from auth.store.accounts import AccountDocument, AccountStore
from auth.store.attempts import AttemptLimiter, RateLimit, ThrottleDocument
from auth.store.sessions import SessionDocument, SessionStore, Surplus
from common.change import Change
from common.errors import BadRequest, NotFound, TooManyRequests
from common.events import SessionRevoked
from common.persistence import mongo
from common.persistence.mongo import Doc
from common.persistence.outbox import Relay, stale_outbox_filter
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
WINDOW_SECONDS = 900
ANN, BOB = RateLimit("account:ann", 3), RateLimit("account:bob", 3)


@pytest.fixture
async def database(mongo_uri: str) -> AsyncGenerator[AsyncDatabase[Doc]]:
    documents = [AccountDocument, SessionDocument, ThrottleDocument]
    async with mongo.connect(mongo_uri, documents) as connected:
        yield connected


@pytest.fixture
async def relay(database: AsyncDatabase[Doc], published: EventProbe) -> AsyncGenerator[Relay]:
    """A relay that is not started, so that events stay in their outbox."""
    relay = Relay(published.bus, database, ["accounts", "sessions"], utc_now)
    yield relay
    await relay.stop(0)


@pytest.fixture
def accounts(relay: Relay) -> AccountStore:
    return AccountStore(relay, utc_now)


@pytest.fixture
def sessions(relay: Relay) -> SessionStore:
    return SessionStore(relay, utc_now)


@pytest.fixture
def throttle(database: AsyncDatabase[Doc]) -> AttemptLimiter:
    assert database is not None
    return AttemptLimiter(FakeClock(NOW), WINDOW_SECONDS)


def account(email: str = "ann@example.com") -> Change[Account]:
    return create_account(new_id(), email=email, password_hash="hash", now=NOW)


def session(user_id: str | None = None, now: datetime = NOW) -> Change[Session]:
    return start_session(
        user_id=user_id or new_id(), device=Device("Firefox", "192.0.2.1"), now=now
    )[0]


async def test_account_round_trips(accounts: AccountStore) -> None:
    added = await accounts.add_unless_taken(account())

    assert await accounts.get(added.id) == added


async def test_account_round_trips_after_the_end_of_all_sessions(accounts: AccountStore) -> None:
    added = await accounts.add_unless_taken(account())

    ended = await accounts.update(
        added.id, lambda account: account.end_sessions(before=NOW, now=NOW)
    )

    assert ended.sessions_end is not None
    assert await accounts.get(added.id) == ended
    doc = await accounts.collection.find_one({"_id": mongo.object_id(added.id)})
    assert doc is not None
    assert [entry["subject"] for entry in doc["outbox"]] == ["user.created", "session.all_revoked"]


async def test_account_of_the_version_before_is_read(accounts: AccountStore) -> None:
    added = await accounts.add_unless_taken(account())
    later_fields = ("sessions_end", "language", "credentials_version", "verified_at")
    await accounts.collection.update_one({}, {"$unset": dict.fromkeys(later_fields, 1)})

    assert await accounts.get(added.id) == added


async def test_account_is_found_by_email_in_any_letter_case(accounts: AccountStore) -> None:
    added = await accounts.add_unless_taken(account())

    assert await accounts.find_by_email("ANN@example.com") == added
    assert await accounts.find_by_email("bob@example.com") is None


async def store_as_before(accounts: AccountStore, email: str) -> Account:
    """Store an account as the version before did, with the full case folding of its email."""
    change = account(email)
    return await accounts.add(
        replace(change, after=replace(change.after, normal_email=earlier_normal_form(email)))
    )


async def test_account_of_the_version_before_is_found_by_its_own_spelling_only(
    accounts: AccountStore,
) -> None:
    sharp = await store_as_before(accounts, "Weiß@example.com")

    assert await accounts.find_by_email("weiß@example.com") == sharp
    assert await accounts.find_by_email("weiss@example.com") is None
    with pytest.raises(BadRequest):
        await accounts.add_unless_taken(account("WEIß@example.com"))


async def test_migration_stores_the_present_form_and_can_be_repeated(
    accounts: AccountStore,
) -> None:
    sharp = await store_as_before(accounts, "Weiß@example.com")
    plain = await store_as_before(accounts, "Müller@example.com")
    with pytest.raises(BadRequest):
        await accounts.add_unless_taken(account("weiss@example.com"))

    await accounts.update_normal_emails()
    late = await store_as_before(accounts, "Groß@example.com")
    await accounts.update_normal_emails()

    normal_emails = [(await accounts.get(one.id)).normal_email for one in (sharp, plain, late)]
    assert normal_emails == ["weiß@example.com", "müller@example.com", "groß@example.com"]
    other = await accounts.add_unless_taken(account("Weiss@example.com"))
    assert await accounts.find_by_email("weiss@example.com") == other
    assert await accounts.find_by_email("WEIß@example.com") == await accounts.get(sharp.id)


async def test_interrupted_migration_is_finished_by_the_next(
    accounts: AccountStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = [await store_as_before(accounts, f"{n}ß@example.com") for n in range(5)]
    update = accounts._update_normal_email
    updated: list[object] = []

    async def fail_after_two(doc: Any) -> None:
        if len(updated) == 2:
            raise TimeoutError
        updated.append(doc)
        await update(doc)

    with monkeypatch.context() as patch:
        patch.setattr(accounts, "_update_normal_email", fail_after_two)
        with pytest.raises(TimeoutError):
            await accounts.update_normal_emails()

    await accounts.update_normal_emails()

    normal_emails = [(await accounts.get(one.id)).normal_email for one in stored]
    assert normal_emails == [f"{n}ß@example.com" for n in range(5)]


async def test_accounts_that_become_equal_both_stay(accounts: AccountStore) -> None:
    one = await accounts.add_unless_taken(account("weiß@example.com"))
    other = await store_as_before(accounts, "WEIß@example.com")

    await accounts.update_normal_emails()
    renewed = await accounts.update(other.id, lambda account: account.rehash("hash", "new"))

    assert renewed.password_hash == "new"
    assert await accounts.find_by_email("weiß@example.com") == one
    assert await accounts.find_by_email("WEIß@example.com") == renewed


async def test_later_migration_reads_only_accounts_that_are_new(accounts: AccountStore) -> None:
    await accounts.update_normal_emails()
    old = await store_as_before(accounts, "Weiß@example.com")
    doc = await accounts.collection.find_one_and_delete({"_id": mongo.object_id(old.id)})
    assert doc is not None
    long_ago = ObjectId.from_datetime(utc_now() - timedelta(days=1))
    await accounts.collection.insert_one({**doc, "_id": long_ago})

    await accounts.update_normal_emails()

    assert (await accounts.get(str(long_ago))).normal_email == "weiss@example.com"


async def test_concurrent_inserts_of_one_email_create_one_account(accounts: AccountStore) -> None:
    outcomes = await asyncio.gather(
        *(accounts.add_unless_taken(account(f"{name}@example.com")) for name in ("Ann", "aNN") * 5),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, Account) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, BadRequest) for outcome in outcomes) == 9


async def test_session_round_trips_after_insert_and_refresh(sessions: SessionStore) -> None:
    change, token = start_session(user_id=new_id(), device=Device("Firefox", "192.0.2.1"), now=NOW)
    added = await sessions.add(change)
    assert await sessions.get(added.id) == added

    used = await sessions.update(
        added.id, lambda session: session.refresh(token, now=NOW, grace=timedelta(0))
    )

    assert await sessions.get(added.id) == used
    assert used.version == 1


async def test_session_end_and_its_event_are_one_write(sessions: SessionStore) -> None:
    added = await sessions.add(session())

    await sessions.update(added.id, lambda session: session.end(NOW))

    doc = await sessions.collection.find_one({"_id": mongo.object_id(added.id)})
    assert doc is not None
    assert doc["ended_at"] == doc["over_at"] == NOW
    assert [entry["subject"] for entry in doc["outbox"]] == ["session.revoked"]


async def test_session_end_is_published_and_leaves_the_outbox(
    sessions: SessionStore, relay: Relay, published: EventProbe
) -> None:
    relay.start()
    added = await sessions.add(session())

    await sessions.update(added.id, lambda session: session.end(NOW))

    assert (await published.next(SessionRevoked)).session_id == added.id

    async def is_empty() -> bool:
        doc = await sessions.collection.find_one({"_id": mongo.object_id(added.id)})
        return doc is not None and doc["outbox"] == []

    await eventually(is_empty)


async def test_concurrent_refreshes_with_one_token_cause_one_write(sessions: SessionStore) -> None:
    change, token = start_session(user_id=new_id(), device=Device("Firefox", "192.0.2.1"), now=NOW)
    added = await sessions.add(change)

    used = await asyncio.gather(
        *(
            sessions.update(
                added.id,
                lambda session: session.refresh(token, now=NOW, grace=timedelta(seconds=10)),
            )
            for _ in range(200)
        )
    )

    assert {session.current_token_hash for session in used} == {
        (await sessions.get(added.id)).current_token_hash
    }
    assert (await sessions.get(added.id)).version == 1


async def test_concurrent_ends_of_a_session_store_one_event(sessions: SessionStore) -> None:
    added = await sessions.add(session())

    await asyncio.gather(
        *(sessions.update(added.id, lambda session: session.end(NOW)) for _ in range(20))
    )

    doc = await sessions.collection.find_one({"_id": mongo.object_id(added.id)})
    assert doc is not None
    assert len(doc["outbox"]) == 1


async def test_update_of_an_unknown_session_raises_not_found(sessions: SessionStore) -> None:
    with pytest.raises(NotFound):
        await sessions.update(new_id(), lambda session: session.end(NOW))


async def test_active_sessions_are_listed_most_recently_used_first(
    sessions: SessionStore,
) -> None:
    user_id = new_id()
    changes = [session(user_id, NOW + timedelta(minutes=minute)) for minute in range(3)]
    first, second, third = [await sessions.add(change) for change in changes]
    await sessions.add(session())
    await sessions.add(session(user_id, NOW - timedelta(days=31)))
    await sessions.update(second.id, lambda session: session.end(NOW))

    active = await sessions.list_active(user_id, NOW)

    assert [session.id for session in active] == [third.id, first.id]


async def test_surplus_sessions_are_the_oldest_active_ones(sessions: SessionStore) -> None:
    user_id = new_id()

    async def add(minute: int) -> Session:
        return await sessions.add(session(user_id, NOW + timedelta(minutes=minute)))

    added = [await add(minute) for minute in range(MAX_SESSIONS)]
    await sessions.add(session())
    await sessions.add(session(user_id, NOW - timedelta(days=31)))
    ended = await add(MAX_SESSIONS)
    await sessions.update(ended.id, lambda session: session.end(NOW))
    assert await sessions.find_surplus(user_id, NOW) == Surplus([], None)

    for minute in (30, 31):
        await add(minute)

    assert await sessions.find_surplus(user_id, NOW) == Surplus([added[1].id, added[0].id], None)


async def test_many_surplus_sessions_are_those_before_the_oldest_kept(
    sessions: SessionStore,
) -> None:
    user_id = new_id()
    starts = [NOW + timedelta(minutes=minute) for minute in range(2 * MAX_SESSIONS + 1)]
    added = [await sessions.add(session(user_id, start)) for start in starts]

    surplus = await sessions.find_surplus(user_id, NOW)

    assert surplus is not None
    assert surplus.all_before == added[-MAX_SESSIONS].created_at


async def test_many_surplus_sessions_of_one_time_are_named(sessions: SessionStore) -> None:
    user_id = new_id()
    for _ in range(2 * MAX_SESSIONS + 1):
        await sessions.add(session(user_id, NOW))

    surplus = await sessions.find_surplus(user_id, NOW)

    assert surplus is not None
    assert surplus.all_before is None
    assert len(surplus.session_ids) == MAX_SESSIONS + 1


async def test_refresh_does_not_revive_a_session_that_was_marked_meanwhile(
    sessions: SessionStore,
) -> None:
    change, token = start_session(user_id=new_id(), device=Device("Firefox", "192.0.2.1"), now=NOW)
    added = await sessions.add(change)
    refreshed = added.refresh(token, now=NOW, grace=timedelta(0))
    update = sessions._mapping.update(added, refreshed, utc_now)
    await sessions.mark_ended(added.user_id, NOW + timedelta(milliseconds=1), NOW)

    is_written = await sessions._writer.update(update)

    assert not is_written
    assert (await sessions.get(added.id)).ended_at == NOW


async def test_sessions_started_later_or_by_others_are_not_marked(sessions: SessionStore) -> None:
    user_id = new_id()
    later = await sessions.add(session(user_id, NOW))
    others = await sessions.add(session(now=NOW - timedelta(minutes=1)))

    await sessions.mark_ended(user_id, NOW, NOW)

    assert await sessions.get(later.id) == later
    assert await sessions.get(others.id) == others


async def test_ttl_indexes_remove_expired_documents(database: AsyncDatabase[Doc]) -> None:
    sessions = await database["sessions"].index_information()
    throttle = await database["throttle"].index_information()

    assert sessions["over_at_1"]["expireAfterSeconds"] == 86_400
    assert throttle["until_1"]["expireAfterSeconds"] == 0


@pytest.mark.parametrize(
    ("collection", "query"),
    [
        ("accounts", {"folded": "ann@example.com"}),
        ("sessions", {"user_id": "x", "ended_at": None, "expires_at": {"$gt": NOW}}),
        ("sessions", stale_outbox_filter(NOW)),
    ],
)
async def test_queries_use_an_index(
    database: AsyncDatabase[Doc], collection: str, query: dict[str, Any]
) -> None:
    plan = await database.command("explain", {"find": collection, "filter": query})

    assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])


async def test_attempts_beyond_the_limit_are_rejected_in_the_window(
    database: AsyncDatabase[Doc],
) -> None:
    assert database is not None
    clock = FakeClock(NOW)
    throttle = AttemptLimiter(clock, WINDOW_SECONDS)
    for _ in range(ANN.max_attempts):
        await throttle.record_attempt(ANN)
    clock.advance(seconds=0.5)

    with pytest.raises(TooManyRequests) as rejected:
        await throttle.record_attempt(ANN)
    await throttle.record_attempt(BOB)
    clock.advance(seconds=899.5)
    await throttle.record_attempt(ANN)

    assert rejected.value.retry_after == 900


async def test_concurrent_attempts_do_not_exceed_the_limit(throttle: AttemptLimiter) -> None:
    outcomes = await asyncio.gather(
        *(throttle.record_attempt(ANN) for _ in range(50)), return_exceptions=True
    )

    assert sum(outcome is None for outcome in outcomes) == ANN.max_attempts
    assert (
        sum(isinstance(outcome, TooManyRequests) for outcome in outcomes) == 50 - ANN.max_attempts
    )


async def test_attempt_rejected_by_one_limit_does_not_count_under_the_next(
    throttle: AttemptLimiter,
) -> None:
    narrow, wide = RateLimit("narrow", 1), RateLimit("wide", 2)
    await throttle.record_attempt(narrow, wide)
    for _ in range(5):
        with pytest.raises(TooManyRequests):
            await throttle.record_attempt(narrow, wide)

    await throttle.record_attempt(wide)

    with pytest.raises(TooManyRequests):
        await throttle.record_attempt(wide)


async def test_attempts_beyond_a_reached_limit_create_no_counters(
    database: AsyncDatabase[Doc], throttle: AttemptLimiter
) -> None:
    wide = RateLimit("wide", 2)
    for n in range(2):
        await throttle.record_attempt(RateLimit(f"narrow {n}", 1), wide)
    for n in range(2, 10):
        with pytest.raises(TooManyRequests):
            await throttle.record_attempt(RateLimit(f"narrow {n}", 1), wide)

    counters = [doc["_id"] async for doc in database["throttle"].find()]

    assert sorted(counters) == ["narrow 0", "narrow 1", "narrow 2", "wide"]


async def test_remembered_limits_are_bounded(
    throttle: AttemptLimiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "MAX_REMEMBERED", 2)
    for n in range(4):
        await throttle.record_attempt(RateLimit(f"{n}", 1))
        with pytest.raises(TooManyRequests):
            await throttle.record_attempt(RateLimit(f"{n}", 1))

    assert list(throttle._reached_until) == ["2", "3"]
    with pytest.raises(TooManyRequests):
        await throttle.record_attempt(RateLimit("0", 1))
