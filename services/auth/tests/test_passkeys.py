"""Tests of passkeys: adding and removing them, and signing in with one."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from auth.domain.passkey import MAX_PASSKEYS, NOT_VERIFIED
from auth.store.passkeys import PasskeyDocument
from auth.testing import SoftwareAuthenticator
from common.persistence.mongo import Doc, collection_of
from common.testing.client import Client, errors
from common.testing.clock import FakeClock
from common.values.ids import new_id

Start = Callable[..., Awaitable[Client]]
ORIGIN = "https://tickets.example"
ADA, BOB, PASSWORD = "ada@example.com", "bob@example.com", "correct horse"


async def post(client: Client, path: str, body: object = None) -> httpx.Response:
    return await client.post(f"/api/users/{path}", json=body or {})


async def sign_up(client: Client, email: str = ADA) -> str:
    client.sign_out()
    response = await post(client, "signup", {"email": email, "password": PASSWORD})
    assert response.status_code == 201, response.text
    return response.json()["id"]


async def begin(client: Client, path: str) -> Doc:
    response = await post(client, path)
    assert response.status_code == 200, response.text
    return response.json()


async def add(client: Client, key: SoftwareAuthenticator, name: str = "Phone") -> httpx.Response:
    ceremony = await begin(client, "passkeys/options")
    body = {
        "challengeId": ceremony["challengeId"],
        "credential": key.create(ceremony["options"]),
        "name": name,
    }
    return await post(client, "passkeys", body)


async def respond(client: Client, ceremony: Doc, credential: Doc) -> httpx.Response:
    body = {"challengeId": ceremony["challengeId"], "credential": credential}
    return await post(client, "signin/passkey", body)


async def sign_in(client: Client, key: SoftwareAuthenticator) -> httpx.Response:
    client.sign_out()
    ceremony = await begin(client, "signin/passkey/options")
    return await respond(client, ceremony, key.get(ceremony["options"]))


def is_refused(response: httpx.Response) -> bool:
    refused = errors(response) == [{"message": NOT_VERIFIED}]
    return response.status_code == 400 and refused and "set-cookie" not in response.headers


@pytest.fixture
async def site(start: Start) -> Client:
    """A client of the running service."""
    return await start(public_url=ORIGIN)


@pytest.fixture
def key() -> SoftwareAuthenticator:
    """An authenticator whose browser shows the site."""
    return SoftwareAuthenticator(ORIGIN)


@pytest.fixture
async def user_id(site: Client, key: SoftwareAuthenticator) -> str:
    """The id of a user who has a passkey."""
    user_id = await sign_up(site)
    assert (await add(site, key)).status_code == 201
    return user_id


async def test_passkey_signs_in_without_a_password(
    site: Client, key: SoftwareAuthenticator, user_id: str
) -> None:
    response = await sign_in(site, key)

    assert (response.status_code, response.json()) == (200, {"id": user_id, "email": ADA})
    assert {"session", "refresh"} <= set(response.cookies)
    assert (await site.get("/api/users/account")).status_code == 200


async def test_passkey_given_again_permits_sensitive_changes(
    site: Client, key: SoftwareAuthenticator, clock: FakeClock
) -> None:
    await sign_up(site, BOB)
    assert (await add(site, SoftwareAuthenticator(ORIGIN))).status_code == 201
    of_bob = await begin(site, "signin/passkey/options")
    await sign_up(site)
    assert (await add(site, key)).status_code == 201
    clock.advance(minutes=10, seconds=1)
    ceremony = await begin(site, "signin/passkey/options")
    body = {
        "challengeId": ceremony["challengeId"],
        "credential": key.get(ceremony["options"]),
    }

    stale = await post(site, "recovery-codes")
    none = await post(site, "reauthenticate")
    wrong = await post(site, "reauthenticate", {**body, "challengeId": of_bob["challengeId"]})
    confirmed = await post(site, "reauthenticate", body)
    again = await post(site, "reauthenticate", body)

    statuses = [one.status_code for one in (stale, none, wrong, confirmed, again)]
    assert statuses == [403, 400, 400, 200, 400]
    assert (await post(site, "recovery-codes")).status_code == 200


@pytest.mark.usefixtures("user_id")
async def test_options_name_the_site_and_no_user(site: Client) -> None:
    registration = (await begin(site, "passkeys/options"))["options"]
    site.sign_out()
    sign_in = (await begin(site, "signin/passkey/options"))["options"]

    assert registration["rp"]["id"] == sign_in["rpId"] == "tickets.example"
    assert len(registration["excludeCredentials"]) == 1
    assert registration["authenticatorSelection"]["userVerification"] == "required"
    assert not sign_in["allowCredentials"]


@pytest.mark.usefixtures("user_id")
async def test_passkeys_are_listed_renamed_and_removed(
    site: Client, key: SoftwareAuthenticator
) -> None:
    other = SoftwareAuthenticator(ORIGIN)
    added = (await add(site, other, "  Laptop ")).json()
    path = f"/api/users/passkeys/{added['id']}"

    renamed = await site.put(path, json={"name": "Work laptop"})
    listed = (await site.get("/api/users/passkeys")).json()
    removed, again = await site.delete(path), await site.delete(path)

    assert renamed.json() == {**added, "name": "Work laptop"}
    assert [one["name"] for one in listed["passkeys"]] == ["Phone", "Work laptop"]
    assert (listed["required"], listed["recoveryCodes"]) == (False, 0)
    assert (removed.status_code, again.status_code) == (204, 404)
    assert is_refused(await sign_in(site, other))
    assert (await sign_in(site, key)).status_code == 200


@pytest.mark.usefixtures("user_id")
async def test_export_has_the_names_of_passkeys(site: Client) -> None:
    exported = await site.get("/api/users/export")

    assert [one["name"] for one in exported.json()["passkeys"]] == ["Phone"]


async def test_history_of_a_passkey_has_its_changes_and_not_its_uses(
    site: Client, key: SoftwareAuthenticator, user_id: str
) -> None:
    await sign_in(site, key)
    (passkey,) = (await site.get("/api/users/passkeys")).json()["passkeys"]
    await site.delete(f"/api/users/passkeys/{passkey['id']}")

    doc = await collection_of(PasskeyDocument).find_one({"user_id": user_id})

    assert passkey["lastUsedAt"]
    assert doc is not None
    assert len(doc["history"]) == 2


@pytest.mark.usefixtures("user_id")
@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://tickets.example.evil.com"},
        {"origin": "http://tickets.example"},
        {"relying_party_id": "evil.com"},
        {"verifies_user": False},
        {"user_handle": bytes(12)},
        {"credential_id": bytes(32)},
    ],
)
async def test_response_that_is_not_for_this_site_and_user_is_refused(
    site: Client, key: SoftwareAuthenticator, wrong: dict[str, Any]
) -> None:
    for name, value in wrong.items():
        setattr(key, name, value)

    assert is_refused(await sign_in(site, key))


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.com"},
        {"relying_party_id": "evil.com"},
        {"verifies_user": False},
    ],
)
async def test_credential_that_is_not_for_this_site_is_not_added(
    site: Client, key: SoftwareAuthenticator, wrong: dict[str, Any]
) -> None:
    await sign_up(site)
    for name, value in wrong.items():
        setattr(key, name, value)

    assert is_refused(await add(site, key))
    assert (await site.get("/api/users/passkeys")).json()["passkeys"] == []


@pytest.mark.usefixtures("user_id")
async def test_signature_of_another_key_is_refused(
    site: Client, key: SoftwareAuthenticator
) -> None:
    forger = SoftwareAuthenticator(ORIGIN)
    forger.credential_id, forger.user_handle = key.credential_id, key.user_handle

    assert is_refused(await sign_in(site, forger))


@pytest.mark.usefixtures("user_id")
async def test_challenge_is_used_once(site: Client, key: SoftwareAuthenticator) -> None:
    site.sign_out()
    ceremony = await begin(site, "signin/passkey/options")
    signed = key.get(ceremony["options"])

    first, replayed = await respond(site, ceremony, signed), await respond(site, ceremony, signed)

    assert first.status_code == 200
    assert is_refused(replayed)


@pytest.mark.usefixtures("user_id")
async def test_challenge_of_another_ceremony_is_refused(
    site: Client, key: SoftwareAuthenticator
) -> None:
    registration = await begin(site, "passkeys/options")
    site.sign_out()
    one, other = [await begin(site, "signin/passkey/options") for _ in range(2)]

    swapped = await respond(site, other, key.get(one["options"]))
    options = {**registration["options"], "rpId": "tickets.example"}
    wrong_kind = await respond(site, registration, key.get(options))

    assert is_refused(swapped)
    assert is_refused(wrong_kind)


@pytest.mark.usefixtures("user_id")
async def test_challenge_expires_after_five_minutes(
    site: Client, key: SoftwareAuthenticator, clock: FakeClock
) -> None:
    site.sign_out()
    early, late = [await begin(site, "signin/passkey/options") for _ in range(2)]

    clock.advance(seconds=299)
    in_time = await respond(site, early, key.get(early["options"]))
    clock.advance(seconds=1)

    assert in_time.status_code == 200
    assert is_refused(await respond(site, late, key.get(late["options"])))


@pytest.mark.usefixtures("user_id")
async def test_copy_of_an_authenticator_is_refused(
    site: Client, key: SoftwareAuthenticator
) -> None:
    copy = key.clone()

    assert (await sign_in(site, key)).status_code == 200
    assert is_refused(await sign_in(site, copy))


async def test_authenticator_without_a_counter_signs_in_repeatedly(
    site: Client, key: SoftwareAuthenticator
) -> None:
    await sign_up(site)
    key.sign_count = None
    await add(site, key)

    assert [(await sign_in(site, key)).status_code for _ in range(2)] == [200, 200]


async def test_credential_belongs_to_the_user_who_added_it_first(
    site: Client, key: SoftwareAuthenticator, user_id: str
) -> None:
    await sign_up(site, BOB)

    assert is_refused(await add(site, key.clone()))
    assert (await sign_in(site, key)).json()["id"] == user_id


@pytest.mark.usefixtures("user_id")
async def test_registration_for_another_user_is_refused(site: Client) -> None:
    ceremony = await begin(site, "passkeys/options")
    await sign_up(site, BOB)
    credential = SoftwareAuthenticator(ORIGIN).create(ceremony["options"])
    body = {"challengeId": ceremony["challengeId"], "credential": credential, "name": "Key"}

    assert is_refused(await post(site, "passkeys", body))


@pytest.mark.usefixtures("user_id")
async def test_passkey_of_another_user_cannot_be_changed(site: Client) -> None:
    (passkey,) = (await site.get("/api/users/passkeys")).json()["passkeys"]
    await sign_up(site, BOB)
    path = f"/api/users/passkeys/{passkey['id']}"

    assert (await site.put(path, json={"name": "Mine"})).status_code == 401
    assert (await site.delete(path)).status_code == 401
    assert (await site.delete(f"/api/users/passkeys/{new_id()}")).status_code == 404


@pytest.mark.usefixtures("user_id")
async def test_account_has_at_most_ten_passkeys(site: Client) -> None:
    for number in range(MAX_PASSKEYS - 1):
        assert (await add(site, SoftwareAuthenticator(ORIGIN), f"{number}")).status_code == 201

    assert (await post(site, "passkeys/options")).status_code == 400


@pytest.mark.usefixtures("user_id")
@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"id": 1},
        {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": None},
        {"id": "ü", "rawId": "x", "type": "public-key", "response": []},
    ],
)
async def test_malformed_credential_is_refused(
    site: Client, key: SoftwareAuthenticator, credential: Doc
) -> None:
    real = {"id": key.get({"challenge": "", "rpId": ""})["id"]}
    for one in (credential, {**credential, **real}):
        ceremony = await begin(site, "signin/passkey/options")
        assert is_refused(await respond(site, ceremony, one))
        ceremony = await begin(site, "passkeys/options")
        body = {"challengeId": ceremony["challengeId"], "credential": one, "name": "Key"}
        assert is_refused(await post(site, "passkeys", body))


async def test_passkey_sign_ins_of_one_address_are_limited(start: Start) -> None:
    site = await start(public_url=ORIGIN, sign_ins_per_address=3)

    statuses = [(await post(site, "signin/passkey/options")).status_code for _ in range(4)]
    body: Doc = {"challengeId": new_id(), "credential": {}}
    sign_in = await post(site, "signin/passkey", body)

    assert statuses == [200, 200, 200, 429]
    assert sign_in.status_code == 429
