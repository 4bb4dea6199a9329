"""Tests of tracing without an OTLP endpoint."""

import subprocess
import sys

from common.observability import tracing

SCRIPT = "import sys, common.app; print('opentelemetry.sdk' in sys.modules)"


def test_sdk_is_not_imported_without_otlp_endpoint() -> None:
    found = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
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
