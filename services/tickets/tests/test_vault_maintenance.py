"""The operator's commands on the vault: check that every entry opens, and change the key."""

from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Any

import pytest
from bson import ObjectId
from pydantic import SecretStr
from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.collection import AsyncCollection

from tickets.store import vault_maintenance
from tickets.store.vault_maintenance import check_entries, rewrap_keys
from tickets.testing import FINGERPRINT_KEY, VAULT_KEY
from tickets.testing import entry_document as entry
from tickets.vault_keys import VaultKeys

NEW_KEY = "c3" * 32
Entries = AsyncCollection[dict[str, Any]]


def vault_keys(key: str, previous: str | None = None) -> VaultKeys:
    return VaultKeys(
        SecretStr(key), SecretStr(previous) if previous else None, SecretStr(FINGERPRINT_KEY)
    )


OLD, BOTH, NEW = vault_keys(VAULT_KEY), vault_keys(NEW_KEY, VAULT_KEY), vault_keys(NEW_KEY)


@pytest.fixture
async def entries(mongo_uri: str) -> AsyncGenerator[Entries]:
    """The collection of a vault with entries of two states, and one that was shredded."""
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, w="majority") as client:
        vault = client.get_default_database()["vault"]
        docs = [*(entry(OLD) for _ in range(5)), *(entry(OLD, "revealed") for _ in range(2))]
        shredded: dict[str, Any] = {**entry(OLD, "void"), "sealed": None, "fingerprints": []}
        await vault.insert_many([*docs, shredded])
        yield vault


async def test_check_opens_and_counts_every_entry(entries: Entries) -> None:
    check = await check_entries(entries, OLD)
    assert check.opened == {"sealed": 5, "revealed": 2, "shredded": 1}
    assert check.failed == {}


@pytest.mark.parametrize("part", ["wrapped_key", "file", "codes"])
async def test_check_names_entry_whose_parts_are_of_another(entries: Entries, part: str) -> None:
    docs = await entries.find({"state": "sealed"}).to_list()
    changed: dict[str, Any] = {f"sealed.{part}": docs[1]["sealed"][part]}
    changed |= {"digest": docs[1]["digest"]} if part == "file" else {}
    await entries.update_one({"_id": docs[0]["_id"]}, {"$set": changed})
    check = await check_entries(entries, OLD)
    assert check.failed.keys() == {str(docs[0]["_id"])}
    assert check.opened == {"sealed": 4, "revealed": 2, "shredded": 1}


async def test_check_names_entry_with_another_digest(entries: Entries) -> None:
    doc = await entries.find_one_and_update({"state": "sealed"}, {"$set": {"digest": "0" * 64}})
    assert doc is not None
    check = await check_entries(entries, OLD)
    assert check.failed == {str(doc["_id"]): "the file is not the one of its digest"}


async def test_check_recognizes_another_fingerprint_key(entries: Entries) -> None:
    other = VaultKeys(SecretStr(VAULT_KEY), None, SecretStr(NEW_KEY))
    check = await check_entries(entries, other)
    assert len(check.failed) == 7
    assert set(check.failed.values()) == {"its fingerprints were made with another FINGERPRINT_KEY"}


async def test_check_accepts_files_without_a_code_or_a_fingerprint(entries: Entries) -> None:
    await entries.delete_many({})
    by_content, by_nothing = ObjectId(), ObjectId()
    for entry_id, codes in (
        (by_content, b"[]"),
        (by_nothing, b'[{"symbology":"qr","payload":""}]'),
    ):
        sealed = OLD.seal(str(entry_id), b"file", codes)
        await entries.insert_one(
            {"_id": entry_id, "state": "sealed", "digest": sealed.digest, "sealed": asdict(sealed)}
        )
    content = {"fingerprints": [OLD.fingerprint_of_content(b"file")]}
    await entries.update_one({"_id": by_content}, {"$set": content})
    check = await check_entries(entries, OLD)
    assert (check.opened, check.failed) == ({"sealed": 2}, {})


async def test_rotated_entries_open_with_the_new_key_alone(
    entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_maintenance, "KEYS_PER_BATCH", 3)
    await entries.insert_one(entry(NEW))
    before = await entries.find({}, {"sealed.wrapped_key": 0}).to_list()

    rotation = await rewrap_keys(entries, BOTH)

    assert (rotation.rewrapped, rotation.current, rotation.failed) == (7, 8, [])
    assert (await check_entries(entries, NEW)).failed == {}
    assert await entries.find({}, {"sealed.wrapped_key": 0}).to_list() == before, (
        "only keys changed"
    )
    again = await rewrap_keys(entries, BOTH)
    assert (again.rewrapped, again.current) == (0, 8)


async def test_rotation_continues_after_a_killed_one(entries: Entries) -> None:
    doc = await entries.find_one({"state": "sealed"})
    assert doc is not None
    wrapped_key = BOTH.rewrap(str(doc["_id"]), doc["sealed"]["wrapped_key"])
    await entries.update_one({"_id": doc["_id"]}, {"$set": {"sealed.wrapped_key": wrapped_key}})
    assert (await rewrap_keys(entries, BOTH)).rewrapped == 6


async def test_rotation_names_entries_that_neither_key_opens(entries: Entries) -> None:
    lost = entry(vault_keys("d4" * 32))
    await entries.insert_one(lost)
    rotation = await rewrap_keys(entries, BOTH)
    assert (rotation.rewrapped, rotation.failed) == (7, [str(lost["_id"])])


async def test_rotation_leaves_an_entry_that_is_shredded_meanwhile(
    entries: Entries, mongo_uri: str
) -> None:
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        vault = client.get_default_database()["vault"]

        class ShreddingKeys(VaultKeys):
            """Shreds each entry between the read and the update of its key."""

            def rewrap(self, entry_id: str, wrapped_key: bytes) -> bytes | None:
                vault.update_one({"_id": ObjectId(entry_id)}, {"$set": {"sealed": None}})
                return super().rewrap(entry_id, wrapped_key)

        keys = ShreddingKeys(SecretStr(NEW_KEY), SecretStr(VAULT_KEY), SecretStr(FINGERPRINT_KEY))
        assert (await rewrap_keys(entries, keys)).rewrapped == 0
    assert (await check_entries(entries, NEW)).opened == {"shredded": 8}
