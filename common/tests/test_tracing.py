"""Tests of tracing without an OTLP endpoint, and of trace contexts from outside."""

import subprocess
import sys

import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id
from prometheus_client import generate_latest

from common.observability import tracing
from common.observability.otel import OtelTracer
from common.testing.client import Client
from common.testing.polling import TIMEOUT_SECONDS
from common.web.instrumentation import (
    MAX_TRACED_PATH_LENGTH,
    RequestInstrumentationMiddleware,
)

TRACE_ID, SPAN_ID = "a" * 32, "b" * 16
SCRIPT = "import sys, common.app; print('opentelemetry.sdk' in sys.modules)"


def test_sdk_is_not_imported_without_otlp_endpoint() -> None:
    found = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    assert found.stdout.strip() == "False"


def test_request_id_is_propagated_without_tracing() -> None:
    assert not tracing.enabled()
    with tracing.continue_trace("go on", {"x-request-id": "abc", "traceparent": "00-a-b-01"}):
        assert tracing.inject() == {"x-request-id": "abc"}
        with tracing.processing("order.created", {"x-request-id": "def"}, "orders-orders", 1):
            assert tracing.correlation_ids() == {"request_id": "def"}
        assert tracing.correlation_ids() == {"request_id": "abc"}
    assert tracing.inject() == {}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """The spans of this process."""
    exporter = InMemorySpanExporter()
    tracer = OtelTracer("tickets", SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", tracer)
    return exporter


@pytest.fixture
def client() -> Client:
    """A client of an app that has only the instrumentation."""
    app = FastAPI()
    app.add_middleware(RequestInstrumentationMiddleware)
    return Client(app)


@pytest.mark.parametrize("flags", ["00", "01"])
async def test_trace_context_of_a_request_is_linked_and_not_continued(
    spans: InMemorySpanExporter, client: Client, flags: str
) -> None:
    await client.get("/", headers={"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-{flags}"})

    (span,) = spans.get_finished_spans()  # recorded although the stranger's was not sampled
    assert span.parent is None
    assert span.context is not None
    assert format_trace_id(span.context.trace_id) != TRACE_ID
    (link,) = span.links
    assert format_trace_id(link.context.trace_id) == TRACE_ID
    assert format_span_id(link.context.span_id) == SPAN_ID


@pytest.mark.parametrize("traceparent", [None, "", "x", f"00-{'0' * 32}-{SPAN_ID}-01"])
async def test_request_without_a_valid_trace_context_starts_a_trace(
    spans: InMemorySpanExporter, client: Client, traceparent: str | None
) -> None:
    await client.get("/", headers={} if traceparent is None else {"traceparent": traceparent})

    (span,) = spans.get_finished_spans()
    assert (span.parent, span.links) == (None, ())


async def test_long_path_and_trace_state_are_not_kept_in_a_span(
    spans: InMemorySpanExporter, client: Client
) -> None:
    headers = {
        "traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01",
        "tracestate": f"vendor={'x' * 200}",
    }
    await client.get("/" + "x" * 10_000, headers=headers)

    (span,) = spans.get_finished_spans()
    assert span.attributes is not None
    assert len(str(span.attributes["url.path"])) == MAX_TRACED_PATH_LENGTH
    assert not span.links[0].context.trace_state


async def test_unknown_methods_and_paths_share_their_metric(client: Client) -> None:
    for number in range(3):
        await client.request(f"METHOD{number}", f"/unknown/{number}")

    metrics = generate_latest().decode()
    assert 'method="other",route="unmatched",status="404"' in metrics
    assert "METHOD" not in metrics
    assert "/unknown" not in metrics


async def test_trace_context_of_an_event_is_continued(spans: InMemorySpanExporter) -> None:
    headers = {"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01"}

    with tracing.processing("order.created", headers, "orders-orders", attempt=1):
        pass

    (span,) = spans.get_finished_spans()
    assert span.parent is not None
    assert format_trace_id(span.parent.trace_id) == TRACE_ID
    assert format_span_id(span.parent.span_id) == SPAN_ID
