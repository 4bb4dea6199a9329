"""Tests of the deletion of an account: refused, given up, and carried out whatever happens."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from pydantic import ValidationError

from auth.deletion import DeletionRefused, Deletions
from auth.domain import closing
from auth.domain.account import create_account
from auth.settings import Settings
from auth.store.accounts import AccountDocument
from auth.store.erased_users import ErasedUserDocument
from auth.store.letters import LetterDocument
from auth.store.obligations import MAX_OPEN, ObligationDocument, ObligationStore
from auth.store.personal_data import PersonalData
from common.events import (
    AllSessionsRevoked,
    ChargeStatus,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderEvent,
    OrderStatus,
    PaymentUpdated,
    PayoutFacts,
    PayoutState,
    ReservationsClosed,
    UserDeleted,
    UserUpdated,
)
from common.observability.context import acting_as
from common.persistence.mongo import Doc, collection_of
from common.shows import OrderedShow, Venue
from common.testing.client import Client, errors
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.testing.query_profile import QueryProfile
from common.values.ids import new_id
from mail_local.testing import MailControl

Start = Callable[..., Awaitable[Client]]
ADA, PASSWORD = "ada.deleted@example.com", "correct horse"


def order(
    status: OrderStatus, *, buyer: str, seller: str | None = None, clock: FakeClock, **more: Any
) -> OrderEvent:
    """Return the event of an order in a status."""
    event: type[Any] = {
        OrderStatus.CREATED: OrderCreated,
        OrderStatus.CANCELLED: OrderCancelled,
        OrderStatus.COMPLETE: OrderCompleted,
    }[status]
    fields: dict[str, Any] = {"id": new_id(), "version": 0, "expires_at": clock()} | more
    show = fields.pop("show", None)
    ticket = OrderedTicket(
        id=new_id(), title="Front row", price=1999, hold=1, seller_id=seller, show=show
    )
    return event(status=status, user_id=buyer, ticket=ticket, **fields)


def show_that_ends(clock: FakeClock, **after: int) -> OrderedShow:
    ends_at = clock() + timedelta(**after)
    return OrderedShow(
        id=new_id(),
        name="Late show",
        starts_at=ends_at - timedelta(hours=2),
        ends_at=ends_at,
        time_zone="Europe/Berlin",
        venue=Venue(name="Hall", city="Berlin", country="DE"),
    )


class Person:
    """A signed-up user of a running service, and what the tests do with the account."""

    def __init__(self, auth: Client, published: EventProbe, user_id: str) -> None:
        self.auth = auth
        self.published = published
        self.id = user_id

    async def delete(self) -> int:
        return (await self.auth.delete("/api/users/account")).status_code

    async def know(self, event: OrderEvent | PaymentUpdated) -> None:
        """Publish an event, and wait until auth has stored what follows from it."""
        await self.published.publish(event, aggregate_id=event.id)

        async def is_stored() -> Doc | None:
            stored = {"_id": ObjectId(event.id), "version": event.version}
            return await collection_of(ObligationDocument).find_one(stored)

        await eventually(is_stored)

    async def confirm(self) -> None:
        """Confirm, as orders does, that nobody can order from the closing account."""
        doc = await self.account()
        assert doc is not None
        at = doc["closing"]["at"]
        event = ReservationsClosed(user_id=self.id, closing_at=at)
        await self.published.publish(event, aggregate_id=self.id)

        async def is_confirmed() -> bool:
            current = await self.account()
            return not current or not current["closing"] or current["closing"]["confirmed_at"]

        await eventually(is_confirmed)

    async def account(self) -> Doc | None:
        return await collection_of(AccountDocument).find_one({"_id": ObjectId(self.id)})

    async def wait_until_erased(self) -> None:
        async def is_erased() -> bool:
            return await self.account() is None

        await eventually(is_erased)

    async def wait_until_kept(self) -> Doc:
        async def is_kept() -> Doc | None:
            doc = await self.account()
            return doc["kept"] if doc and not doc["closing"] else None

        kept = await eventually(is_kept)
        assert kept is not None
        return kept


@pytest.fixture
async def ada(auth: Client, published: EventProbe) -> Person:
    """A new user."""
    body = {"email": ADA, "password": PASSWORD, "language": "de"}
    response = await auth.post("/api/users/signup", json=body)
    return Person(auth, published, response.json()["id"])


async def test_account_is_erased_when_orders_has_confirmed_and_the_wait_is_over(
    ada: Person, clock: FakeClock, start_mailer: Start, mail: MailControl
) -> None:
    assert await ada.delete() == 202
    closing_event = await ada.published.next(UserUpdated)
    signed_in = await ada.auth.post("/api/users/signin", json={"email": ADA, "password": PASSWORD})
    await ada.confirm()
    assert await ada.account() is not None, "events that could stop it may still arrive"
    clock.advance(seconds=11)
    await ada.wait_until_erased()
    deleted = await ada.published.next(UserDeleted)
    clock.advance(seconds=21)
    again = await ada.published.next(UserDeleted, 2)
    await start_mailer()

    assert (closing_event.closing, signed_in.status_code) == (True, 403)
    assert (await ada.auth.get("/api/users/account")).status_code == 401
    assert (deleted.id, deleted.version) == (ada.id, 0)
    assert (again.id, again.version) == (ada.id, 1)

    async def last_letter() -> bool:
        return "Dein Konto wurde gelöscht" in [one["subject"] for one in mail.letters(ADA)]

    await eventually(last_letter)

    async def is_forgotten() -> bool:
        docs = await collection_of(LetterDocument).find({}).to_list()
        return ADA not in repr(docs) and [doc["state"] for doc in docs] == ["sent"]

    await eventually(is_forgotten)


async def test_nothing_of_a_deleted_person_stays_in_the_database(
    ada: Person, clock: FakeClock, start_mailer: Start
) -> None:
    """Without a mail server, the last letter is given up, and its address is forgotten."""
    await start_mailer(smtp_url=None)
    for path, body in (
        ("signin", {"email": ADA, "password": "wrong one"}),
        ("forgot", {"email": ADA}),
        ("password", {"oldPassword": "wrong one", "password": "battery staple"}),
        ("email", {"email": "ada.other@example.com", "password": PASSWORD}),
    ):
        await ada.auth.post(f"/api/users/{path}", json=body)
    database = collection_of(AccountDocument).database
    before = {
        name: repr(await database[name].find({}).to_list())
        for name in await database.list_collection_names()
    }
    hashed = (await ada.account() or {})["password_hash"]
    assert {"accounts", "throttle"} <= {name for name, docs in before.items() if ADA in docs}

    await ada.delete()
    await ada.confirm()
    clock.advance(seconds=11)
    await ada.wait_until_erased()
    clock.advance(seconds=21)
    await ada.published.next(UserDeleted, 2)

    async def remaining() -> dict[str, str]:
        found = {
            name: repr(await database[name].find({}).to_list())
            for name in await database.list_collection_names()
            if not name.startswith("system.")
        }
        needles = (ADA, "ada.other@example.com", hashed)
        return {name: docs for name, docs in found.items() if any(one in docs for one in needles)}

    async def is_clean() -> bool:
        return not await remaining()

    await eventually(is_clean)
    assert await database["sessions"].count_documents({"user_id": ada.id}) == 0


@pytest.mark.parametrize("role", ["buyer", "seller"])
async def test_deletion_is_refused_while_an_order_is_unpaid(
    ada: Person, clock: FakeClock, role: str
) -> None:
    parties = {"buyer": new_id(), "seller": new_id()} | {role: ada.id}
    placed = order(OrderStatus.CREATED, clock=clock, **parties)
    await ada.know(placed)

    response = await ada.auth.delete("/api/users/account")
    await ada.know(order(OrderStatus.CANCELLED, clock=clock, **parties, id=placed.id, version=1))

    (error,) = errors(response)
    reasons = {"buyer": "unpaid_order", "seller": "reserved_listing"}
    assert (response.status_code, error["reason"]) == (409, reasons[role])
    assert await ada.delete() == 202


@pytest.mark.parametrize("kind", ["for a show", "without a show"])
async def test_deletion_is_possible_when_the_show_of_a_bought_ticket_has_ended(
    ada: Person, clock: FakeClock, kind: str
) -> None:
    show = show_that_ends(clock, days=14) if kind == "for a show" else None
    bought = order(OrderStatus.COMPLETE, buyer=ada.id, clock=clock, show=show)
    await ada.know(bought)

    refused = await ada.auth.delete("/api/users/account")
    clock.advance(days=14, seconds=1)
    await ada.auth.post("/api/users/signin", json={"email": ADA, "password": PASSWORD})

    (error,) = errors(refused)
    until = (bought.expires_at + timedelta(days=14)).isoformat().replace("+00:00", "Z")
    assert (error["reason"], error["possibleFrom"]) == ("bought_ticket", until)
    assert await ada.delete() == 202


async def test_order_that_arrives_while_the_account_closes_stops_the_deletion(
    ada: Person, clock: FakeClock, start_mailer: Start, mail: MailControl
) -> None:
    await ada.delete()
    await ada.confirm()
    await ada.know(order(OrderStatus.CREATED, buyer=new_id(), seller=ada.id, clock=clock))
    clock.advance(seconds=11)

    kept = await ada.wait_until_kept()
    await start_mailer()

    assert kept["reason"] == "reserved_listing"
    signed_in = await ada.auth.post("/api/users/signin", json={"email": ADA, "password": PASSWORD})
    assert signed_in.status_code == 200

    async def informed() -> bool:
        return "Dein Konto wurde nicht gelöscht" in [one["subject"] for one in mail.letters(ADA)]

    await eventually(informed)


async def test_order_that_is_stored_but_not_handled_stops_the_deletion(
    ada: Person, clock: FakeClock
) -> None:
    """The run waits for its consumers before it decides."""
    await ada.delete()
    await ada.confirm()
    late = order(OrderStatus.CREATED, buyer=ada.id, seller=new_id(), clock=clock)
    await ada.published.publish(late, aggregate_id=late.id)
    clock.advance(seconds=11)

    assert (await ada.wait_until_kept())["reason"] == "unpaid_order"


async def test_payment_that_is_not_final_refuses_the_deletion(ada: Person) -> None:
    refund = PaymentUpdated(
        id=new_id(),
        version=3,
        order_id=new_id(),
        amount=1999,
        status=ChargeStatus.REFUND_PENDING,
        user_id=ada.id,
    )
    await ada.know(refund)

    (error,) = errors(await ada.auth.delete("/api/users/account"))

    assert error["reason"] == "payment"


async def test_seller_who_waits_for_money_cannot_leave_until_the_payout_is_final(
    ada: Person, clock: FakeClock
) -> None:
    held = PaymentUpdated(
        id=new_id(),
        version=3,
        order_id=new_id(),
        amount=1999,
        status=ChargeStatus.SUCCEEDED,
        user_id=new_id(),
        seller_id=ada.id,
        net=1999,
        release_at=clock() + timedelta(days=3),
        payout=PayoutFacts(state=PayoutState.HELD),
    )
    await ada.know(held)

    (error,) = errors(await ada.auth.delete("/api/users/account"))
    sent = {"version": 4, "payout": PayoutFacts(state=PayoutState.SENT)}
    await ada.know(held.model_copy(update=sent))

    assert error["reason"] == "payout"
    assert error["possibleFrom"] is not None
    assert await ada.delete() == 202


async def test_older_event_that_arrives_late_brings_no_obligation_back(
    ada: Person, clock: FakeClock
) -> None:
    cancelled = order(OrderStatus.CANCELLED, buyer=ada.id, clock=clock, version=2)
    await ada.know(cancelled)
    created = order(OrderStatus.CREATED, buyer=ada.id, clock=clock, id=cancelled.id, version=0)
    await ada.published.publish(created, aggregate_id=created.id)
    await ada.published.wait_until_handled("auth-orders")

    assert await ada.delete() == 202


async def test_operator_carries_out_a_deletion_that_waits_for_a_show_and_no_other(
    ada: Person, clock: FakeClock
) -> None:
    deletions: Deletions = ada.auth.app.state.service.deletions
    bought = order(OrderStatus.COMPLETE, buyer=ada.id, clock=clock, version=1)
    placed = order(OrderStatus.CREATED, buyer=ada.id, clock=clock)
    await ada.know(bought)
    await ada.know(placed)

    with pytest.raises(DeletionRefused, match="unpaid order"):
        await deletions.request(ada.id, ignores_dates=True)
    cancelled = order(OrderStatus.CANCELLED, buyer=ada.id, clock=clock, id=placed.id, version=1)
    await ada.know(cancelled)
    assert await ada.delete() == 409
    with acting_as("operator ann: asked by letter"):
        await deletions.request(ada.id, ignores_dates=True)
    await ada.confirm()
    clock.advance(seconds=11)
    await ada.wait_until_erased()

    record = await collection_of(ErasedUserDocument).find_one({"_id": ObjectId(ada.id)})
    assert record is not None
    assert record["requested_by"] == "operator ann: asked by letter"


@pytest.mark.parametrize("step", ["letter", "record", "data", "account"])
async def test_deletion_that_died_at_any_step_is_completed(
    ada: Person, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A run fails once before each step, as a process that dies would leave it."""
    targets = {
        "letter": ("auth.store.letters.LetterStore.add_unless_written", 1),
        "record": ("auth.store.erased_users.ErasedUserStore.add_unless_erased", 1),
        "data": ("auth.store.personal_data.PersonalData.erase", 1),
        "account": ("auth.store.accounts.AccountStore.remove", 1),
    }
    path, _ = targets[step]
    module_path, class_name, method_name = path.rsplit(".", 2)
    owner = getattr(__import__(module_path, fromlist=[class_name]), class_name)
    original = getattr(owner, method_name)
    failures = iter([True])

    async def fail_once(*args: Any, **named: Any) -> None:
        is_step = method_name != "add_unless_written" or "deleted" in repr(args)
        if is_step and next(failures, False):
            raise ConnectionError("the process dies here")
        await original(*args, **named)

    await ada.delete()
    await ada.confirm()
    monkeypatch.setattr(owner, method_name, fail_once)
    clock.advance(seconds=11)
    await ada.wait_until_erased()
    clock.advance(seconds=21)
    await ada.published.next(UserDeleted, 2)

    assert next(failures, None) is None, "it failed once"
    letters = await collection_of(LetterDocument).find({"user_id": ada.id}).to_list()
    assert [one["kind"] for one in letters] == ["account_deleted"]
    assert [one.version for one in await ada.published.all(UserDeleted)] == [0, 1]
    assert len(await ada.published.all(AllSessionsRevoked)) == 2


async def test_second_request_changes_nothing(ada: Person) -> None:
    user_agent = ada.auth
    await ada.delete()
    before = await ada.account()

    assert (await user_agent.delete("/api/users/account")).status_code == 401
    assert (await ada.account() or {})["closing"] == (before or {})["closing"]


async def test_restored_account_of_an_erased_user_is_erased_again(
    ada: Person, clock: FakeClock
) -> None:
    """`restore` inserts the ids of erased users into the restored database."""
    erased_at = clock() - timedelta(days=2)
    await collection_of(ErasedUserDocument).insert_one(
        {
            "_id": ObjectId(ada.id),
            "version": 1,
            "erased_at": erased_at,
            "requested_by": "restore",
            "is_complete": False,
            "outbox": [],
            "history": [],
        }
    )

    await ada.wait_until_erased()

    assert (await ada.published.next(UserDeleted)).id == ada.id
    assert await collection_of(LetterDocument).count_documents({"user_id": ada.id}) == 0


async def test_export_has_the_account_sessions_and_notices(ada: Person) -> None:
    async def has_notice() -> bool:
        export = (await ada.auth.get("/api/users/export")).json()
        return bool(export["notices"])

    await eventually(has_notice)
    response = await ada.auth.get("/api/users/export")

    exported = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert (exported["account"][0]["email"], exported["account"][0]["id"]) == (ADA, ada.id)
    assert [one["current"] for one in exported["sessions"]] == [True]
    assert exported["passkeys"] == []
    assert [one["kind"] for one in exported["notices"]] == ["verify"]
    assert "password" not in response.text.replace("passwordChangedAt", "")


async def test_deletion_and_export_need_a_recent_password(ada: Person, clock: FakeClock) -> None:
    clock.advance(minutes=11)

    responses = [
        await ada.auth.delete("/api/users/account"),
        await ada.auth.get("/api/users/export"),
    ]

    for response in responses:
        assert response.status_code == 403
        assert errors(response)[0]["field"] == "reauthentication"


def test_closing_account_cannot_be_kept_once_it_is_erased(clock: FakeClock) -> None:
    account = create_account(new_id(), email=ADA, password_hash="x", now=clock()).after
    closed = closing.close(account, requested_by="user", ignores_dates=False, now=clock()).after
    erasing = closing.begin_erasure(closed, clock()).after

    assert closing.keep(closed, "payment", clock()).after.closing is None
    assert closing.keep(erasing, "payment", clock()).after == erasing
    assert closing.begin_erasure(erasing, clock()).after == erasing


def test_confirmation_of_an_earlier_closing_is_ignored(clock: FakeClock) -> None:
    account = create_account(new_id(), email=ADA, password_hash="x", now=clock()).after
    first = closing.close(account, requested_by="user", ignores_dates=False, now=clock()).after
    kept = closing.keep(first, "payment", clock()).after
    clock.advance(seconds=1)
    second = closing.close(kept, requested_by="user", ignores_dates=False, now=clock()).after
    assert first.closing is not None
    assert second.closing is not None

    late = closing.confirm(second, first.closing.at, clock()).after
    own = closing.confirm(second, second.closing.at, clock()).after

    assert late == second
    assert closing.is_ready(own, timedelta(), clock())
    assert not closing.is_ready(own, timedelta(seconds=1), clock())


async def test_obligations_of_a_great_seller_are_read_in_a_bounded_number(
    auth: Client, clock: FakeClock
) -> None:
    database = auth.app.state.service.running.database
    seller_id, buyer_id = new_id(), new_id()
    owed: Doc = {"seller_id": seller_id, "of_seller": {"kind": "payout", "until": None}}
    ended = {"kind": "bought_ticket", "until": clock() - timedelta(days=1)}
    future = {"kind": "bought_ticket", "until": clock() + timedelta(days=1)}
    bought: Doc = {"buyer_id": buyer_id, "of_buyer": ended}
    docs = [*({**owed} for _ in range(500)), *({**bought} for _ in range(500))]
    await database["obligations"].insert_many([*docs, {**bought, "of_buyer": future}])
    store = ObligationStore(clock)

    async with QueryProfile(database, "obligations") as profile:
        of_seller = await store.list_open(seller_id)

    assert len(of_seller) == MAX_OPEN
    assert profile.examined <= 2 * MAX_OPEN + 2
    assert [one.until for one in await store.list_open(buyer_id)] == [future["until"]]
    assert await store.list_open(buyer_id, ignores_dates=True) == []


async def test_erasing_an_address_examines_no_attempts_at_others(
    auth: Client,
) -> None:
    database = auth.app.state.service.running.database
    others = [{"_id": f"account-address:user-{n}@example.com:10.0.0.1"} for n in range(500)]
    await database["throttle"].insert_many([*others, {"_id": f"account-address:{ADA}:10.0.0.1"}])
    personal_data = PersonalData(database)

    async with QueryProfile(database, "throttle", "reset_requests") as profile:
        await personal_data.erase(new_id(), ADA)

    assert await database["throttle"].count_documents({}) == len(others)
    assert "COLLSCAN" not in profile.plans
    assert profile.examined <= 20


def test_wait_that_is_shorter_than_a_late_event_is_rejected(environment: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 6"):
        Settings(**environment, deletion_wait_seconds=5)
