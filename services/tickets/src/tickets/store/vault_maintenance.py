"""The operator's work on the whole vault: check that every entry opens, and re-wrap the keys.

Both read one batch at a time, and are safe beside running replicas: an update replaces a wrapped
key only if it is still the one that was read, and changes neither the version nor the files.
"""

import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Final

from bson import ObjectId
from pymongo import ASCENDING, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from common.persistence.mongo import Doc
from tickets import vault_codes
from tickets.vault_keys import CannotOpen, VaultKeys

FILES_PER_BATCH: Final = 3
"""A file has up to 5 MiB."""
KEYS_PER_BATCH: Final = 500
SHREDDED: Final = "shredded"
"""The state, in a check, of an entry whose key was deleted."""

_WRAPPED_KEY: Final = "sealed.wrapped_key"


@dataclass
class VaultCheck:
    """The result of a check."""

    opened: Counter[str] = field(default_factory=Counter[str])
    """The number of entries by state; one without a key counts as shredded."""
    failed: dict[str, str] = field(default_factory=dict[str, str])
    """The reason by the id of the entry."""


@dataclass
class VaultRotation:
    """The result of a rotation."""

    rewrapped: int = 0
    current: int = 0
    """How many entries need `VAULT_KEY` only."""
    failed: list[str] = field(default_factory=list[str])
    """The ids of the entries that neither key opens."""


async def check_entries(entries: AsyncCollection[Doc], keys: VaultKeys) -> VaultCheck:
    """Open every entry, and compare it with its digest and fingerprints."""
    check = VaultCheck()
    fields = ("state", "digest", "sealed", "fingerprints")
    async for batch in _batches(entries, {}, fields, FILES_PER_BATCH):
        for doc in batch:
            if not doc.get("sealed"):
                check.opened[SHREDDED] += 1
            elif problem := _find_problem(doc, keys):
                check.failed[str(doc["_id"])] = problem
            else:
                check.opened[doc["state"]] += 1
    return check


def _find_problem(doc: Doc, keys: VaultKeys) -> str:
    """Return what is wrong with an entry, or nothing."""
    entry_id, sealed = str(doc["_id"]), doc["sealed"]
    if hashlib.sha256(sealed["file"]).hexdigest() != doc["digest"]:
        return "the file is not the one of its digest"
    try:
        file = keys.open_file(entry_id, sealed["wrapped_key"], sealed["file"])
        codes = keys.open_codes(entry_id, sealed["wrapped_key"], sealed["codes"])
    except CannotOpen as error:
        return str(error)
    expected = vault_codes.fingerprints(keys, vault_codes.from_json(codes), file)
    if not set(expected).issuperset(doc.get("fingerprints", ())):
        return "its fingerprints were made with another FINGERPRINT_KEY"
    return ""


async def rewrap_keys(entries: AsyncCollection[Doc], keys: VaultKeys) -> VaultRotation:
    """Wrap the key of every entry by `VAULT_KEY`, until a pass over all finds nothing to do.

    A replica that still wraps by the previous key may add entries meanwhile. What a killed run has
    done stays done.
    """
    rewrapped = 0
    while True:
        rotation = await _rewrap_once(entries, keys)
        rewrapped += rotation.rewrapped
        if not rotation.rewrapped:
            rotation.rewrapped = rewrapped
            return rotation


async def _rewrap_once(entries: AsyncCollection[Doc], keys: VaultKeys) -> VaultRotation:
    rotation = VaultRotation()
    async for batch in _batches(
        entries, {_WRAPPED_KEY: {"$type": "binData"}}, (_WRAPPED_KEY,), KEYS_PER_BATCH
    ):
        updates: list[UpdateOne] = []
        for doc in batch:
            present = doc["sealed"]["wrapped_key"]
            try:
                wrapped_key = keys.rewrap(str(doc["_id"]), present)
            except CannotOpen:
                rotation.failed.append(str(doc["_id"]))
                continue
            if wrapped_key is None:
                rotation.current += 1
            else:
                updates.append(
                    UpdateOne(
                        {"_id": doc["_id"], _WRAPPED_KEY: present},
                        {"$set": {_WRAPPED_KEY: wrapped_key}},
                    )
                )
        if updates:
            rotation.rewrapped += (await entries.bulk_write(updates, ordered=False)).modified_count
    return rotation


async def _batches(
    entries: AsyncCollection[Doc], matching: Doc, fields: Sequence[str], size: int
) -> AsyncGenerator[list[Doc]]:
    """Yield entries in the order of their ids. Each batch is an operation with its own timeout."""
    after: ObjectId | None = None
    while True:
        remaining = matching if after is None else {**matching, "_id": {"$gt": after}}
        docs = (
            await entries.find(remaining, dict.fromkeys(fields, 1))
            .sort("_id", ASCENDING)
            .limit(size)
            .to_list()
        )
        if not docs:
            return
        yield docs
        after = docs[-1]["_id"]
