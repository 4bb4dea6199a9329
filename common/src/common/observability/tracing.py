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

NOTHING: Final = nullcontext()


class Tracer(Protocol):
    """What makes the spans: `common.observability.otel`, where tracing is on."""

    def span(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes | None,
        *,
        carried: Mapping[str, str] | None,
        linked: bool,
    ) -> AbstractContextManager[None]: ...
    def note(self, attributes: Attributes) -> None: ...
    def failed(self, error: Exception) -> None: ...
    def carried(self) -> dict[str, str]: ...
    def ids(self) -> dict[str, str]: ...


_traces: Tracer | None = None


def use(tracer: Tracer) -> None:
    """Make spans with this tracer in this process."""
    global _traces  # noqa: PLW0603 - a process has one, as it has one root logger
    _traces = tracer


def on() -> bool:
    """Tell whether spans are made."""
    return _traces is not None


def span(
    name: str,
    kind: Kind = "internal",
    attributes: Attributes | None = None,
    *,
    carried: Mapping[str, str] | None = None,
    linked: bool = False,
) -> AbstractContextManager[None]:
    """Show what is done in the block as a span of the trace.

    Args:
        name: what is done, of few different names.
        kind: on which side of a wire.
        attributes: by the semantic conventions; nothing secret or personal.
        carried: what came with a message or a request, to go on with; else what is going on here.
        linked: link to what was carried too, because it is not its first time.
    """
    if _traces is None:
        return NOTHING
    return _traces.span(name, kind, attributes, carried=carried, linked=linked)


def failed(error: Exception) -> None:
    """Mark the present span as failed, for an error that is not raised out of its block."""
    if _traces is not None:
        _traces.failed(error)


def publishing(
    subject: str, event_id: str, came: Mapping[str, str], *, system: str = "nats"
) -> AbstractContextManager[None]:
    """Show that an event or a job is sent, as part of what it came of."""
    if _traces is None:
        return NOTHING
    attributes = _messaging(system, subject, event_id, "publish", "send")
    return _traces.span(f"publish {subject}", "producer", attributes, carried=came, linked=False)


@contextmanager
def resumed(name: str, came: Mapping[str, str]) -> Generator[None]:
    """Go on, in the block, with what was carried here instead of what is going on."""
    token = REQUEST_ID.set(came.get(REQUEST_ID_HEADER, ""))
    try:
        with span(name, carried=came):
            yield
    finally:
        REQUEST_ID.reset(token)


@contextmanager
def processing(
    subject: str, came: Mapping[str, str], group: str, attempt: int, *, system: str = "nats"
) -> Generator[None]:
    """Show that an event is handled, and let whatever follows belong to the same request.

    A redelivery stays in the trace of its purchase, and has a link to what was delivered again.
    """
    token = REQUEST_ID.set(came.get(REQUEST_ID_HEADER, ""))
    try:
        if _traces is None:
            yield
            return
        attributes = _messaging(system, subject, came.get("ce-id", ""), "process", "process")
        attributes |= {"messaging.consumer.group.name": group, "app.delivery.attempt": attempt}
        name = f"process {subject}"
        with _traces.span(name, "consumer", attributes, carried=came, linked=attempt > 1):
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


def note(attributes: Attributes) -> None:
    """Add to the present span."""
    if _traces is not None:
        _traces.note(attributes)


def carried() -> dict[str, str]:
    """Give what has to travel with an event or a job, so that its handling belongs here."""
    request_id = REQUEST_ID.get()
    headers = {REQUEST_ID_HEADER: request_id} if request_id else {}
    return headers if _traces is None else {**headers, **_traces.carried()}


def ids() -> dict[str, str]:
    """Give the ids that a line of the log is to be found by."""
    request_id = REQUEST_ID.get()
    found = {"request_id": request_id} if request_id else {}
    return found if _traces is None else {**found, **_traces.ids()}
