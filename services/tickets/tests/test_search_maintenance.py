"""Tests of the stored words: computed again after an upgrade, step by step, and sampled."""

from datetime import timedelta

import pytest
from pymongo import IndexModel

from common.persistence.mongo import Doc, collection_of
from common.values.clock import utc_now
from tickets.search import TicketQuery
from tickets.search_terms import search_terms
from tickets.store import search_maintenance
from tickets.store.search_maintenance import FORMER_INDEX, SearchMaintenance
from tickets.store.started_shows import UNLISTED, unlist_started
from tickets.store.tickets import TicketStore
from tickets.store.vocabulary import WordDocument
from tickets.testing import show_facts, ticket_document
from tickets.ticket_terms import ticket_terms

FORMER_WORDS = ["former"]
FORMER_TITLE = "\N{BLACK-LETTER CAPITAL H}amlet"


@pytest.fixture
def maintenance(store: TicketStore) -> SearchMaintenance:
    return SearchMaintenance(store.collection.database, utc_now)


async def insert_with_former_words(store: TicketStore, count: int) -> list[Doc]:
    docs = [ticket_document(f"{FORMER_TITLE} {n}") | {"words": FORMER_WORDS} for n in range(count)]
    await store.collection.insert_many(docs)
    return docs


async def stored_words(store: TicketStore) -> list[list[str]]:
    return [doc["words"] async for doc in store.collection.find().sort("_id", 1)]


async def test_words_of_a_former_version_are_computed_again(
    store: TicketStore, maintenance: SearchMaintenance
) -> None:
    docs = await insert_with_former_words(store, 3)

    await maintenance.run()

    assert await stored_words(store) == [search_terms(doc["title"]) for doc in docs]
    page = await store.list_available(TicketQuery.from_text("ham"), limit=10)
    assert [ticket.title for ticket in page.items] == [doc["title"] for doc in reversed(docs)]


async def test_search_finds_former_words_until_they_are_computed_again(store: TicketStore) -> None:
    await insert_with_former_words(store, 3)

    for q in ("former", "form", ""):
        page = await store.list_available(TicketQuery.from_text(q), limit=10)
        assert len(page.items) == 3


async def test_next_process_continues_after_the_last_batch(
    store: TicketStore, maintenance: SearchMaintenance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_maintenance, "BATCH_SIZE", 2)
    docs = await insert_with_former_words(store, 5)
    assert not await maintenance.update_next_batch()
    await store.collection.update_one({"_id": docs[0]["_id"]}, {"$set": {"words": ["seen"]}})

    await SearchMaintenance(store.collection.database, utc_now).run()  # the lease is free

    assert await stored_words(store) == [["seen"], *(search_terms(d["title"]) for d in docs[1:])]


async def test_words_up_to_date_are_not_read_again(
    store: TicketStore, maintenance: SearchMaintenance
) -> None:
    await maintenance.run()
    await insert_with_former_words(store, 1)

    await maintenance.run()

    assert await stored_words(store) == [FORMER_WORDS]


async def test_only_one_replica_maintains_the_search(
    store: TicketStore, maintenance: SearchMaintenance
) -> None:
    await maintenance.run()
    await collection_of(WordDocument).delete_many({})
    await store.collection.insert_one(ticket_document("row"))

    await SearchMaintenance(store.collection.database, utc_now).run()

    assert await collection_of(WordDocument).count_documents({}) == 0


async def test_former_index_is_dropped(store: TicketStore, maintenance: SearchMaintenance) -> None:
    await store.collection.create_indexes([IndexModel("words", name=FORMER_INDEX)])

    await maintenance.run()

    assert FORMER_INDEX not in await store.collection.index_information()


async def test_frequencies_are_those_of_the_last_sample(
    store: TicketStore, maintenance: SearchMaintenance
) -> None:
    await store.collection.insert_many([ticket_document("Jazz row"), ticket_document("Rock row")])
    await maintenance.run()
    await store.collection.delete_one({"title": "Jazz row"})

    await maintenance.run()

    words = {doc["_id"]: doc["n"] async for doc in collection_of(WordDocument).find()}
    assert words == {"jazz": 0, "rock": 1, "row": 1}


async def test_words_of_a_show_are_computed_again(
    store: TicketStore, maintenance: SearchMaintenance
) -> None:
    show = show_facts(utc_now() + timedelta(days=1), city="Łódź")
    doc = ticket_document("Front row", show=show) | {"words": FORMER_WORDS}
    await store.collection.insert_one(doc)

    await maintenance.run()

    assert await stored_words(store) == [ticket_terms("Front row", show)]


async def test_tickets_of_a_started_show_leave_the_indexes_of_searches(
    store: TicketStore, maintenance: SearchMaintenance
) -> None:
    now = utc_now()
    shows = {
        "started": show_facts(now - timedelta(minutes=1), time_zone="Pacific/Kiritimati"),
        "long ago": show_facts(now - timedelta(days=400), time_zone="Pacific/Honolulu"),
        "soon": show_facts(now + timedelta(minutes=1), time_zone="Pacific/Honolulu"),
        "no show": None,
    }
    await store.collection.insert_many(
        [ticket_document(title, show=show) for title, show in shows.items()]
    )

    await maintenance.run()

    unlisted = [doc["title"] async for doc in store.collection.find({"status": UNLISTED})]
    assert sorted(unlisted) == ["long ago", "started"]


async def test_ticket_of_a_started_show_stays_available_to_its_owner(store: TicketStore) -> None:
    show = show_facts(utc_now() - timedelta(minutes=1))
    doc = ticket_document("Front row", show=show)
    await store.collection.insert_one(doc)
    before = await store.get(str(doc["_id"]))

    assert await unlist_started(store.collection, utc_now()) == 1

    assert await store.get(str(doc["_id"])) == before


async def test_postponed_show_is_listed_again(store: TicketStore) -> None:
    show = show_facts(utc_now() - timedelta(minutes=1))
    doc = ticket_document("Front row", show=show)
    await store.collection.insert_one(doc)
    await unlist_started(store.collection, utc_now())
    later = show.model_copy(update={"version": 1, "starts_at": utc_now() + timedelta(days=9)})

    await store.update(str(doc["_id"]), lambda ticket: ticket.refresh_show(later))

    page = await store.list_available(TicketQuery(), limit=10)
    assert [ticket.id for ticket in page.items] == [str(doc["_id"])]


async def test_ticket_of_a_cancelled_show_is_not_listed(store: TicketStore) -> None:
    show = show_facts(utc_now() + timedelta(days=9), cancelled_at=utc_now())
    await store.collection.insert_one(ticket_document("Front row", show=show))

    page = await store.list_available(TicketQuery(), limit=10)

    assert page.items == []
