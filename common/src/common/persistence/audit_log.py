"""The audit log of an aggregate, in its document and written by the update that changes it.

A change and its entry are therefore committed together. Entries are only appended, never changed or
removed. An aggregate has few versions, so its log stays short.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from common.observability import tracing
from common.observability.context import CURRENT_ACTOR
from common.persistence.mongo import Doc


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
