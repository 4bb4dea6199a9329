"""Accounts that are deleted: the traffic, and the check that nothing but their ids is left."""

import random
from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Final

import httpx

from chaos.client_log import ClientLog
from chaos.snapshot import Snapshot
from ticketing_local.api_user import CERTIFICATES, PASSWORD

CREATED: Final = 201
ACCEPTED: Final = 202
FAREWELL: Final = "account_deleted"


async def leave(
    email: str, address: str, rng: random.Random, market: list[Any], client_log: ClientLog
) -> None:
    """Create an account, offer a ticket, and delete the account.

    Others may order the ticket at the same time. A response that is lost is not repeated, because
    the deletion may have begun.
    """
    async with httpx.AsyncClient(
        base_url=address, timeout=20, trust_env=False, verify=CERTIFICATES
    ) as http:
        try:
            body = {"email": email, "password": PASSWORD}
            signed_up = await http.post("/api/users/signup", json=body)
            if signed_up.status_code != CREATED:
                return
            price = rng.randrange(50, 20_000) / 100
            listed = await http.post("/api/tickets", json={"title": "A free place", "price": price})
            if listed.status_code == CREATED:
                market.append(listed.json())
            deleted = await http.delete("/api/users/account")
        except httpx.TransportError:
            return
        if deleted.status_code == ACCEPTED:
            client_log.deleted_accounts[email] = signed_up.json()["id"]


def deletions_complete(snapshot: Snapshot, client_log: ClientLog) -> Iterator[str]:
    """Check that each accepted deletion was carried out, or given up with a letter."""
    accounts = snapshot.by_id("auth.accounts")
    erased = snapshot.by_id("auth.erased_users")
    for email, user_id in client_log.deleted_accounts.items():
        is_kept = user_id in accounts and accounts[user_id]["kept"] is not None
        if is_kept == (user_id in erased):
            yield f"account {user_id} was to be deleted, erased: {user_id in erased}"
        for collection, documents in snapshot.documents.items():
            personal = [doc for doc in documents if email in _identifying(collection, doc)]
            if user_id in erased and personal:
                yield f"{collection} has the address of {user_id}, who was erased"


def erased_users_left_nothing(snapshot: Snapshot) -> Iterator[str]:
    """Check that an erased user has nothing but one last letter, and that two events said so.

    The mail server may have refused the letter. It has no address then either.
    """
    erased = snapshot.by_id("auth.erased_users")
    letters = snapshot.documents["auth.letters"]
    farewells = Counter(one["user_id"] for one in letters if one["kind"] == FAREWELL)
    published = Counter(
        event.id.split(":")[1]
        for event in snapshot.streams["auth"]
        if event.subject == "user.deleted"
    )
    for user_id, record in erased.items():
        if user_id in snapshot.by_id("auth.accounts"):
            yield f"erased user {user_id} has an account"
        if not record["is_complete"]:
            yield f"the deletion of {user_id} is not complete"
        is_restored = record["requested_by"] == "restore"
        if not is_restored and (farewells[user_id], published[user_id]) != (1, 2):
            yield (
                f"erased user {user_id} has {farewells[user_id]} last letters and "
                f"{published[user_id]} events"
            )
    yield from _data_of_erased_users(snapshot, erased.keys())


def _data_of_erased_users(snapshot: Snapshot, erased: AbstractSet[str]) -> Iterator[str]:
    for session in snapshot.documents["auth.sessions"]:
        if session["user_id"] in erased:
            yield f"session {session['_id']} belongs to an erased user"
    for letter in snapshot.documents["auth.letters"]:
        if letter["user_id"] not in erased:
            continue
        if letter["kind"] != FAREWELL or letter["address"] or letter["state"] == "queued":
            yield f"letter {letter['_id']} to an erased user is {letter['kind']}, {letter['state']}"
    for order in snapshot.documents["orders.orders"]:
        seller_id = order["ticket"].get("seller_id")
        is_live = order["status"] in {"created", "awaiting:payment"}
        if is_live and erased & {order["user_id"], seller_id}:
            yield f"order {order['_id']} of an erased user is live"


def _identifying(collection: str, doc: dict[str, Any]) -> str:
    """Return what may identify a person. The titles of tickets stay as they were published."""
    return repr(doc) if collection.startswith("auth.") else ""
