"""Spans with OpenTelemetry's SDK, exported by OTLP over HTTP. Imported only if tracing is on.

opentelemetry-instrumentation-pymongo would start a trace for every poll of every background loop,
so MongoDB has a listener of our own, which records neither filters nor documents. An exception is
recorded by its type only, because its message may contain user input.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pymongo import monitoring
from pymongo.errors import DuplicateKeyError

from common.errors import ApiError
from common.observability.context import Attributes, Kind

SERVER_ERROR: Final = 500
_W3C: Final = TraceContextTextMapPropagator()


class OtelTracer:
    """Creates the spans of one process."""

    def __init__(self, service: str, processor: SpanProcessor | None = None) -> None:
        resource = Resource.create({"service.name": service, "service.namespace": "ticketing"})
        provider = TracerProvider(resource=resource)
        provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = provider.get_tracer("ticketing")
        monitoring.register(MongoSpans(self._tracer))

    @contextmanager
    def span(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes | None,
        *,
        headers: Mapping[str, str] | None = None,
        link_to_parent: bool = False,
        linked_headers: Mapping[str, str] | None = None,
    ) -> Generator[None]:
        """Record the block as a span.

        Args:
            name: the operation, from a bounded set of names.
            kind: the span kind.
            attributes: the attributes.
            headers: the trace to continue; the current one if None.
            link_to_parent: also link to the parent, because this is a redelivery.
            linked_headers: start a new trace that links to the context in these headers.
        """
        context = None if headers is None else _W3C.extract(headers)
        linked = context if link_to_parent else None
        if linked_headers is not None:
            context, linked = Context(), _W3C.extract(linked_headers, Context())
        target = trace.get_current_span(linked).get_span_context() if linked is not None else None
        links = [Link(target)] if target is not None and target.is_valid else []
        with self._tracer.start_as_current_span(
            name,
            context,
            SpanKind[kind.upper()],
            attributes,
            links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Exception as error:
                if not is_expected_error(error):
                    _mark_failed(span, type(error).__name__)
                raise

    def set_attributes(self, attributes: Attributes) -> None:
        """Set attributes of the current span. An HTTP status from 500 on marks it as failed."""
        span = trace.get_current_span()
        if route := attributes.get("http.route"):
            span.update_name(f"{attributes['http.request.method']} {route}")
        status = attributes.get("http.response.status_code")
        if isinstance(status, int) and status >= SERVER_ERROR:
            _mark_failed(span, str(status))
        span.set_attributes(attributes)

    def record_failure(self, error: Exception) -> None:
        """Mark the current span as failed."""
        _mark_failed(trace.get_current_span(), type(error).__name__)

    def inject(self) -> dict[str, str]:
        """Return the W3C Trace Context headers of the current span."""
        headers: dict[str, str] = {}
        _W3C.inject(headers)
        return headers

    def ids(self) -> dict[str, str]:
        """Return the ids of the current span, if there is one."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {
            "trace_id": trace.format_trace_id(context.trace_id),
            "span_id": trace.format_span_id(context.span_id),
        }


def is_expected_error(error: Exception) -> bool:
    """Return whether the exception is an expected client error."""
    if isinstance(error, ApiError):
        return error.status < SERVER_ERROR
    return isinstance(error, DuplicateKeyError)


def _mark_failed(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)


class MongoSpans(monitoring.CommandListener):
    """Records each MongoDB command that is sent within a traced operation."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer
        self._open: dict[tuple[int, Any], Span] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Start a span."""
        if not trace.get_current_span().is_recording():
            return
        operation, collection = event.command_name, event.command.get(event.command_name)
        attributes = {
            "db.system.name": "mongodb",
            "db.operation.name": operation,
            "db.namespace": event.database_name,
        }
        name = operation
        if isinstance(collection, str):
            name = f"{operation} {collection}"
            attributes["db.collection.name"] = collection
        key = event.request_id, event.connection_id
        self._open[key] = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """End the span."""
        span = self._open.pop((event.request_id, event.connection_id), None)
        if span is not None:
            span.end()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """End the span as failed."""
        span = self._open.pop((event.request_id, event.connection_id), None)
        if span is not None:
            _mark_failed(span, str(event.failure.get("codeName", "network")))
            span.end()
