"""Tests of letters: one for each fact, user and kind, sent at least once."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from auth.domain.letter import LetterKind
from auth.store.letters import LetterDocument
from common.events import (
    CancelReason,
    OrderCancelled,
    OrderCompleted,
    OrderedTicket,
    OrderStatus,
    OrderUpdated,
    PaymentRefunded,
    PaymentUpdated,
    TicketUpdated,
    UserCreated,
)
from common.persistence.mongo import Doc, collection_of
from common.shows import OrderedShow, Seat, Venue
from common.testing.client import Client
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.ids import new_id
from mail_local.testing import MailControl, ReceivedLetter

Start = Callable[..., Awaitable[Client]]
PASSWORD = "correct horse"
SHOW = OrderedShow(
    id=new_id(),
    name="Hamlet",
    starts_at=datetime(2030, 6, 15, 18, tzinfo=UTC),
    ends_at=datetime(2030, 6, 15, 21, tzinfo=UTC),
    time_zone="Europe/Berlin",
    venue=Venue(name="Schaubühne", city="Berlin", country="DE"),
)


async def _sign_up(auth: Client, email: str = "ada@example.com") -> str:
    response = await auth.post("/api/users/signup", json={"email": email, "password": PASSWORD})
    assert response.status_code == 201
    return response.json()["id"]


async def _received(mail: MailControl, to: str, count: int = 1) -> list[ReceivedLetter]:
    async def enough() -> list[ReceivedLetter]:
        letters = mail.letters(to)
        return letters if len(letters) >= count else []

    return await eventually(enough)


async def _beside_sign_up(mail: MailControl, to: str) -> ReceivedLetter:
    """Return the letter that is not about the sign-up."""
    both = await _received(mail, to, 2)
    return next(one for one in both if one["subject"] != "Confirm your email address")


async def _letters(**query: Any) -> list[Doc]:
    return await collection_of(LetterDocument).find(query).to_list()


async def _letter(**query: Any) -> Doc:
    async def found() -> list[Doc]:
        return await _letters(**query)

    return (await eventually(found))[0]


def _order(
    buyer: str, seller: str | None = None, *, expires_at: datetime, title: str = "Front row"
) -> dict[str, Any]:
    ticket = OrderedTicket(
        id=new_id(),
        title=title,
        price=123450,
        hold=1,
        seller_id=seller,
        show=SHOW,
        seat=Seat(row="4", seat="12"),
    )
    return {
        "id": new_id(),
        "version": 2,
        "user_id": buyer,
        "expires_at": expires_at,
        "ticket": ticket,
    }


async def test_sign_up_sends_one_letter_to_verify_the_address(
    auth: Client, start_mailer: Start, mail: MailControl
) -> None:
    await _sign_up(auth)
    await start_mailer()

    (letter,) = await _received(mail, "ada@example.com")

    assert letter["subject"] == "Confirm your email address"
    assert letter["from"] == "Ticketing <tickets@ticketing.dev>"
    assert letter["headers"]["Auto-Submitted"] == "auto-generated"
    assert letter["links"][0].startswith("https://tickets.example/auth/verify?letter=")
    assert letter["links"][0].replace("&", "&amp;") in letter["html"]


async def test_repeated_and_republished_events_write_no_second_letter(
    auth: Client, published: EventProbe, start_mailer: Start, mail: MailControl, clock: FakeClock
) -> None:
    user_id = await _sign_up(auth)
    event = (await published.next(UserCreated)).model_copy()

    for event_id in ("again", "republished"):
        await published.publish(event, aggregate_id=user_id, event_id=event_id)
    await published.wait_until_handled("auth-auth")

    assert len(await _letters(user_id=user_id)) == 1
    await start_mailer()
    assert len(await _received(mail, "ada@example.com")) == 1
    assert event.created_at == clock()


async def test_events_contain_no_address_and_database_no_token(
    auth: Client, published: EventProbe, start_mailer: Start, mail: MailControl
) -> None:
    await _sign_up(auth)
    await start_mailer()
    (letter,) = await _received(mail, "ada@example.com")
    token = letter["links"][0].partition("token=")[2]

    stored = await _letters()
    events = [event.model_dump_json() for event in await published.all(UserCreated)]

    assert "ada@example.com" not in "".join(events)
    assert token not in f"{stored}{events}"


async def test_paid_order_sends_a_receipt_and_a_letter_to_the_seller(
    auth: Client, published: EventProbe, start_mailer: Start, mail: MailControl, clock: FakeClock
) -> None:
    buyer = await _sign_up(auth, "buyer@example.com")
    seller = await _sign_up(auth, "seller@example.com")
    order = _order(buyer, seller, expires_at=clock())
    completed = OrderCompleted(status=OrderStatus.COMPLETE, **order)
    await published.publish(completed, aggregate_id=completed.id)
    await start_mailer()

    receipt = await _beside_sign_up(mail, "buyer@example.com")
    sold = await _beside_sign_up(mail, "seller@example.com")

    assert receipt["subject"] == "Your ticket: Front row"
    assert "$1,234.50" in receipt["text"]
    lines = {"When: Saturday, 15 June 2030, 20:00", "Where: Schaubühne, Berlin", "Row: 4"}
    assert lines <= set(receipt["text"].splitlines())
    assert f"https://tickets.example/orders/{completed.id}" in receipt["links"]
    assert sold["subject"] == "Sold: Front row"
    assert completed.id not in sold["text"], "the order is the buyer's"
    assert "Hamlet" in sold["text"]


@pytest.mark.parametrize(
    ("reason", "subject"),
    [
        (CancelReason.EXPIRED, "Your reservation has expired: Front row"),
        (CancelReason.PAYMENT_FAILED, "Your order was cancelled: Front row"),
    ],
)
async def test_cancelled_order_sends_a_letter(
    auth: Client,
    published: EventProbe,
    start_mailer: Start,
    mail: MailControl,
    clock: FakeClock,
    reason: CancelReason,
    subject: str,
) -> None:
    order = _order(await _sign_up(auth), expires_at=clock())
    cancelled = OrderCancelled(status=OrderStatus.CANCELLED, reason=reason, **order)
    await published.publish(cancelled, aggregate_id=cancelled.id)
    await start_mailer()

    assert (await _beside_sign_up(mail, "ada@example.com"))["subject"] == subject


async def test_refund_sends_a_letter(
    auth: Client, published: EventProbe, start_mailer: Start, mail: MailControl, clock: FakeClock
) -> None:
    refunded = PaymentRefunded.model_validate(
        {
            "id": new_id(),
            "version": 3,
            "order_id": new_id(),
            "amount": 1999,
            "status": "refunded",
            "user_id": await _sign_up(auth),
            "refunded_at": clock(),
        }
    )
    await published.publish(refunded, aggregate_id=refunded.id)
    await start_mailer()

    letter = await _beside_sign_up(mail, "ada@example.com")
    assert letter["subject"] == "Your refund of $19.99"
    assert refunded.order_id in letter["text"]


PAID: dict[str, Any] = {"state": "sent", "transfer_id": "tr_1", "amount": 1899}
NO_ACCOUNT: dict[str, Any] = {"state": "frozen", "reason": "no_account"}
DISPUTED: dict[str, Any] = {"status": "open", "amount": 1999, "id": "dp_1"}


@pytest.mark.parametrize(
    ("facts", "subject", "words"),
    [
        ({"payout": PAID}, "You have been paid $18.99", "for your ticket “Front row”"),
        ({"payout": NO_ACCOUNT}, "We cannot pay you yet", "where it should go"),
        ({"dispute": DISPUTED}, "A bank asks about one of your sales", "of $19.99"),
        (
            {"dispute": {**DISPUTED, "status": "lost"}},
            "A bank has decided about one of your sales",
            "The buyer gets $19.99 back",
        ),
    ],
    ids=["paid", "held", "dispute", "lost"],
)
async def test_seller_gets_one_letter_about_each_change_of_the_money(
    auth: Client,
    published: EventProbe,
    start_mailer: Start,
    mail: MailControl,
    clock: FakeClock,
    facts: dict[str, Any],
    subject: str,
    words: str,
) -> None:
    seller_id = await _sign_up(auth)
    order = _order(new_id(), seller_id, expires_at=clock())
    sale = OrderCompleted(status=OrderStatus.COMPLETE, **order)
    await published.publish(sale, aggregate_id=sale.id)
    await published.wait_until_handled("auth-orders")
    payment: dict[str, Any] = {
        "id": new_id(),
        "order_id": sale.id,
        "amount": 1999,
        "status": "succeeded",
        "user_id": sale.user_id,
        "seller_id": seller_id,
        "updated_at": clock(),
        **facts,
    }
    for version in (3, 4):  # the second changes something else
        changed = PaymentUpdated.model_validate({**payment, "version": version})
        await published.publish(changed, aggregate_id=changed.id)
    await published.wait_until_handled("auth-payments")
    await start_mailer()

    letters = await _received(mail, "ada@example.com", 3)

    (letter,) = [one for one in letters if one["subject"] == subject]
    assert words in letter["text"]
    assert "/account/earnings" in letter["text"]


async def test_payouts_of_long_ago_and_reasons_of_others_get_no_letter(
    auth: Client, published: EventProbe, clock: FakeClock
) -> None:
    seller_id = await _sign_up(auth)
    paused = {"state": "frozen", "reason": "paused"}
    for payout, at in ((PAID, clock() - timedelta(days=4)), (PAID, None), (paused, clock())):
        payment: dict[str, Any] = {
            "id": new_id(),
            "version": 3,
            "order_id": new_id(),
            "amount": 1999,
            "status": "succeeded",
            "user_id": new_id(),
            "seller_id": seller_id,
            "updated_at": at,
            "payout": payout,
        }
        changed = PaymentUpdated.model_validate(payment)
        await published.publish(changed, aggregate_id=changed.id)
    await published.wait_until_handled("auth-payments")

    kinds = await collection_of(LetterDocument).distinct("kind", {"user_id": seller_id})

    assert set(kinds) <= {LetterKind.VERIFY}


async def test_offer_of_a_refund_sends_a_letter_to_the_buyer(
    auth: Client, published: EventProbe, start_mailer: Start, mail: MailControl, clock: FakeClock
) -> None:
    order = _order(await _sign_up(auth), expires_at=clock())
    offered = OrderUpdated(status=OrderStatus.COMPLETE, refund_offered_at=clock(), **order)
    await published.publish(offered, aggregate_id=offered.id)
    await start_mailer()

    letter = await _beside_sign_up(mail, "ada@example.com")
    assert letter["subject"] == "You can have your money back: Front row"
    assert f"/orders/{offered.id}" in letter["text"]


async def test_listing_withdrawn_by_an_operator_sends_a_letter(
    auth: Client, published: EventProbe, start_mailer: Start, mail: MailControl
) -> None:
    user_id = await _sign_up(auth)
    edited = TicketUpdated(id=new_id(), version=1, title="Front row", price=50, user_id=user_id)
    withdrawn = edited.model_copy(
        update={"version": 2, "withdrawn": True, "withdrawn_by_operator": True}
    )
    for event in (edited, withdrawn):
        await published.publish(event, aggregate_id=event.id)
    await start_mailer()

    letter = await _beside_sign_up(mail, "ada@example.com")
    assert letter["subject"] == "We took your ticket off the market: Front row"


async def test_old_fact_and_unknown_user_get_no_letter(
    auth: Client, published: EventProbe, clock: FakeClock
) -> None:
    user_id = await _sign_up(auth)
    await _letter(user_id=user_id)
    old = _order(user_id, expires_at=clock() - timedelta(days=4))
    foreign = _order(new_id(), expires_at=clock())
    for order in (old, foreign):
        event = OrderCompleted(status=OrderStatus.COMPLETE, **order)
        await published.publish(event, aggregate_id=event.id)
    await published.wait_until_handled("auth-orders")

    assert len(await _letters()) == 1


async def test_title_cannot_forge_a_header_or_reverse_the_text(
    auth: Client, published: EventProbe, start_mailer: Start, mail: MailControl, clock: FakeClock
) -> None:
    title = "Row 1\r\nBcc: eve@example.com\r\n\r\n<b>Hi</b>\u202e{{ 7 * 7 }}"
    order = _order(await _sign_up(auth), expires_at=clock(), title=title)
    completed = OrderCompleted(status=OrderStatus.COMPLETE, **order)
    await published.publish(completed, aggregate_id=completed.id)
    await start_mailer()

    letter = await _beside_sign_up(mail, "ada@example.com")

    assert letter["subject"] == "Your ticket: Row 1 Bcc: eve@example.com <b>Hi</b> {{ 7 * 7 }}"
    assert letter["recipients"] == ["ada@example.com"]
    assert "Bcc" not in letter["headers"]
    assert "<b>Hi" not in letter["html"]
    assert "&lt;b&gt;Hi" in letter["html"]


async def test_letter_reaches_unusual_addresses(
    auth: Client, start_mailer: Start, mail: MailControl
) -> None:
    longest = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 59}.example"
    recipients = {
        "ada+tickets@example.com": "ada+tickets@example.com",
        "ada@b\u00fccher.example": "ada@xn--bcher-kva.example",
        "j\u00fcrgen@b\u00fccher.example": "j\u00fcrgen@xn--bcher-kva.example",
        longest: longest,
    }
    for email in recipients:
        await _sign_up(auth, email)
    await start_mailer()

    for recipient in recipients.values():
        assert await _received(mail, recipient)


async def test_letter_not_accepted_is_sent_later_under_the_same_message_id(
    auth: Client, start_mailer: Start, mail: MailControl, clock: FakeClock
) -> None:
    mail.fault("reject_letter", code=451)
    mail.fault("drop")
    await _sign_up(auth)
    await start_mailer()
    assert (await _letter(refusal="451"))["state"] == "queued"

    clock.advance(seconds=11)
    await _letter(refusal="SMTPServerDisconnected")
    clock.advance(seconds=60)
    sent = await _letter(state="sent")

    first, second = await _received(mail, "ada@example.com", 2)
    assert first["messageId"] == second["messageId"] == f"<{sent['_id']}@ticketing.dev>"
    assert first["links"] == second["links"]
    assert sent["attempts"] == 3


@pytest.mark.parametrize(("action", "code"), [("reject_letter", 554), ("reject_recipient", 550)])
async def test_refused_letter_is_recorded_and_not_sent_again(
    auth: Client, start_mailer: Start, mail: MailControl, action: str, code: int
) -> None:
    mail.fault(action, code=code)
    await _sign_up(auth)
    await _sign_up(auth, "bob@example.com")
    await start_mailer()

    refused = await _letter(state="failed")
    await _letter(state="sent")

    assert refused["refusal"] == str(code)
    assert len(mail.letters()) == 1


async def test_silent_server_delays_a_letter_and_no_others(
    auth: Client, start_mailer: Start, mail: MailControl
) -> None:
    mail.fault("hang_unstored", match="ada@example.com")
    await _sign_up(auth)
    await _sign_up(auth, "bob@example.com")
    await start_mailer(smtp_timeout_seconds=0.3)

    assert await _received(mail, "bob@example.com")
    silent = await _letter(refusal="SMTPReadTimeoutError")
    assert silent["state"] == "queued"
    mail.clear()


async def test_two_mailers_send_each_letter_once(
    auth: Client, start_mailer: Start, mail: MailControl
) -> None:
    for number in range(20):
        await _sign_up(auth, f"user{number}@example.com")
    await start_mailer()
    await start_mailer()

    async def all_sent() -> bool:
        return len(await _letters(state="sent")) == 20

    await eventually(all_sent)
    assert len({one["messageId"] for one in mail.letters()}) == len(mail.letters()) == 20


async def test_letter_that_hangs_after_its_data_is_repeated_under_its_message_id(
    auth: Client, start_mailer: Start, mail: MailControl, clock: FakeClock
) -> None:
    mail.fault("hang")
    mail.fault("store_twice")
    await _sign_up(auth)
    await start_mailer(smtp_timeout_seconds=0.3)

    async def is_sent() -> list[Doc]:
        clock.advance(seconds=1)
        return await _letters(state="sent")

    (sent,) = await eventually(is_sent)
    received = await _received(mail, "ada@example.com", 3)
    assert {one["messageId"] for one in received} == {f"<{sent['_id']}@ticketing.dev>"}
    mail.clear()


async def test_letter_that_cannot_be_rendered_delays_no_others(
    auth: Client, start_mailer: Start, mail: MailControl
) -> None:
    await _sign_up(auth)
    letter = await _letter()
    broken: Doc = {**letter, "_id": ObjectId(), "kind": "refund", "facts": {}}
    await collection_of(LetterDocument).insert_one(
        {**broken, "due_at": datetime(2020, 1, 1, tzinfo=UTC)}
    )
    await start_mailer()

    assert await _received(mail, "ada@example.com")
    assert (await _letter(refusal="not rendered"))["state"] == "queued"


async def test_preview_shows_every_letter_on_a_development_machine_only(
    start_mailer: Start,
) -> None:
    preview = await start_mailer(letter_preview=True)
    page = await preview.get("/mail/preview/")

    for kind in LetterKind:
        for name in (f"{kind}.en.html", f"{kind}.de.txt"):
            assert f'href="/mail/preview/{name}"' in page.text
            assert (await preview.get(f"/mail/preview/{name}")).status_code == 200
    assert (await (await start_mailer()).get("/mail/preview/")).status_code == 404


async def test_unavailable_server_postpones_letters(
    auth: Client, start_mailer: Start, clock: FakeClock
) -> None:
    await _sign_up(auth)
    await start_mailer(smtp_url="smtp://127.0.0.1:1")

    postponed = await _letter(refusal="SMTPConnectError")

    assert postponed["due_at"] == clock() + timedelta(seconds=10)


async def test_late_letter_with_a_link_is_not_sent(
    auth: Client, start_mailer: Start, mail: MailControl, clock: FakeClock
) -> None:
    await _sign_up(auth)
    await _letter()
    clock.advance(hours=1)
    await start_mailer()

    assert (await _letter(state="expired"))["kind"] == "verify"
    assert not mail.letters()


async def test_letter_is_written_without_a_mail_server(auth: Client, start_mailer: Start) -> None:
    await _sign_up(auth)
    await start_mailer(smtp_url=None)

    assert (await _letter())["state"] == "queued"
