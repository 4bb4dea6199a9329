"""Tests of roles, suspensions and the recent password: rules, tokens and operator commands."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from auth.domain import access
from auth.domain.account import Account, create_account
from auth.domain.session import Device, Session, start_session
from auth.store.accounts import AccountDocument
from common.change import Change
from common.errors import BadRequest, Unauthorized
from common.events import AllSessionsRevoked
from common.persistence.mongo import collection_of, object_id
from common.testing.client import Client, errors
from common.testing.clock import FakeClock
from common.testing.polling import eventually
from common.values.ids import new_id

Start = Callable[..., Awaitable[Client]]
ANN = {"email": "ann@example.com", "password": "correct horse"}
BY_BOB = ("--actor", "bob", "--reason", "sells tickets of others")
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
TICK = timedelta(milliseconds=1)


class Access(RuleBasedStateMachine):
    """Changes roles and suspensions at random times, while sessions start."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        created = create_account(new_id(), email="a@example.com", password_hash="h", now=NOW)
        self.account: Account = created.after
        self.sessions: list[tuple[Session, str | None, bool]] = []
        self.role: str | None = None
        self.is_suspended = False
        self.changes = 0

    @rule(seconds=st.floats(0, 5))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def session_starts(self) -> None:
        started_at = self.account.next_session_start(self.now)
        device = Device("Firefox", "192.0.2.1")
        change, _ = start_session(user_id=self.account.id, device=device, now=started_at)
        self.sessions.append((change.after, self.role, self.is_suspended))

    def apply(self, change: Change[Account]) -> None:
        self.account = change.after
        self.changes += 1
        assert [type(event) for event in change.events] == [AllSessionsRevoked]
        assert all(self.account.has_ended(session) for session, _, _ in self.sessions)

    @rule(role=st.sampled_from(["operator", "support"]))
    def role_is_granted(self, role: str) -> None:
        with suppress(BadRequest):
            self.apply(access.grant_role(self.account, role, self.now))
            assert self.role != role
            self.role = role

    @rule()
    def role_is_revoked(self) -> None:
        with suppress(BadRequest):
            self.apply(access.revoke_role(self.account, self.now))
            assert self.role is not None
            self.role = None

    @rule()
    def account_is_suspended(self) -> None:
        with suppress(BadRequest):
            self.apply(access.suspend(self.account, "fraud", self.now))
            assert not self.is_suspended
            self.is_suspended = True

    @rule()
    def account_is_reinstated(self) -> None:
        with suppress(BadRequest):
            self.apply(access.reinstate(self.account, self.now))
            assert self.is_suspended
            self.is_suspended = False

    @invariant()
    def account_has_the_decided_access(self) -> None:
        assert self.account.role == self.role
        assert (self.account.suspension is not None) == self.is_suspended

    @invariant()
    def every_change_is_one_version(self) -> None:
        assert self.account.version == self.changes

    @invariant()
    def session_that_has_not_ended_has_the_present_access(self) -> None:
        for session, role, is_suspended in self.sessions:
            is_current = (role, is_suspended) == (self.role, self.is_suspended)
            assert is_current or self.account.has_ended(session)


TestAccess = Access.TestCase


def test_repeated_decision_is_refused() -> None:
    account = create_account(new_id(), email="a@example.com", password_hash="h", now=NOW).after
    operator = access.grant_role(account, "operator", NOW).after
    suspended = access.suspend(account, "fraud", NOW).after

    for decide in (
        lambda: access.grant_role(operator, "operator", NOW),
        lambda: access.revoke_role(account, NOW),
        lambda: access.suspend(suspended, "again", NOW),
        lambda: access.reinstate(account, NOW),
    ):
        with pytest.raises(BadRequest):
            decide()


def test_unknown_browsers_within_a_minute_are_one_fact() -> None:
    account = create_account(new_id(), email="a@example.com", password_hash="h", now=NOW).after

    first = account.record_unknown_device(NOW)
    second = first.after.record_unknown_device(NOW + timedelta(seconds=59))
    third = first.after.record_unknown_device(NOW + timedelta(minutes=1))

    assert [len(change.events) for change in (first, second, third)] == [1, 0, 1]
    assert third.after.unknown_device_at == NOW + timedelta(minutes=1)


def test_only_the_user_of_an_active_session_authenticates_in_it() -> None:
    user_id = new_id()
    session = start_session(user_id=user_id, device=Device("", "192.0.2.1"), now=NOW)[0].after
    later = NOW + timedelta(hours=1)

    assert session.authenticated_at == NOW
    assert session.authenticate(user_id, later).after == replace(
        session, version=1, authenticated_at=later
    )
    for other, refused in ((new_id(), session), (user_id, session.end(NOW).after)):
        with pytest.raises(Unauthorized):
            refused.authenticate(other, later)


async def sign_up(auth: Client, **fields: str) -> str:
    response = await auth.post("/api/users/signup", json={**ANN, **fields})
    assert response.status_code == 201, response.text
    return response.json()["id"]


def claims(client: Client) -> dict[str, Any]:
    return jwt.decode(client.cookies["session"], options={"verify_signature": False})


async def run(environment: dict[str, Any], *arguments: str) -> tuple[int | None, str]:
    """Run a command beside the running service, and return its status and output."""
    variables = {name.upper(): str(value) for name, value in environment.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "common.operations.cli", "auth", *arguments),
        env={"PATH": os.environ["PATH"], **variables, "LOG_LEVEL": "ERROR"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_suspension_applies_to_every_replica_and_is_recorded(
    start: Start, environment: dict[str, Any]
) -> None:
    now = datetime.now(UTC)
    first, second = [await start(lambda: datetime.now(UTC)) for _ in range(2)]
    user_id = await sign_up(first)
    second.cookies.update(first.cookies)

    status, output = await run(environment, "suspend", "ANN@example.com", *BY_BOB)

    assert status == 0, output
    for replica in (first, second):

        async def is_signed_out(replica: Client = replica) -> bool:
            return (await replica.get("/api/users/account")).status_code == 401

        await eventually(is_signed_out)
    assert (await first.post("/api/users/signin", json=ANN)).status_code == 200
    assert claims(first)["suspended"] is True
    account = (await first.get("/api/users/account")).json()
    assert account["suspended"]["reason"] == "sells tickets of others"
    assert datetime.fromisoformat(account["suspended"]["at"]) >= now
    doc = await collection_of(AccountDocument).find_one({"_id": object_id(user_id)})
    assert doc is not None
    (entry,) = doc["history"]
    assert entry["by"] == "operator bob: sells tickets of others"
    assert set(entry["changed"]) == {"suspension"}


async def test_commands_grant_and_revoke_the_role_and_refuse_the_rest(
    start: Start, environment: dict[str, Any]
) -> None:
    real = await start(lambda: datetime.now(UTC))
    user_id = await sign_up(real)

    granted = await run(environment, "grant", user_id, *BY_BOB)
    again = await run(environment, "grant", user_id, *BY_BOB)
    await real.post("/api/users/signin", json=ANN)
    as_operator = claims(real)
    revoked = await run(environment, "revoke", user_id, *BY_BOB)
    await real.post("/api/users/signin", json=ANN)
    refused = [
        again,
        await run(environment, "reinstate", user_id, *BY_BOB),
        await run(environment, "suspend", "nobody@example.com", *BY_BOB),
        await run(environment, "suspend", new_id(), *BY_BOB),
    ]

    assert (granted[0], revoked[0]) == (0, 0), (granted, revoked)
    assert as_operator["role"] == "operator"
    assert "role" not in claims(real)
    assert [status for status, _ in refused] == [1] * 4
    assert "Nothing was changed" in refused[0][1]
    assert (await run(environment, "suspend", user_id, "--actor", "bob"))[0] == 2


async def change_email(client: Client, **body: str) -> httpx.Response:
    return await client.post("/api/users/email", json={"email": "ann2@example.com", **body})


async def test_password_given_again_permits_sensitive_changes_for_ten_minutes(
    auth: Client, clock: FakeClock
) -> None:
    await sign_up(auth)
    fresh = await change_email(auth)
    clock.advance(minutes=10, seconds=1)
    stale = await change_email(auth)
    wrong = await auth.post("/api/users/reauthenticate", json={"password": "wrong"})
    refresh_token = auth.cookies["refresh"]

    confirmed = await auth.post("/api/users/reauthenticate", json={"password": ANN["password"]})
    permitted = await change_email(auth)
    refreshed = await auth.post("/api/users/refresh")
    after_refresh = await change_email(auth)
    clock.advance(minutes=10, seconds=1)
    late = await change_email(auth)

    assert (fresh.status_code, stale.status_code, wrong.status_code) == (202, 403, 400)
    assert errors(stale)[0]["field"] == "reauthentication"
    assert errors(wrong)[0]["field"] == "password"
    assert confirmed.status_code == 200
    assert confirmed.json()["email"] == ANN["email"]
    assert set(confirmed.cookies) == {"session"}, "the refresh token stays"
    assert refreshed.status_code == 200
    assert auth.cookies["refresh"] != refresh_token
    assert [one.status_code for one in (permitted, after_refresh, late)] == [202, 202, 403]
    assert (await change_email(auth, password=ANN["password"])).status_code == 202


async def test_wrong_passwords_to_confirm_are_limited(auth: Client) -> None:
    await sign_up(auth)

    statuses = [
        (await auth.post("/api/users/reauthenticate", json={"password": "wrong"})).status_code
        for _ in range(11)
    ]

    assert statuses == [400] * 10 + [429]


async def test_session_without_use_for_14_days_cannot_be_refreshed(
    start: Start, clock: FakeClock
) -> None:
    auth = await start()
    await sign_up(auth)
    clock.advance(days=14)
    used = await auth.post("/api/users/refresh")
    cookies = dict(auth.cookies)
    clock.advance(days=14, seconds=1)
    refused = await auth.post("/api/users/refresh")
    await auth.post("/api/users/signin", json=ANN)
    listed = (await auth.get("/api/users/sessions")).json()
    patient = await start(session_idle_days=20)
    patient.cookies.update({"refresh": cookies["refresh"]})

    assert (used.status_code, refused.status_code) == (200, 401)
    assert [session["current"] for session in listed] == [True]
    assert (await patient.post("/api/users/refresh")).status_code == 200


@pytest.mark.parametrize("route", ["signin", "signup"])
async def test_sign_in_ends_the_session_that_the_browser_had(auth: Client, route: str) -> None:
    await sign_up(auth)
    before = dict(auth.cookies)
    credentials = ANN if route == "signin" else {**ANN, "email": "bob@example.com"}

    response = await auth.post(f"/api/users/{route}", json=credentials)
    failed = await auth.post("/api/users/signin", json={**ANN, "password": "wrong"})

    assert response.is_success
    assert failed.status_code == 400
    assert (await auth.get("/api/users/account")).status_code == 200, "a failure ends nothing"
    auth.cookies.clear()
    auth.cookies.update(before)
    assert (await auth.get("/api/users/account")).status_code == 401
    assert (await auth.post("/api/users/refresh")).status_code == 401


async def test_sign_in_in_an_unknown_browser_is_published_and_gets_a_letter(
    auth: Client, clock: FakeClock
) -> None:
    user_id = await sign_up(auth)
    assert (await auth.post("/api/users/signin", json=ANN)).status_code == 200
    known = await collection_of(AccountDocument).find_one({"_id": object_id(user_id)})
    auth.cookies.clear()
    clock.advance(hours=1)
    assert (await auth.post("/api/users/signin", json=ANN)).status_code == 200

    async def kinds() -> list[str]:
        notices = (await auth.get("/api/users/notices")).json()["notices"]
        found = [notice["kind"] for notice in notices]
        return found if "new_sign_in" in found else []

    assert sorted(await eventually(kinds)) == ["new_sign_in", "verify"]
    assert known is not None
    assert known["unknown_device_at"] is None
