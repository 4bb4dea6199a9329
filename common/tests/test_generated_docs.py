"""Tests that the generated API documents are up to date."""

import json
from pathlib import Path
from typing import Any

import pytest

from common.apidocs import asyncapi, nats, openapi
from common.apidocs.openapi_completion import iter_operations
from common.apidocs.routes import COMBINED_OPENAPI
from common.events import EVENT_TYPES

DOCS = Path(__file__).parents[2] / "docs"


def test_openapi_documents_match_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, placeholder in openapi.PLACEHOLDERS.items():
        monkeypatch.setenv(name, placeholder)
    for path, expected in openapi.render_files(DOCS / "openapi").items():
        assert path.read_text() == expected, "make docs"


def test_asyncapi_document_matches_the_code() -> None:
    for path, expected in asyncapi.render_files(DOCS / "events").items():
        assert path.read_text() == expected, "make docs"


def test_nats_permissions_match_the_services() -> None:
    for path, expected in nats.render_files(DOCS.parent).items():
        assert path.read_text() == expected, "make docs"


def test_asyncapi_names_publisher_and_consumers() -> None:
    document = asyncapi.build_document()
    assert {c["address"] for c in document["channels"].values()} == {e.subject for e in EVENT_TYPES}
    assert {"ordersPublishesOrderCreated", "paymentsReceivesOrderCreated"} <= set(
        document["operations"]
    )
    assert "ordersReceivesOrderCreated" not in document["operations"]  # only streamed to browsers


def test_asyncapi_reads_every_service_with_listeners() -> None:
    files = (DOCS.parent / "services").glob("*/src/*/listeners.py")
    assert sorted(file.parent.name for file in files) == list(asyncapi.CONSUMING_SERVICES)


@pytest.fixture
def combined() -> dict[str, Any]:
    return json.loads(COMBINED_OPENAPI.read_text())


def test_every_operation_documents_its_errors(combined: dict[str, Any]) -> None:
    found = list(iter_operations(combined))
    assert len(found) > 15
    for method, operation in found:
        failures = {s: r for s, r in operation["responses"].items() if s >= "400"}
        assert "503" in failures
        assert "422" not in failures
        assert (method == "GET") != ({"400", "403", "413"} <= set(failures))
        for failure in failures.values():
            assert failure["content"]["application/json"]["example"]["errors"][0]["message"]


def test_operation_with_session_documents_401(combined: dict[str, Any]) -> None:
    for _, operation in iter_operations(combined):
        assert ("401" in operation["responses"]) == ("security" in operation)
