"""Tests of the second factor: who has the password is asked for a passkey or a recovery code."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from auth.store.accounts import AccountDocument
from auth.testing import SoftwareAuthenticator
from common.persistence.mongo import Doc, collection_of
from common.testing.client import Client, errors
from common.testing.clock import FakeClock
from common.testing.polling import eventually
from mail_local.testing import MailControl

Start = Callable[..., Awaitable[Client]]
ORIGIN = "https://tickets.example"
ADA, BOB, PASSWORD, NEW = "ada@example.com", "bob@example.com", "correct horse", "battery staple"
REMOVAL = "The second step of your sign-in will be removed"


async def post(client: Client, path: str, body: object = None) -> httpx.Response:
    return await client.post(f"/api/users/{path}", json=body or {})


async def sign_up(client: Client, email: str = ADA) -> SoftwareAuthenticator:
    """Create an account with a passkey that is required."""
    client.sign_out()
    await post(client, "signup", {"email": email, "password": PASSWORD})
    key = SoftwareAuthenticator(ORIGIN)
    ceremony = (await post(client, "passkeys/options")).json()
    body = {
        "challengeId": ceremony["challengeId"],
        "credential": key.create(ceremony["options"]),
        "name": "Phone",
    }
    assert (await post(client, "passkeys", body)).status_code == 201
    assert (await choose(client, required=True)).status_code == 200
    return key


async def choose(client: Client, *, required: bool) -> httpx.Response:
    return await client.put("/api/users/second-factor", json={"required": required})


async def type_password(client: Client, password: str = PASSWORD, email: str = ADA) -> Doc:
    """Return the challenge after the right password."""
    client.sign_out()
    response = await post(client, "signin", {"email": email, "password": password})
    assert response.status_code == 202, response.text
    assert "set-cookie" not in response.headers
    return response.json()


async def respond(client: Client, ceremony: Doc, key: SoftwareAuthenticator) -> httpx.Response:
    credential = key.get(ceremony["options"])
    body = {"challengeId": ceremony["challengeId"], "credential": credential}
    return await post(client, "signin/passkey", body)


async def recover(client: Client, ceremony: Doc, code: str) -> httpx.Response:
    body = {"challengeId": ceremony["challengeId"], "code": code}
    return await post(client, "signin/recovery", body)


async def reset_password(client: Client, mail: MailControl) -> None:
    client.sign_out()
    await post(client, "forgot", {"email": ADA})
    query = await link(mail, ADA, "Choose a new password")
    assert (await post(client, "reset", {**query, "password": NEW})).status_code == 200


async def announce(client: Client) -> httpx.Response:
    ceremony = await type_password(client, NEW)
    return await post(client, "second-factor/removal", {"challengeId": ceremony["challengeId"]})


async def link(mail: MailControl, to: str, subject: str) -> dict[str, str]:
    """Return the query of the link in the newest letter of a subject."""

    async def found() -> list[str]:
        return [one["links"][0] for one in mail.letters(to) if one["subject"] == subject]

    query = parse_qs(urlsplit((await eventually(found))[-1]).query)
    return {name: values[0] for name, values in query.items()}


@pytest.fixture
async def site(start: Start) -> Client:
    """A client of the running service."""
    return await start(public_url=ORIGIN)


@pytest.fixture
async def mailing(site: Client, start_mailer: Start, mail: MailControl, clock: FakeClock) -> Client:
    """The same client, with a mailer whose time passes ten times as fast as ours."""
    assert not mail.letters()
    started = time.monotonic()
    await start_mailer(lambda: clock() + timedelta(seconds=10 * (time.monotonic() - started)))
    return site


async def test_password_alone_starts_no_session_where_a_passkey_is_required(site: Client) -> None:
    key = await sign_up(site)

    ceremony = await type_password(site)
    nobody = await site.get("/api/users/account")
    signed_in = await respond(site, ceremony, key)

    assert nobody.status_code == 401
    assert len(ceremony["options"]["allowCredentials"]) == 1
    assert (signed_in.status_code, signed_in.json()["email"]) == (200, ADA)


async def test_wrong_password_is_answered_as_without_a_second_factor(site: Client) -> None:
    await sign_up(site)
    site.sign_out()

    response = await post(site, "signin", {"email": ADA, "password": "wrong"})

    assert response.status_code == 400
    assert errors(response) == [{"message": "Invalid credentials"}]


async def test_passkey_of_another_user_is_no_second_factor(site: Client) -> None:
    foreign = await sign_up(site, BOB)
    await sign_up(site)

    response = await respond(site, await type_password(site), foreign)

    assert response.status_code == 400
    assert "set-cookie" not in response.headers


async def test_second_factor_needs_a_passkey_and_keeps_the_last_one(site: Client) -> None:
    await post(site, "signup", {"email": BOB, "password": PASSWORD})
    without = await choose(site, required=True)
    await sign_up(site)
    (passkey,) = (await site.get("/api/users/passkeys")).json()["passkeys"]
    path = f"/api/users/passkeys/{passkey['id']}"

    kept = await site.delete(path)
    await choose(site, required=False)
    removed = await site.delete(path)

    assert (without.status_code, errors(without)[0]["field"]) == (400, "required")
    assert (kept.status_code, removed.status_code) == (400, 204)
    site.sign_out()
    body = {"email": ADA, "password": PASSWORD}
    assert (await post(site, "signin", body)).status_code == 200


async def test_recovery_code_signs_in_once(site: Client) -> None:
    await sign_up(site)
    codes = (await post(site, "recovery-codes")).json()["codes"]
    ceremony = await type_password(site)

    wrong = await recover(site, ceremony, codes[0][:-1] + "1")
    right = await recover(site, ceremony, codes[0].lower().replace("-", " "))
    with_used_challenge = await recover(site, ceremony, codes[1])
    used = await recover(site, await type_password(site), codes[0])
    other = await recover(site, await type_password(site), codes[1])

    assert (wrong.status_code, errors(wrong)[0]["field"]) == (400, "code")
    assert right.status_code == 200
    assert (used.status_code, errors(used)[0]["field"]) == (400, "code")
    assert (with_used_challenge.status_code, other.status_code) == (400, 200)
    assert (await site.get("/api/users/passkeys")).json()["recoveryCodes"] == 8


async def test_new_recovery_codes_replace_the_old_ones_and_are_stored_as_digests(
    site: Client,
) -> None:
    await sign_up(site)
    old = (await post(site, "recovery-codes")).json()["codes"]
    new = (await post(site, "recovery-codes")).json()["codes"]

    doc = await collection_of(AccountDocument).find_one({})

    assert len({*old, *new}) == 20
    assert not [code for code in (*old, *new) if code in str(doc)]
    assert (await recover(site, await type_password(site), old[0])).status_code == 400


async def test_recovery_code_of_another_user_is_refused(site: Client) -> None:
    await sign_up(site, BOB)
    codes = (await post(site, "recovery-codes")).json()["codes"]
    await sign_up(site)

    assert (await recover(site, await type_password(site), codes[0])).status_code == 400


async def test_guesses_of_recovery_codes_are_limited_for_each_account(start: Start) -> None:
    site = await start(public_url=ORIGIN, sign_ins_per_account_and_address=2)
    await sign_up(site)
    ceremony = await type_password(site)

    guesses = [await recover(site, ceremony, f"guess-{number}") for number in range(3)]

    assert [one.status_code for one in guesses] == [400, 400, 429]


async def test_challenge_of_a_passkey_sign_in_proves_no_password(site: Client) -> None:
    await sign_up(site)
    codes = (await post(site, "recovery-codes")).json()["codes"]
    site.sign_out()
    ceremony = (await post(site, "signin/passkey/options")).json()

    assert (await recover(site, ceremony, codes[0])).status_code == 400
    body = {"challengeId": ceremony["challengeId"]}
    assert (await post(site, "second-factor/removal", body)).status_code == 400


async def test_reset_by_mail_keeps_the_second_factor(mailing: Client, mail: MailControl) -> None:
    key = await sign_up(mailing)

    await reset_password(mailing, mail)

    assert (await respond(mailing, await type_password(mailing, NEW), key)).status_code == 200


async def test_person_who_lost_passkey_and_codes_gets_in_after_72_hours(
    mailing: Client, mail: MailControl, clock: FakeClock
) -> None:
    await sign_up(mailing)
    await reset_password(mailing, mail)

    announced = await announce(mailing)
    clock.advance(hours=71, minutes=59)
    await type_password(mailing, NEW)  # still asked for
    clock.advance(minutes=1)
    signed_in = await post(mailing, "signin", {"email": ADA, "password": NEW})

    assert announced.status_code == 202
    assert signed_in.status_code == 200
    protection = (await mailing.get("/api/users/passkeys")).json()
    assert (protection["required"], "removalAt" in protection) == (False, False)


async def test_removal_without_a_fresh_reset_is_refused(
    mailing: Client, mail: MailControl, clock: FakeClock
) -> None:
    await sign_up(mailing)
    ceremony = await type_password(mailing)
    body = {"challengeId": ceremony["challengeId"]}
    by_password = await post(mailing, "second-factor/removal", body)

    await reset_password(mailing, mail)
    clock.advance(hours=1)
    too_late = await announce(mailing)

    for refused in (by_password, too_late):
        message = "Choose a new password by mail first"
        assert (refused.status_code, errors(refused)) == (400, [{"message": message}])


async def test_announced_removal_is_cancelled_by_the_link_of_its_letter(
    mailing: Client, mail: MailControl, clock: FakeClock
) -> None:
    await sign_up(mailing)
    await reset_password(mailing, mail)
    await announce(mailing)
    query = await link(mail, ADA, REMOVAL)

    clock.advance(hours=71)
    mailing.sign_out()
    forged = await post(mailing, "second-factor/removal/cancel", {**query, "token": "x"})
    without = await post(mailing, "second-factor/removal/cancel")
    cancelled = await post(mailing, "second-factor/removal/cancel", query)
    clock.advance(hours=2)

    assert (forged.status_code, without.status_code) == (400, 401)
    assert cancelled.status_code == 200
    await type_password(mailing, NEW)  # still asked for


async def test_announced_removal_is_cancelled_by_a_session_and_blocks_the_address(
    mailing: Client, start: Start, mail: MailControl
) -> None:
    key = await sign_up(mailing)
    await reset_password(mailing, mail)
    await announce(mailing)
    owner = await start(public_url=ORIGIN)
    await respond(owner, await type_password(owner, NEW), key)
    change = {"email": "eve@example.com", "password": NEW}

    blocked = await post(owner, "email", change)
    pending = (await owner.get("/api/users/passkeys")).json()
    cancelled = await post(owner, "second-factor/removal/cancel")

    assert blocked.status_code == 400
    assert pending["required"]
    assert pending["removalAt"]
    assert cancelled.status_code == 200
    assert "removalAt" not in (await owner.get("/api/users/passkeys")).json()
    assert (await post(owner, "email", change)).status_code == 202


async def test_each_passkey_that_is_added_or_removed_gets_a_letter(
    mailing: Client, mail: MailControl, clock: FakeClock
) -> None:
    await sign_up(mailing)
    await choose(mailing, required=False)
    (passkey,) = (await mailing.get("/api/users/passkeys")).json()["passkeys"]
    clock.advance(seconds=1)
    await mailing.delete(f"/api/users/passkeys/{passkey['id']}")

    async def informed() -> bool:
        subjects = {one["subject"] for one in mail.letters(ADA)}
        added = "A passkey was added to your account"
        return {added, "A passkey was removed from your account"} <= subjects

    await eventually(informed)


async def test_passkeys_without_a_session_are_401(site: Client) -> None:
    for method, path in (
        *(("POST", path) for path in ("passkeys/options", "passkeys", "recovery-codes")),
        ("GET", "passkeys"),
        ("PUT", "second-factor"),
        ("POST", "second-factor/removal/cancel"),
    ):
        response = await site.request(method, f"/api/users/{path}", json={})
        assert response.status_code == 401, path
