"""Tests of the account: verification, forgotten passwords, changes, and notices."""

import asyncio
import dis
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pymongo import AsyncMongoClient

from auth.common_passwords import OWN_WORDS, is_common_password, password_warning
from auth.store.accounts import AccountDocument
from auth.store.letters import LetterDocument, ResetRequestDocument
from common.events import AllSessionsRevoked, OrderCancelled, OrderedTicket, OrderStatus
from common.persistence.mongo import Doc, collection_of
from common.testing.client import Client, errors
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.ids import new_id
from mail_local.testing import MailControl

Start = Callable[..., Awaitable[Client]]
Link = dict[str, str]
ADA, BOB = "ada@example.com", "bob@example.com"
OLD, NEW = "correct horse", "battery staple"
CHANGED = "accounts|letters|reset_requests|sessions|throttle"
SUBJECTS = {
    "verify": "Confirm your email address",
    "reset": "Choose a new password",
    "email": "Confirm your new email address",
}


async def post(client: Client, path: str, body: object = None) -> httpx.Response:
    return await client.post(f"/api/users/{path}", json=body or {})


async def sign_up(client: Client, email: str = ADA, password: str = OLD, **more: Any) -> Doc:
    client.cookies.clear()
    response = await post(client, "signup", {"email": email, "password": password, **more})
    assert response.status_code == 201
    return response.json()


async def sign_in(client: Client, email: str, password: str) -> httpx.Response:
    client.cookies.clear()
    return await post(client, "signin", {"email": email, "password": password})


async def link(mail: MailControl, to: str, kind: str, count: int = 1) -> Link:
    """Return the query of the link in the newest letter of a kind."""

    async def enough() -> list[str]:
        found = [one["links"][0] for one in mail.letters(to) if one["subject"] == SUBJECTS[kind]]
        return found if len(found) >= count else []

    query = parse_qs(urlsplit((await eventually(enough))[-1]).query)
    return {name: values[0] for name, values in query.items()}


async def account(client: Client) -> Doc:
    return (await client.get("/api/users/account")).json()


@pytest.fixture
async def site(start: Start, start_mailer: Start, mail: MailControl, clock: FakeClock) -> Client:
    """A client of the running service, with its mailer and an empty mailbox.

    The time of the mailer passes ten times as fast as ours, so that it soon repeats what failed on
    a busy machine.
    """
    assert not mail.letters()
    started = time.monotonic()
    await start_mailer(lambda: clock() + timedelta(seconds=10 * (time.monotonic() - started)))
    return await start()


async def test_address_is_verified_by_its_link_once(site: Client, mail: MailControl) -> None:
    await sign_up(site)
    query = await link(mail, ADA, "verify")
    assert (await account(site))["verified"] is False

    opened = await site.get("/api/users/verify", params=query)
    first, second = await post(site, "verify", query), await post(site, "verify", query)

    assert opened.status_code == 405, "a scanner that opens links changes nothing"
    assert (first.status_code, second.status_code) == (200, 400)
    assert (await account(site))["verified"] is True
    assert (await post(site, "verify/again")).status_code == 400


async def test_verification_letter_can_be_asked_for_again_five_times(
    site: Client, mail: MailControl, clock: FakeClock
) -> None:
    await sign_up(site)
    await link(mail, ADA, "verify")

    statuses: list[int] = []
    for _ in range(6):
        clock.advance(seconds=1)
        statuses.append((await post(site, "verify/again")).status_code)

    assert statuses == [202] * 5 + [429]
    query = await link(mail, ADA, "verify", count=6)
    assert (await post(site, "verify", query)).status_code == 200


async def test_forgotten_password_is_reset_by_its_link_once(
    site: Client, mail: MailControl, published: EventProbe
) -> None:
    await sign_up(site)
    assert (await post(site, "forgot", {"email": "ADA@example.com"})).status_code == 202
    query = await link(mail, ADA, "reset")

    reset = await post(site, "reset", {**query, "password": NEW})
    again = await post(site, "reset", {**query, "password": "another one"})

    assert (reset.status_code, again.status_code) == (200, 400)
    assert "set-cookie" not in reset.headers
    assert await published.next(AllSessionsRevoked)
    assert (await site.get("/api/users/account")).status_code == 401
    assert (await sign_in(site, ADA, OLD)).status_code == 400
    assert (await sign_in(site, ADA, NEW)).status_code == 200
    assert (await account(site))["verified"] is True


async def test_link_is_valid_for_one_hour_and_only_for_its_own_purpose(
    site: Client, mail: MailControl, clock: FakeClock
) -> None:
    await sign_up(site)
    verify = await link(mail, ADA, "verify")
    await post(site, "forgot", {"email": ADA})
    reset = await link(mail, ADA, "reset")

    swapped = [
        await post(site, "verify", reset),
        await post(site, "reset", {**verify, "password": NEW}),
        await post(site, "reset", {**reset, "token": verify["token"], "password": NEW}),
        await post(site, "reset", {**reset, "letter": new_id(), "password": NEW}),
        await post(site, "reset", {**reset, "letter": "x", "password": NEW}),
    ]
    clock.advance(hours=2)  # the mailer's time passes, so its letters are younger
    late = [
        await post(site, "verify", verify),
        await post(site, "reset", {**reset, "password": NEW}),
    ]

    responses = [*swapped, *late]
    assert {one.status_code for one in responses} == {400}
    assert len({one.text for one in responses}) == 1, "the same words for every invalid link"
    assert (await sign_in(site, ADA, OLD)).status_code == 200


async def test_link_made_before_a_password_change_is_invalid(
    site: Client, mail: MailControl
) -> None:
    await sign_up(site)
    await post(site, "forgot", {"email": ADA})
    reset, verify = await link(mail, ADA, "reset"), await link(mail, ADA, "verify")

    changed = await post(site, "password", {"oldPassword": OLD, "password": NEW})

    assert changed.status_code == 200
    assert (await post(site, "reset", {**reset, "password": "third one"})).status_code == 400
    assert (await post(site, "verify", verify)).status_code == 400


async def test_link_made_before_an_email_change_is_invalid(site: Client, mail: MailControl) -> None:
    await sign_up(site)
    await post(site, "forgot", {"email": ADA})
    reset = await link(mail, ADA, "reset")

    await post(site, "email", {"email": "ada@new.example", "password": OLD})
    confirmed = await post(site, "verify", await link(mail, "ada@new.example", "email"))

    assert confirmed.status_code == 200
    assert (await post(site, "reset", {**reset, "password": NEW})).status_code == 400
    assert (await sign_in(site, "ada@new.example", OLD)).status_code == 200


async def test_link_used_twice_at_once_works_once(site: Client, mail: MailControl) -> None:
    await sign_up(site)
    await post(site, "forgot", {"email": ADA})
    reset = await link(mail, ADA, "reset")

    responses = await asyncio.gather(
        *(post(site, "reset", {**reset, "password": f"{NEW} {n}"}) for n in range(4))
    )

    statuses = [one.status_code for one in responses]
    assert sorted(statuses) == [200, 400, 400, 400]
    chosen = f"{NEW} {statuses.index(200)}"
    assert (await sign_in(site, ADA, chosen)).status_code == 200


async def test_reset_while_signed_in_as_somebody_else_keeps_that_session(
    site: Client, mail: MailControl
) -> None:
    await sign_up(site)
    await post(site, "forgot", {"email": ADA})
    reset = await link(mail, ADA, "reset")
    await sign_up(site, BOB)

    assert (await post(site, "reset", {**reset, "password": NEW})).status_code == 200

    assert (await account(site))["email"] == BOB


async def test_forgotten_password_does_the_same_for_known_and_unknown_addresses(
    auth: Client, mongo_uri: str
) -> None:
    """Responses and the commands to MongoDB are compared, and not the time."""
    await sign_up(auth)

    async def is_published() -> bool:
        return await collection_of(AccountDocument).count_documents({"outbox": []}) == 1

    await eventually(is_published)
    async with AsyncMongoClient[Doc](mongo_uri) as client:
        database = client.get_default_database()

        async def measure(email: str) -> tuple[int, str, list[Any]]:
            await database.command("profile", 2)
            response = await post(auth, "forgot", {"email": email})
            await database.command("profile", 0)
            commands = [
                (entry["op"], entry["ns"].partition(".")[2])
                async for entry in database["system.profile"].find({"ns": {"$regex": CHANGED}})
                if "outbox" not in str(entry["command"])  # the sweep of the relay
            ]
            await database["system.profile"].drop()
            return response.status_code, response.text, sorted(commands)

        known, unknown = await measure(ADA), await measure("nobody@example.com")

    assert known == unknown
    assert ("insert", "reset_requests") in known[2]
    assert not [name for _, name in known[2] if name == "accounts"]


@cache
def start_of(code: CodeType) -> int:
    """Return where a function starts: a coroutine that goes on does so elsewhere."""
    return next(one.offset for one in dis.get_instructions(code) if one.opname == "RESUME")


@contextmanager
def counted_calls() -> Generator[Counter[str]]:
    """Count the calls of the functions of auth, which cost the same on every machine."""
    calls = Counter[str]()

    def count(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and "/src/auth/" in code.co_filename and frame.f_lasti == start_of(code):
            calls[f"{Path(code.co_filename).stem}.{code.co_qualname}"] += 1

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize(
    ("path", "secret"), [("forgot", {}), ("signin", {"password": "wrong password"})]
)
async def test_known_and_unknown_addresses_cost_the_same_calls(
    auth: Client, path: str, secret: dict[str, str]
) -> None:
    """The calls are counted, and not the time. A sign-in checks a password against a hash in both
    cases; what a known address costs more is to read its document, which takes microseconds.
    """
    user_id = (await sign_up(auth))["id"]

    async def is_quiet() -> bool:
        published = await collection_of(AccountDocument).count_documents({"outbox": []}) == 1
        letters = await collection_of(LetterDocument).count_documents({"user_id": user_id})
        return published and letters == 1

    await eventually(is_quiet)

    async def calls_for(email: str) -> Counter[str]:
        auth.cookies.clear()
        with counted_calls() as calls:
            await post(auth, path, {"email": email, **secret})
        loops = [call for call in calls if call.startswith("deletion.")]  # run beside requests
        for call in loops:
            del calls[call]
        return calls

    await calls_for("first@example.com")  # fills caches
    known, unknown = await calls_for(ADA), await calls_for("bob@example.com")

    reading = ("accounts.", "emails.") if path == "signin" else ()
    assert not unknown - known
    assert not [call for call in known - unknown if not call.startswith(reading)]
    assert unknown


async def test_unknown_address_gets_no_letter_and_is_not_kept(
    site: Client, mail: MailControl
) -> None:
    await post(site, "forgot", {"email": "nobody@example.com"})

    async def is_handled() -> bool:
        return await collection_of(ResetRequestDocument).count_documents({}) == 0

    await eventually(is_handled)
    assert not mail.letters("nobody@example.com")


async def test_sixth_reset_of_an_address_is_429_whether_or_not_it_has_an_account(
    auth: Client,
) -> None:
    await sign_up(auth)

    for email in (ADA, "nobody@example.com"):
        responses = [await post(auth, "forgot", {"email": email}) for _ in range(6)]
        assert [one.status_code for one in responses] == [202] * 5 + [429]


async def test_password_change_ends_other_sessions_and_informs_the_user(
    site: Client, start: Start, mail: MailControl
) -> None:
    await sign_up(site)
    phone = await start()
    await sign_in(phone, ADA, OLD)

    changed = await post(site, "password", {"oldPassword": OLD, "password": NEW})

    assert changed.json()["email"] == ADA
    assert (await site.get("/api/users/account")).status_code == 200

    async def is_ended() -> bool:
        return (await phone.get("/api/users/account")).status_code == 401

    await eventually(is_ended)
    assert (await post(phone, "refresh")).status_code == 401

    async def informed() -> bool:
        return any(one["subject"] == "Your password was changed" for one in mail.letters(ADA))

    await eventually(informed)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"oldPassword": "wrong one", "password": NEW}, "oldPassword"),
        ({"oldPassword": OLD, "password": "Password1"}, "password"),
        ({"oldPassword": OLD, "password": "short"}, "password"),
        ({"oldPassword": OLD, "password": "Ticketing2030"}, "password"),
        ({"oldPassword": OLD, "password": "ada@example.com!"}, "password"),
        ({"password": NEW}, "oldPassword"),
    ],
)
async def test_invalid_password_change_is_rejected(
    auth: Client, body: dict[str, str], field: str
) -> None:
    await sign_up(auth)

    response = await post(auth, "password", body)

    assert (response.status_code, errors(response)[0]["field"]) == (400, field)
    assert (await sign_in(auth, ADA, OLD)).status_code == 200


async def test_attempts_to_guess_the_old_password_are_limited(auth: Client) -> None:
    await sign_up(auth)

    guesses = [
        await post(auth, "password", {"oldPassword": f"guess {n}", "password": NEW})
        for n in range(11)
    ]

    assert [one.status_code for one in guesses] == [400] * 10 + [429]


async def test_email_changes_when_the_new_address_is_verified(
    site: Client, mail: MailControl
) -> None:
    await sign_up(site)

    asked = await post(site, "email", {"email": "Ada@new.example", "password": OLD})
    pending = await account(site)
    query = await link(mail, "Ada@new.example", "email")
    confirmed = await post(site, "verify", query)

    assert asked.status_code == 202
    assert (pending["email"], pending["requestedEmail"]) == (ADA, "Ada@new.example")
    assert confirmed.status_code == 200
    assert (await account(site))["email"] == "Ada@new.example"
    assert (await post(site, "verify", query)).status_code == 400
    assert (await sign_in(site, ADA, OLD)).status_code == 400
    assert (await sign_in(site, "ada@new.example", OLD)).status_code == 200

    async def all_informed() -> bool:
        to_old, to_new = (
            {x["subject"] for x in mail.letters(to)} for to in (ADA, "Ada@new.example")
        )
        changed = "Your email address was changed"
        return {"Your email address is to be changed", changed} <= to_old and changed in to_new

    await eventually(all_informed)


async def test_browser_stays_known_when_the_address_changes(
    site: Client, mail: MailControl
) -> None:
    await sign_up(site)
    device = site.cookies["device"]
    await post(site, "email", {"email": "ada@new.example", "password": OLD})
    await post(site, "verify", await link(mail, "ada@new.example", "email"))
    body = {"email": "ada@new.example", "password": OLD}

    response = await post(site, "signin", body)

    assert response.status_code == 200
    assert response.cookies["device"] == device


async def test_later_of_two_email_changes_counts(
    site: Client, mail: MailControl, clock: FakeClock
) -> None:
    await sign_up(site)
    await post(site, "email", {"email": "one@new.example", "password": OLD})
    first = await link(mail, "one@new.example", "email")
    clock.advance(seconds=1)
    await post(site, "email", {"email": "two@new.example", "password": OLD})
    second = await link(mail, "two@new.example", "email")

    assert (await post(site, "verify", first)).status_code == 400
    assert (await post(site, "verify", second)).status_code == 200
    assert (await account(site))["email"] == "two@new.example"


async def test_two_email_changes_at_once_leave_one_that_can_be_confirmed(
    site: Client, mail: MailControl
) -> None:
    await sign_up(site)

    responses = await asyncio.gather(
        *(
            post(site, "email", {"email": f"{name}@new.example", "password": OLD})
            for name in ("one", "two")
        )
    )
    requested = (await account(site))["requestedEmail"]
    confirmed = await post(site, "verify", await link(mail, requested, "email"))

    assert [one.status_code for one in responses] == [202, 202]
    assert confirmed.status_code == 200
    assert (await account(site))["email"] == requested


async def test_change_to_a_taken_address_responds_the_same_and_does_not_happen(
    site: Client, mail: MailControl
) -> None:
    await sign_up(site, BOB)
    await sign_up(site)

    taken = await post(site, "email", {"email": BOB, "password": OLD})
    assert taken.status_code == 202, taken.text
    confirmed = await post(site, "verify", await link(mail, BOB, "email"))

    assert (taken.status_code, taken.json()) == (202, {})
    assert (confirmed.status_code, errors(confirmed)[0]["message"]) == (400, "Email in use")
    assert (await account(site))["email"] == ADA


async def test_password_change_cancels_a_requested_email(site: Client, mail: MailControl) -> None:
    await sign_up(site)
    await post(site, "email", {"email": "eve@new.example", "password": OLD})
    query = await link(mail, "eve@new.example", "email")

    await post(site, "password", {"oldPassword": OLD, "password": NEW})

    assert (await post(site, "verify", query)).status_code == 400
    assert "requestedEmail" not in await account(site)


async def test_sign_up_with_a_common_password_only_warns_until_it_is_changed(auth: Client) -> None:
    body = await sign_up(auth, password="password1")
    warned = (await account(auth))["passwordWarning"]

    await post(auth, "password", {"oldPassword": "password1", "password": NEW})

    assert body["passwordWarning"] == warned
    assert "passwordWarning" not in await account(auth)
    assert set(await sign_up(auth, BOB)) == {"id", "email"}


def test_password_of_the_address_or_the_name_of_the_site_is_easy_to_guess() -> None:
    email = "ada.lovelace@mail.example"
    for password in ("Ticketing2030", "lovelace99", "Ada.Lovelace", "ada.lovelace@mail.example"):
        assert password_warning(password, email) == OWN_WORDS
    for password in ("correct horse", "two tickets for lovelace", "mail a horse"):
        assert password_warning(password, email) is None


def test_common_passwords_are_the_most_used_ones_in_any_letter_case() -> None:
    assert all(map(is_common_password, ("123456", "password", "QWERTY", "Dragon", "qqqqqq1")))
    assert not any(map(is_common_password, ("", "correct horse", "12345 6")))


async def test_letters_are_in_the_chosen_language(site: Client, mail: MailControl) -> None:
    await sign_up(site, language="de")
    assert (await site.put("/api/users/account", json={"language": "fr"})).status_code == 400

    async def german() -> bool:
        return [one["subject"] for one in mail.letters(ADA)] == ["Bestätige deine E-Mail-Adresse"]

    await eventually(german)
    changed = await site.put("/api/users/account", json={"language": "en"})
    assert changed.json()["language"] == "en"


async def test_notices_are_listed_and_marked_as_read(
    auth: Client, published: EventProbe, clock: FakeClock
) -> None:
    user_id = (await sign_up(auth))["id"]
    ticket = OrderedTicket(id=new_id(), title="Front row", price=1999, hold=1)
    cancelled = OrderCancelled(
        id=new_id(),
        version=1,
        status=OrderStatus.CANCELLED,
        user_id=user_id,
        expires_at=clock(),
        ticket=ticket,
    )

    async def notices(count: int) -> Doc:
        async def enough() -> Doc | None:
            found = (await auth.get("/api/users/notices")).json()
            return found if len(found["notices"]) >= count else None

        found = await eventually(enough)
        assert found is not None
        return found

    async def unread() -> int:
        return (await auth.get("/api/users/notices/unread")).json()["unread"]

    assert (await notices(1))["unread"] == await unread() == 1
    clock.advance(seconds=1)
    assert (await post(auth, "notices/read")).status_code == 204
    assert await unread() == 0
    clock.advance(seconds=1)
    await published.publish(cancelled, aggregate_id=cancelled.id)

    listed = await notices(2)
    newest, oldest = listed["notices"]
    assert listed["unread"] == await unread() == 1
    assert (newest["kind"], newest["unread"]) == ("order_cancelled", True)
    assert (newest["title"], newest["amount"], newest["orderId"]) == (
        "Front row",
        19.99,
        cancelled.id,
    )
    assert (oldest["kind"], oldest["unread"]) == ("verify", False)


async def test_notice_of_a_refused_letter_says_that_it_was_not_delivered(
    site: Client, mail: MailControl
) -> None:
    mail.fault("reject_recipient", code=550)
    await sign_up(site)

    async def refused() -> Doc | None:
        found = (await site.get("/api/users/notices")).json()["notices"]
        return next((one for one in found if one.get("undelivered")), None)

    notice = await eventually(refused)
    assert notice is not None
    assert notice["kind"] == "verify"


async def test_account_without_a_session_is_401(auth: Client) -> None:
    for method, path in (
        *(("POST", path) for path in ("verify/again", "password", "email", "notices/read")),
        *(("GET", path) for path in ("account", "notices", "notices/unread")),
        ("PUT", "account"),
    ):
        response = await auth.request(method, f"/api/users/{path}", json={})
        assert response.status_code == 401
