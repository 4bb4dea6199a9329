"""The audit log of an aggregate, in its document and written by the update that changes it.

A change and its entry are therefore committed together. Entries are only appended, never changed or
removed. An aggregate has few versions, so its log stays short.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId

from common.observability import tracing
from common.observability.context import CURRENT_ACTOR
from common.persistence.mongo import Collection, Doc

ORDER_ID: Final = "order_id"
"""The field by which the audit log of a payment is found, too."""


def audit_entry(
    version: int, at: datetime, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Doc:
    """Return an entry: the version, its time, actor and request, and the changed fields.

    Args:
        version: the version after the change.
        at: the time of the change.
        before: the fields before the change; empty for a new aggregate.
        after: the fields after the change.
    """
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    return {
        "version": version,
        "at": at,
        "by": CURRENT_ACTOR.get(),
        **tracing.correlation_ids(),
        "changed": changed,
    }


async def find_audit_log(
    collections: Iterable[Collection], aggregate_id: ObjectId
) -> Sequence[Doc] | None:
    """Return the entries of an aggregate, or of the payment of an order; None if there are none.

    The order is looked for only where an index has it. Everywhere else that would read everything.
    """
    for collection in collections:
        keys = ["_id", *([ORDER_ID] if await _is_indexed(collection) else [])]
        for key in keys:
            doc = await collection.find_one({key: aggregate_id}, {"history": 1})
            if doc is not None and "history" in doc:
                return doc["history"]
    return None


async def _is_indexed(collection: Collection) -> bool:
    """Return whether an index has the orders of all documents."""
    indexes = await collection.index_information()
    return any(
        index["key"][0][0] == ORDER_ID and "partialFilterExpression" not in index
        for index in indexes.values()
    )
