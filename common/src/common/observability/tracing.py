"""What a piece of work belongs to: the request that began it, and the trace of its purchase.

Both travel with every event (`carried`), through the outbox, NATS and the listeners into the next
outbox, so one purchase is one trace. Request ids always do. Spans are made only where
OTEL_EXPORTER_OTLP_ENDPOINT is set; otherwise nothing of OpenTelemetry's SDK is even imported, and
`span` costs a look at one variable. The standard OTEL_ variables say where to and how much.
"""

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Protocol

from common.observability.context import REQUEST_ID, REQUEST_ID_HEADER, Attributes, Kind

NOOP_SPAN: Final = nullcontext()


class Tracer(Protocol):
    """What makes the spans: `common.observability.otel`, where tracing is on."""

    def span(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes | None,
        *,
        headers: Mapping[str, str] | None,
        link_to_parent: bool,
    ) -> AbstractContextManager[None]: ...
    def set_attributes(self, attributes: Attributes) -> None: ...
    def record_failure(self, error: Exception) -> None: ...
    def inject(self) -> dict[str, str]: ...
    def ids(self) -> dict[str, str]: ...


_tracer: Tracer | None = None


def use(tracer: Tracer) -> None:
    """Make spans with this tracer in this process."""
    global _tracer  # noqa: PLW0603 - a process has one, as it has one root logger
    _tracer = tracer


def enabled() -> bool:
    """Tell whether spans are made."""
    return _tracer is not None


def span(
    name: str,
    kind: Kind = "internal",
    attributes: Attributes | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    link_to_parent: bool = False,
) -> AbstractContextManager[None]:
    """Show what is done in the block as a span of the trace.

    Args:
        name: what is done, of few different names.
        kind: on which side of a wire.
        attributes: by the semantic conventions; nothing secret or personal.
        headers: what came with a message or a request, to go on with; else what is going on here.
        link_to_parent: link to what was carried too, because it is not its first time.
    """
    if _tracer is None:
        return NOOP_SPAN
    return _tracer.span(name, kind, attributes, headers=headers, link_to_parent=link_to_parent)


def record_failure(error: Exception) -> None:
    """Mark the present span as failed, for an error that is not raised out of its block."""
    if _tracer is not None:
        _tracer.record_failure(error)


def publishing(
    subject: str, event_id: str, headers: Mapping[str, str], *, system: str = "nats"
) -> AbstractContextManager[None]:
    """Show that an event or a job is sent, as part of what it came of."""
    if _tracer is None:
        return NOOP_SPAN
    attributes = _messaging(system, subject, event_id, "publish", "send")
    return _tracer.span(
        f"publish {subject}", "producer", attributes, headers=headers, link_to_parent=False
    )


@contextmanager
def continue_trace(name: str, headers: Mapping[str, str]) -> Generator[None]:
    """Go on, in the block, with what was carried here instead of what is going on."""
    token = REQUEST_ID.set(headers.get(REQUEST_ID_HEADER, ""))
    try:
        with span(name, headers=headers):
            yield
    finally:
        REQUEST_ID.reset(token)


@contextmanager
def processing(
    subject: str, headers: Mapping[str, str], group: str, attempt: int, *, system: str = "nats"
) -> Generator[None]:
    """Show that an event is handled, and let whatever follows belong to the same request.

    A redelivery stays in the trace of its purchase, and has a link to what was delivered again.
    """
    token = REQUEST_ID.set(headers.get(REQUEST_ID_HEADER, ""))
    try:
        if _tracer is None:
            yield
            return
        attributes = _messaging(system, subject, headers.get("ce-id", ""), "process", "process")
        attributes |= {"messaging.consumer.group.name": group, "app.delivery.attempt": attempt}
        name = f"process {subject}"
        with _tracer.span(
            name, "consumer", attributes, headers=headers, link_to_parent=attempt > 1
        ):
            yield
    finally:
        REQUEST_ID.reset(token)


def _messaging(
    system: str, subject: str, event_id: str, operation: str, kind: str
) -> dict[str, str | int | bool]:
    """Name what is done with a message by the semantic conventions for messaging, 1.44."""
    return {
        "messaging.system": system,
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": subject,
        "messaging.message.id": event_id,
    }


def set_attributes(attributes: Attributes) -> None:
    """Add to the present span."""
    if _tracer is not None:
        _tracer.set_attributes(attributes)


def inject() -> dict[str, str]:
    """Give what has to travel with an event or a job, so that its handling belongs here."""
    request_id = REQUEST_ID.get()
    headers = {REQUEST_ID_HEADER: request_id} if request_id else {}
    return headers if _tracer is None else {**headers, **_tracer.inject()}


def correlation_ids() -> dict[str, str]:
    """Give the ids that a line of the log is to be found by."""
    request_id = REQUEST_ID.get()
    found = {"request_id": request_id} if request_id else {}
    return found if _tracer is None else {**found, **_tracer.ids()}
