"""Request ids and traces that follow a purchase across services.

Both travel in the headers of every event (`inject`), through the outbox, NATS and the listeners
into the next outbox. Spans are created only if OTEL_EXPORTER_OTLP_ENDPOINT is set. Otherwise the
OpenTelemetry SDK is not imported, and `span` checks one variable.
"""

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Protocol

from common.observability.context import (
    REQUEST_ID,
    REQUEST_ID_HEADER,
    Attributes,
    Kind,
    SetWithin,
)

NOOP_SPAN: Final = nullcontext()


class Tracer(Protocol):
    """Creates spans: `common.observability.otel` if tracing is on."""

    def span(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes | None,
        *,
        headers: Mapping[str, str] | None = None,
        link_to_parent: bool = False,
        linked_headers: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[None]: ...
    def set_attributes(self, attributes: Attributes) -> None: ...
    def record_failure(self, error: Exception) -> None: ...
    def inject(self) -> dict[str, str]: ...
    def ids(self) -> dict[str, str]: ...


_tracer: Tracer | None = None


def use(tracer: Tracer) -> None:
    """Set the tracer of this process."""
    global _tracer  # noqa: PLW0603 - one per process, as the root logger
    _tracer = tracer


def enabled() -> bool:
    """Return whether tracing is on."""
    return _tracer is not None


def span(
    name: str,
    kind: Kind = "internal",
    attributes: Attributes | None = None,
    *,
    linked_headers: Mapping[str, str] | None = None,
) -> AbstractContextManager[None]:
    """Record the block as a span of the current trace.

    Args:
        name: the operation, from a bounded set of names.
        kind: the OpenTelemetry span kind.
        attributes: by the semantic conventions, without secrets and personal data.
        linked_headers: start a new trace that links to the context in these headers, which come
            from outside and are not trusted.
    """
    if _tracer is None:
        return NOOP_SPAN
    return _tracer.span(name, kind, attributes, linked_headers=linked_headers)


def record_failure(error: Exception) -> None:
    """Mark the current span as failed, for an error that is handled within its block."""
    if _tracer is not None:
        _tracer.record_failure(error)


def publishing(
    subject: str, event_id: str, headers: Mapping[str, str], *, system: str = "nats"
) -> AbstractContextManager[None]:
    """Record the publishing of an event or a job, in the trace of its headers."""
    if _tracer is None:
        return NOOP_SPAN
    attributes = _messaging(system, subject, event_id, "publish", "send")
    return _tracer.span(f"publish {subject}", "producer", attributes, headers=headers)


def continue_trace(name: str, headers: Mapping[str, str]) -> AbstractContextManager[None]:
    """Continue the trace and the request of the given headers within the block."""
    request = SetWithin(REQUEST_ID, headers.get(REQUEST_ID_HEADER, ""))
    if _tracer is None:
        return request
    return _within(request, _tracer.span(name, "internal", None, headers=headers))


@contextmanager
def _within(
    request: AbstractContextManager[None], span: AbstractContextManager[None]
) -> Generator[None]:
    with request, span:
        yield


def processing(
    subject: str, headers: Mapping[str, str], group: str, attempt: int, *, system: str = "nats"
) -> AbstractContextManager[None]:
    """Record the handling of an event within the request and the trace of its headers."""
    request = SetWithin(REQUEST_ID, headers.get(REQUEST_ID_HEADER, ""))
    if _tracer is None:
        return request
    attributes = _messaging(system, subject, headers.get("ce-id", ""), "process", "process")
    attributes |= {"messaging.consumer.group.name": group, "app.delivery.attempt": attempt}
    span = _tracer.span(
        f"process {subject}", "consumer", attributes, headers=headers, link_to_parent=attempt > 1
    )
    return _within(request, span)


def _messaging(
    system: str, subject: str, event_id: str, operation: str, kind: str
) -> dict[str, str | int | bool]:
    """Return the attributes of the semantic conventions for messaging, 1.44."""
    return {
        "messaging.system": system,
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": subject,
        "messaging.message.id": event_id,
    }


def set_attributes(attributes: Attributes) -> None:
    """Set attributes of the current span."""
    if _tracer is not None:
        _tracer.set_attributes(attributes)


def inject() -> dict[str, str]:
    """Return the headers that link an event or a job to the current request and trace."""
    request_id = REQUEST_ID.get()
    headers = {REQUEST_ID_HEADER: request_id} if request_id else {}
    return headers if _tracer is None else {**headers, **_tracer.inject()}


def correlation_ids() -> dict[str, str]:
    """Return the request and trace ids that correlate log lines and audit entries."""
    request_id = REQUEST_ID.get()
    found = {"request_id": request_id} if request_id else {}
    return found if _tracer is None else {**found, **_tracer.ids()}
