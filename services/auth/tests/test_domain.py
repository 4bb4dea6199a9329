"""Tests of the rules of accounts and sessions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from auth.domain.account import Account, create_account
from auth.domain.revocation import REVOCATION_TTL
from auth.domain.session import (
    MAX_IDLE,
    MAX_ROTATED_TOKENS,
    SESSION_LIFETIME,
    Device,
    Session,
    hash_token,
    session_id_of,
    start_session,
)
from common.auth.tokens import ACCESS_LIFETIME
from common.errors import NotFound, Unauthorized
from common.events import AllSessionsRevoked, SessionRevoked
from common.values.ids import is_id, new_id

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
GRACE = timedelta(seconds=10)
LAPTOP = Device("Firefox", "192.0.2.1")
OWNER = new_id()


def new_session() -> tuple[Session, str]:
    change, token = start_session(user_id=OWNER, device=LAPTOP, now=NOW)
    return change.after, token


def new_account(version: int = 0) -> Account:
    change = create_account(OWNER, email="a@example.com", password_hash="old", now=NOW)
    return replace(change.after, version=version)


def test_new_session_is_active_with_a_token_and_no_event() -> None:
    change, token = start_session(user_id=OWNER, device=LAPTOP, now=NOW)

    assert change.events == ()
    assert change.after.is_active(NOW)
    assert session_id_of(token) == change.after.id
    assert is_id(change.after.id)


def test_session_does_not_contain_its_token() -> None:
    session, token = new_session()

    assert token.partition(".")[2] not in repr(session)


def test_session_ids_and_tokens_are_unique() -> None:
    started = [new_session() for _ in range(100)]

    assert len({session.id[:8] for session, _ in started}) == 100
    assert len({token.partition(".")[2] for _, token in started}) == 100


def test_refresh_makes_the_successor_the_current_token() -> None:
    session, first = new_session()

    after = session.refresh(first, now=NOW, grace=GRACE).after

    second = after.current_token(first)
    assert second != first
    assert hash_token(second) == after.current_token_hash
    assert session_id_of(second) == session.id


def test_successor_depends_on_the_secret_of_the_session() -> None:
    session, token = new_session()
    stolen = replace(session, successor_secret=new_session()[0].successor_secret)

    ours = session.refresh(token, now=NOW, grace=GRACE).after
    theirs = stolen.refresh(token, now=NOW, grace=GRACE).after

    assert ours.current_token_hash != theirs.current_token_hash


@pytest.mark.parametrize(
    ("later", "is_active"),
    [
        (timedelta(0), True),
        (GRACE, True),
        (GRACE + timedelta(milliseconds=1), False),
        (timedelta(days=1), False),
    ],
)
def test_rotated_token_is_accepted_within_the_grace_only(
    later: timedelta, *, is_active: bool
) -> None:
    session, first = new_session()
    session = session.refresh(first, now=NOW, grace=GRACE).after
    second = session.current_token(first)

    change = session.refresh(first, now=NOW + later, grace=GRACE)

    assert change.after.is_active(NOW + later) is is_active
    if is_active:
        assert change.after == session
        assert change.after.current_token(first) == second
    else:
        assert [event.subject for event in change.events] == ["session.revoked"]


def test_unknown_token_ends_the_session() -> None:
    session, _ = new_session()

    change = session.refresh(f"{session.id}.made-up", now=NOW, grace=GRACE)

    assert change.after.ended_at == NOW


@pytest.mark.parametrize("later", [timedelta(0), SESSION_LIFETIME - timedelta(milliseconds=1)])
def test_session_is_active_for_thirty_days(later: timedelta) -> None:
    session, _ = new_session()

    assert session.is_active(NOW + later)


def test_session_expires_after_thirty_days_despite_use() -> None:
    session, token = new_session()
    for days in (14, 28):
        token = session.current_token(token) if session.rotated_tokens else token
        session = session.refresh(token, now=NOW + timedelta(days=days), grace=GRACE).after

    with pytest.raises(Unauthorized):
        session.refresh(session.current_token(token), now=NOW + SESSION_LIFETIME, grace=GRACE)


def test_session_without_use_for_fourteen_days_is_not_refreshed() -> None:
    session, token = new_session()
    late = NOW + MAX_IDLE + timedelta(milliseconds=1)

    assert session.refresh(token, now=NOW + MAX_IDLE, grace=GRACE).after.version == 1
    with pytest.raises(Unauthorized):
        session.refresh(token, now=late, grace=GRACE)
    assert session.refresh(token, now=late, grace=GRACE, max_idle=2 * MAX_IDLE).after.version == 1


def test_ending_a_session_twice_publishes_once() -> None:
    session, token = new_session()

    change = session.end(NOW)
    again = change.after.end(NOW + timedelta(minutes=1))

    assert change.events == (
        SessionRevoked(user_id=OWNER, session_id=session.id, until=NOW + REVOCATION_TTL),
    )
    assert again.after == change.after
    assert again.events == ()
    with pytest.raises(Unauthorized):
        change.after.refresh(token, now=NOW, grace=GRACE)


def test_revocation_outlasts_an_access_token() -> None:
    assert REVOCATION_TTL > ACCESS_LIFETIME


def test_only_the_owner_ends_a_session_and_only_while_active() -> None:
    session, _ = new_session()
    ended = session.end_owned_by(OWNER, NOW).after

    with pytest.raises(Unauthorized):
        session.end_owned_by(new_id(), NOW)
    with pytest.raises(Unauthorized):
        ended.end_owned_by(new_id(), NOW)
    with pytest.raises(NotFound):
        ended.end_owned_by(OWNER, NOW)
    with pytest.raises(NotFound):
        session.end_owned_by(OWNER, NOW + SESSION_LIFETIME)


def test_rehash_replaces_only_the_expected_hash() -> None:
    account = new_account(version=3)

    renewed = account.rehash("old", "new")
    late = account.rehash("another", "new")

    assert (renewed.after.password_hash, renewed.after.version) == ("new", 4)
    assert (late.after, late.events) == (account, ())


def test_ending_all_sessions_publishes_one_event_and_never_goes_back() -> None:
    account = new_account(version=3)

    change = account.end_sessions(before=NOW, now=NOW)
    again = change.after.end_sessions(before=NOW, now=NOW + GRACE)
    earlier = change.after.end_sessions(before=NOW - GRACE, now=NOW)

    assert change.after.version == 4
    assert change.events == (
        AllSessionsRevoked(user_id=OWNER, before=NOW, until=NOW + REVOCATION_TTL),
    )
    assert (again.after, again.events) == (change.after, ())
    assert (earlier.after, earlier.events) == (change.after, ())


def test_end_of_all_sessions_ends_those_that_started_before() -> None:
    session, _ = new_session()
    account = new_account()

    def ends(before: datetime) -> bool:
        return account.end_sessions(before=before, now=NOW).after.has_ended(session)

    assert not account.has_ended(session)
    assert not ends(NOW)
    assert ends(NOW + timedelta(milliseconds=1))


def test_session_starts_no_earlier_than_the_last_end_of_all_sessions() -> None:
    account = new_account()
    ended = account.end_sessions(before=NOW, now=NOW).after

    assert account.next_session_start(NOW - GRACE) == NOW - GRACE
    assert ended.next_session_start(NOW - GRACE) == NOW
    assert ended.next_session_start(NOW + GRACE) == NOW + GRACE


class RefreshTokens(RuleBasedStateMachine):
    """Presents tokens at random times. One is current, and rotated ones end the session."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.session, token = new_session()
        self.tokens = [token]
        self.used_at: list[datetime] = []
        self.events: list[object] = []

    def present(self, token: str) -> None:
        change = self.session.refresh(token, now=self.now, grace=GRACE)
        self.session = change.after
        self.events += change.events

    @property
    def is_active(self) -> bool:
        return self.session.is_active(self.now)

    @rule(seconds=st.floats(0, 12))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.is_active)
    @rule()
    def current_token_is_used(self) -> None:
        current = self.tokens[-1]
        self.present(current)
        self.used_at.append(self.now)
        self.tokens.append(self.session.current_token(current))
        assert self.is_active
        assert len(set(self.tokens)) == len(self.tokens)

    @precondition(lambda self: self.is_active and bool(self.used_at))
    @rule(data=st.data())
    def rotated_token_is_presented(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.used_at) - 1))
        remembered = len(self.used_at) - index <= MAX_ROTATED_TOKENS
        is_accepted = remembered and self.now - self.used_at[index] <= GRACE
        self.present(self.tokens[index])
        assert self.is_active is is_accepted
        if is_accepted:
            assert self.session.current_token(self.tokens[index]) == self.tokens[-1]

    @precondition(lambda self: self.is_active)
    @rule()
    def session_is_ended(self) -> None:
        change = self.session.end(self.now)
        self.session = change.after
        self.events += change.events

    @precondition(lambda self: not self.is_active)
    @rule(data=st.data())
    def no_token_is_valid_after_the_end(self, data: st.DataObject) -> None:
        before = self.session
        with pytest.raises(Unauthorized):
            self.present(data.draw(st.sampled_from(self.tokens)))
        assert self.session == before

    @invariant()
    def one_token_is_current(self) -> None:
        assert self.session.current_token_hash == hash_token(self.tokens[-1])

    @invariant()
    def the_list_is_bounded(self) -> None:
        assert len(self.session.rotated_tokens) <= MAX_ROTATED_TOKENS

    @invariant()
    def end_is_published_once(self) -> None:
        assert len(self.events) == (self.session.ended_at is not None)

    @invariant()
    def every_change_is_one_version(self) -> None:
        assert self.session.version == len(self.used_at) + len(self.events)


TestRefreshTokens = RefreshTokens.TestCase


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::1%eth0", True),
        ("unknown", "unknown", True),
    ],
)
def test_device_network_groups_ipv6_by_64(one: str, other: str, *, equal: bool) -> None:
    assert (Device("", one).network == Device("", other).network) is equal
