"""Retrieve and list operations, and the expansion of ids into objects."""

import functools
from typing import Any

from stripe_local.documents import Document, public
from stripe_local.errors import invalid, missing
from stripe_local.resources.balance_transactions import with_status
from stripe_local.resources.call import Call, Operation
from stripe_local.store import Query, Store

_MAX_LIMIT = 100
_EXPANDABLE = frozenset(
    {
        *("balance_transaction", "charge", "destination_payment", "failure_balance_transaction"),
        *("latest_charge", "payment_intent", "payment_method", "source", "source_transaction"),
        *("transfer",),
    }
)
_FILTERS = (
    *("payment_intent", "charge", "type", "transfer_group", "destination", "source", "payout"),
)


def retrieve_operation(kind: str, params_type: str) -> Operation:
    """Return the operation that retrieves an object."""
    run = functools.partial(retrieve, kind)
    return Operation("GET", f"/v1/{kind}s/{{id}}", run, params_type, connected=True)


def list_operation(kind: str, params_type: str, *filters: str) -> Operation:
    """Return the operation that lists objects."""
    names = frozenset({*filters, "limit", "starting_after", "ending_before"})
    path = f"/v1/{kind}s"
    run = functools.partial(list_page, kind, path)
    return Operation("GET", path, run, params_type, names, connected=True)


def retrieve(kind: str, call: Call) -> Document:
    """GET /v1/<kind>s/{id}."""
    return _visible_fields(call, call.load_object(kind))


def list_page(kind: str, path: str, call: Call) -> Document:
    """GET /v1/<kind>s."""
    found, more = call.store.page(_query(kind, call))
    return {
        "object": "list",
        "data": [_visible_fields(call, document) for document in found],
        "has_more": more,
        "url": path,
    }


def expand_fields(store: Store, document: Document, paths: list[str]) -> Document:
    """Replace the ids on these paths by their objects."""
    for path in paths:
        _expand(store, document, path.split("."), path)
    return document


def _visible_fields(call: Call, document: Document) -> Document:
    return (
        call.events.with_pending_count(document)
        if document["object"] == "event"
        else _current(document)
    )


def _current(document: Document) -> Document:
    """Return what a response shows of an object."""
    shown = public(document)
    return with_status(shown) if shown["object"] == "balance_transaction" else shown


def _query(kind: str, call: Call) -> Query:
    params = call.params
    limit = params.get("limit", 10)
    if not 1 <= limit <= _MAX_LIMIT:
        raise invalid(
            f"limit must be between 1 and {_MAX_LIMIT}.", "limit", "parameter_invalid_integer"
        )
    types = tuple(params.get("types") or ())
    if types and params.get("type"):
        raise invalid("You may only specify one of these parameters: type, types.")
    created: Any = params.get("created") or {}
    return Query(
        call.scoped(kind),
        limit,
        equal={name: params[name] for name in _FILTERS if params.get(name)},
        types=types,
        created=created if isinstance(created, dict) else {"gte": created, "lte": created},  # pyright: ignore[reportUnknownArgumentType]  # JSON-like
        older_than=_cursor_position(kind, call, "starting_after"),
        newer_than=_cursor_position(kind, call, "ending_before"),
    )


def _cursor_position(kind: str, call: Call, name: str) -> int | None:
    object_id = call.params.get(name)
    if not object_id:
        return None
    position = call.store.position(object_id, call.scoped(kind))
    if position is None:
        raise missing(kind, object_id, name, 400)
    return position


def _expand(store: Store, value: Any, path: list[str], full_path: str) -> None:
    if isinstance(value, list):
        for entry in value:  # pyright: ignore[reportUnknownVariableType]  # JSON-like
            _expand(store, entry, path, full_path)
        return
    name, *rest = path
    if not isinstance(value, dict) or name not in value:
        raise invalid(f"This property cannot be expanded ({full_path}).", "expand")
    inner: Any = value[name]  # pyright: ignore[reportUnknownVariableType]  # JSON-like
    if isinstance(inner, str):
        if name not in _EXPANDABLE:
            raise invalid(f"This property cannot be expanded ({full_path}).", "expand")
        named = store.get(inner)
        inner = _current(named) if named else inner
        value[name] = inner
    if rest and inner is not None:
        _expand(store, inner, rest, full_path)
