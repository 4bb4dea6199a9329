"""Clients of the last release work with the services of today.

`released_openapi` has the documents of the last release. After a release they are replaced with
those of `docs/openapi`.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compatibility.openapi_changes import breaking_changes
from ticketing_local.stack.paths import ROOT

Doc = dict[str, Any]
RELEASED = Path(__file__).parent / "released_openapi"
SERVICES = sorted(path.stem for path in RELEASED.iterdir())


def read(folder: Path, service: str) -> Doc:
    return json.loads((folder / f"{service}.json").read_text())


@pytest.mark.parametrize("service", SERVICES)
def test_api_has_no_change_that_breaks_a_released_client(service: str) -> None:
    today = read(ROOT / "docs" / "openapi", service)

    assert breaking_changes(read(RELEASED, service), today) == []


def _operation(document: Doc, path: str = "/api/orders", method: str = "post") -> Doc:
    return document["paths"][path][method]


def _schema(document: Doc, name: str) -> Doc:
    return document["components"]["schemas"][name]


BREAKING: dict[str, Callable[[Doc], object]] = {
    "POST /api/orders: is lost": lambda d: d["paths"]["/api/orders"].pop("post"),
    "GET /api/orders: is lost": lambda d: d["paths"].pop("/api/orders"),
    "the parameter limit is lost": lambda d: _operation(d, method="get")["parameters"].pop(0),
    "the parameter q is required": lambda d: _operation(d, method="get")["parameters"].append(
        {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}}
    ),
    "the parameter limit has maximum 100, accepted is 50": lambda d: _operation(d, method="get")[
        "parameters"
    ][0]["schema"].update(maximum=50),
    "the response 201 is lost": lambda d: _operation(d)["responses"].pop("201"),
    "the response 201.expiresAt is lost": lambda d: _schema(d, "OrderOut")["properties"].pop(
        "expiresAt"
    ),
    "the response 201.status has values that are not accepted": lambda d: _schema(d, "OrderStatus")[
        "enum"
    ].append("refunded"),
    "the response 201.reason has values that are not accepted": lambda d: _schema(
        d, "CancelReason"
    )["enum"].append("show cancelled"),
    "the response 201.title is integer instead of string": lambda d: _schema(d, "OrderOut")[
        "properties"
    ].update(title={"type": "integer"}),
    "the response 201.version is required, but optional": lambda d: _schema(d, "OrderOut")[
        "required"
    ].remove("version"),
    "the body.ticketId is lost": lambda d: _schema(d, "OrderIn")["properties"].pop("ticketId"),
    "the body.seat is required, but optional": lambda d: _schema(d, "OrderIn")["required"].append(
        "seat"
    ),
    "the body.ticketId is string instead of integer": lambda d: _schema(d, "OrderIn")[
        "properties"
    ].update(ticketId={"type": "integer"}),
}


@pytest.mark.parametrize("words", BREAKING)
def test_breaking_change_is_reported(words: str) -> None:
    released = read(RELEASED, "orders")
    _schema(released, "OrderOut")["properties"].setdefault("title", {"type": "string"})
    today = copy.deepcopy(released)
    BREAKING[words](today)

    changes = breaking_changes(released, today)

    assert [change for change in changes if words in change]


def test_added_field_parameter_route_and_status_break_nothing() -> None:
    released = read(RELEASED, "orders")
    today = copy.deepcopy(released)
    _schema(today, "OrderOut")["properties"]["detail"] = {"type": "string"}
    _schema(today, "OrderIn")["properties"]["seat"] = {"type": "string"}
    _operation(today, method="get")["parameters"].append(
        {"name": "q", "in": "query", "schema": {"type": "string"}}
    )
    _operation(today)["responses"]["410"] = {"description": "Gone"}
    today["paths"]["/api/orders/claims"] = {"get": {"responses": {}}}

    assert breaking_changes(released, today) == []
