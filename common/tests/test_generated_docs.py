"""What is written about the system is made from the system, and up to date."""

import json
from pathlib import Path
from typing import Any

import pytest

from common.apidocs import asyncapi, openapi
from common.apidocs.openapi_completion import operations
from common.apidocs.routes import DOCUMENT
from common.events import ALL

DOCS = Path(__file__).parents[2] / "docs"


def test_the_openapi_documents_are_what_the_services_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, placeholder in openapi.PLACEHOLDERS.items():
        monkeypatch.setenv(name, placeholder)
    for path, wanted in openapi.files(DOCS / "openapi").items():
        assert path.read_text() == wanted, "make docs"


def test_the_asyncapi_document_and_its_page_are_what_the_code_says() -> None:
    for path, wanted in asyncapi.files(DOCS / "events").items():
        assert path.read_text() == wanted, "make docs"


def test_every_event_is_told_by_one_service_and_heard_by_those_that_listen() -> None:
    described = asyncapi.document()
    assert {c["address"] for c in described["channels"].values()} == {e.subject for e in ALL}
    assert {"ordersPublishesOrderCreated", "paymentsHearsOrderCreated"} <= set(
        described["operations"]
    )
    assert "ordersHearsOrderCreated" not in described["operations"]  # that is only shown


@pytest.fixture
def joined() -> dict[str, Any]:
    return json.loads(DOCUMENT.read_text())


def test_every_operation_says_its_failures_in_the_one_shape(joined: dict[str, Any]) -> None:
    found = list(operations(joined))
    assert len(found) > 15
    for method, operation in found:
        failures = {s: r for s, r in operation["responses"].items() if s >= "400"}
        assert "503" in failures
        assert "422" not in failures
        assert (method == "GET") != ({"400", "403", "413"} <= set(failures))
        for failure in failures.values():
            assert failure["content"]["application/json"]["example"]["errors"][0]["message"]


def test_what_needs_a_session_says_so(joined: dict[str, Any]) -> None:
    for _, operation in operations(joined):
        assert ("401" in operation["responses"]) == ("security" in operation)
