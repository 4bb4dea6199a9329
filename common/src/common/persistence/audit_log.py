"""Who did what: the audit trail of an aggregate, inside it, written by the change's own update.

So there is no change without its entry and no entry without its change, whatever crashes. It is
only ever pushed to; nothing here or in `common.persistence.writer` removes or rewrites an
entry. A document has few versions (an order five, a charge a handful of attempts), so its log
stays short.
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
    """Write an entry: which version, when, by whom, in which request, and what it made different.

    Args:
        version: the version that the change led to.
        at: when.
        before: the fields as they were; none for what is new.
        after: the fields as they are now.
    """
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    return {
        "version": version,
        "at": at,
        "by": CURRENT_ACTOR.get(),
        **tracing.correlation_ids(),
        "changed": changed,
    }
