"""Attacks on sign-in: the cost of a hash, the limits of attempts, and the ends of sessions."""

import contextlib
import json
import secrets
from datetime import timedelta
from typing import Any, Final

from bson import ObjectId

from common.values.clock import utc_now
from siege.attack import Attack, Siege, cookie_of
from siege.attacker import Attacker, AttackReport, Facts
from ticketing_local.api_user import PASSWORD

SIGN_IN: Final = "/api/users/signin"
SIGN_UP: Final = "/api/users/signup"
CONCURRENT_SIGN_INS: Final = 90
STORED_SESSIONS: Final = 4_000
MAX_LIVE_SESSIONS: Final = 20


def _credentials(email: str, password: str = PASSWORD) -> bytes:
    return json.dumps({"email": email, "password": password}).encode()


def _unknown_email() -> str:
    return f"{secrets.token_hex(6)}@example.com"


async def sign_in_flood(attacker: Attacker) -> None:
    """Sign in to one's own account with the right password, many times at once."""
    body = _credentials(attacker.facts["email"])

    async def sign_in(number: int) -> None:
        async with attacker.client(number) as client:
            await client.request("POST", SIGN_IN, body)

    await attacker.repeat(CONCURRENT_SIGN_INS, sign_in)


async def _create_account(siege: Siege) -> Facts:
    (account,) = await siege.accounts(1)
    await account.close()
    return {"email": account.email, "user": account.id}


async def _check_live_sessions(siege: Siege, facts: Facts, _report: AttackReport) -> list[str]:
    live = {"user_id": facts["user"], "ended_at": None}
    count = await siege.mongo["auth"]["sessions"].count_documents(live)
    if count > MAX_LIVE_SESSIONS:
        return [f"one account has {count} live sessions"]
    return []


async def wrong_passwords(attacker: Attacker) -> None:
    """Guess passwords of unknown accounts, and sign up."""

    async def guess(number: int) -> None:
        path = SIGN_UP if number % 4 == 0 else SIGN_IN
        async with attacker.client(number) as client:
            await client.request("POST", path, _credentials(_unknown_email()))

    await attacker.repeat(60, guess)


async def lock_out(attacker: Attacker) -> None:
    """Send wrong passwords for the accounts of the friendly users."""
    emails = attacker.facts["emails"]

    async def guess(number: int) -> None:
        async with attacker.client(number) as client:
            for _ in range(11):
                await client.request("POST", SIGN_IN, _credentials(emails[number], "wrong one"))
        await attacker.pace(1)

    await attacker.repeat(len(emails), guess)


async def _choose_victims(siege: Siege) -> Facts:
    return {"emails": list(siege.friendly_emails)}


async def revocation_flood(attacker: Attacker) -> None:
    """End the many sessions of one's own account one by one, and at last all at once."""
    remaining = list(attacker.facts["sessions"])
    cookie = attacker.facts["cookie"]
    clients = [attacker.client(number, cookie) for number in range(16)]

    async def end_one(number: int) -> None:
        if remaining:
            await clients[number].request("DELETE", f"/api/users/sessions/{remaining.pop()}")
        else:
            await attacker.pace(0.5)

    await attacker.repeat(len(clients), end_one)
    for client in clients:
        client.close()
    attacker.report.observed["ended"] = len(attacker.facts["sessions"]) - len(remaining)
    attacker.report.observed["ended_all"] = False
    with contextlib.suppress(OSError):
        async with attacker.client(0, cookie) as client:
            response = await client.request("DELETE", "/api/users/sessions")
            attacker.report.observed["ended_all"] = response.status == 204


async def _check_ended(_siege: Siege, _facts: Facts, report: AttackReport) -> list[str]:
    return [] if report.observed["ended_all"] else ["ending all sessions took too long"]


async def _store_sessions(siege: Siege) -> Facts:
    """Store many live sessions of one account, as before their number was limited."""
    (account,) = await siege.accounts(1)
    async with account:
        cookie = cookie_of(account)
    sessions = siege.mongo["auth"]["sessions"]
    stored: Any = await sessions.find_one({"user_id": account.id})
    earlier = utc_now() - timedelta(hours=1)
    copies = [
        {**stored, "_id": ObjectId(), "created_at": earlier, "last_used_at": earlier}
        for _ in range(STORED_SESSIONS)
    ]
    await sessions.insert_many(copies)
    return {"sessions": [str(copy["_id"]) for copy in copies], "cookie": cookie}


ATTACKS: Final = (
    Attack(
        "sign-in-flood",
        "90 sign-ins at a time with the right password",
        sign_in_flood,
        prepare=_create_account,
        check=_check_live_sessions,
        exhausts_its_address=True,
    ),
    Attack("wrong-passwords", "guessed passwords, and sign-ups", wrong_passwords),
    Attack(
        "lock-out",
        "wrong passwords for the accounts of others",
        lock_out,
        prepare=_choose_victims,
    ),
    Attack(
        "revocation-flood",
        "thousands of sessions ended",
        revocation_flood,
        prepare=_store_sessions,
        check=_check_ended,
        exhausts_its_address=True,
    ),
)
