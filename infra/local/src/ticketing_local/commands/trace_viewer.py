"""`make trace-viewer`: receive spans by OTLP over HTTP, and show traces in the browser.

For the bare machine, which has no containers for a trace store. Traces are kept in memory only.
"""

import gzip
import html
import threading
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import click
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

MAX_TRACES: Final = 300
MAX_EXPORT_BYTES: Final = 16 * 1024 * 1024
PORT: Final = 4318
STATUS_ERROR: Final = 2
COLORS: Final = {
    "auth": "#7c5cff",
    "tickets": "#0a8f6c",
    "orders": "#1769d2",
    "expiration": "#b3541e",
    "payments": "#b0246e",
}


@dataclass(frozen=True)
class Span:
    """One operation of one service."""

    service: str
    name: str
    kind: str
    id: str
    parent: str
    start: int
    end: int
    failed: bool
    links: frozenset[str]
    """The ids of the linked traces."""
    attributes: dict[str, str]


@dataclass
class TraceStore:
    """The most recent traces, newest last."""

    traces: OrderedDict[str, list[Span]] = field(default_factory=OrderedDict[str, list[Span]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, body: bytes) -> None:
        """Store the spans of one export request."""
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            for resource_spans in request.resource_spans:
                resource = _attribute_values(resource_spans.resource.attributes)
                for scope in resource_spans.scope_spans:
                    for span in scope.spans:
                        trace = self.traces.setdefault(span.trace_id.hex(), [])
                        trace.append(_parse_span(resource.get("service.name", "?"), span))
            while len(self.traces) > MAX_TRACES:
                self.traces.popitem(last=False)

    def spans(self, trace_id: str) -> list[Span]:
        """Return the spans of a trace and of the traces that link to it, ordered by start.

        The requests of a purchase are linked to one trace id, which the browser chose.
        """
        with self._lock:
            found = [
                span
                for id_, spans in self.traces.items()
                if id_ == trace_id or any(trace_id in span.links for span in spans)
                for span in spans
            ]
        return sorted(found, key=lambda span: span.start)

    def trace_ids(self) -> list[str]:
        """Return the ids of the traces, newest first, and a linked id in place of its traces."""
        with self._lock:
            ids = [
                next((link for span in spans for link in span.links if link != id_), id_)
                for id_, spans in self.traces.items()
            ]
        return list(dict.fromkeys(reversed(ids)))


def _parse_span(service: str, span: WireSpan) -> Span:
    return Span(
        service=service,
        name=span.name,
        kind=WireSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        failed=span.status.code == STATUS_ERROR,
        links=frozenset(link.trace_id.hex() for link in span.links),
        attributes=_attribute_values(span.attributes),
    )


def _attribute_values(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {
        a.key: str(getattr(a.value, a.value.WhichOneof("value") or "string_value"))
        for a in attributes
    }


def tree_order(spans: list[Span]) -> list[tuple[int, Span]]:
    """Return each span below its parent, with its depth. Spans without a parent are at the top."""
    ids = {span.id for span in spans}
    children: dict[str, list[Span]] = {}
    for span in spans:
        children.setdefault(span.parent if span.parent in ids else "", []).append(span)
    rows: list[tuple[int, Span]] = []
    stack = [(0, span) for span in reversed(children.get("", []))]
    while stack:
        depth, span = stack.pop()
        rows.append((depth, span))
        stack += [(depth + 1, child) for child in reversed(children.get(span.id, []))]
    return rows


STYLE: Final = """<!doctype html><meta charset=utf-8><title>Traces</title><style>
body{font:13px/1.5 system-ui;margin:2em;max-width:90em;color:#1c2430}
table{border-collapse:collapse;width:100%}td{padding:1px 8px;white-space:nowrap}
td.bar{width:55%;position:relative}.bar i{position:absolute;top:4px;height:12px;border-radius:2px;
min-width:2px}tr:hover{background:#f1f4f8}b.failed{color:#c0182b}small{color:#627084}
</style>"""


def index(store: TraceStore) -> str:
    """Render the list of traces, newest first."""
    rows = ""
    for trace_id in store.trace_ids():
        spans = store.spans(trace_id)
        services = ", ".join(sorted({span.service for span in spans}))
        duration_ms = (max(s.end for s in spans) - spans[0].start) / 1e6
        failed_mark = " <b class=failed>failed</b>" if any(span.failed for span in spans) else ""
        name = html.escape(spans[0].name)
        rows += (
            f"<tr><td><a href='/trace/{trace_id}'>{name}</a>{failed_mark}<td>{len(spans)} spans"
            f"<td>{duration_ms:.1f} ms<td>{services}"
        )
    return f"{STYLE}<h1>Traces</h1><table>{rows or '<tr><td>None yet.'}</table>"


def waterfall(store: TraceStore, trace_id: str) -> str:
    """Render one trace as a waterfall."""
    spans = store.spans(trace_id)
    if not spans:
        return f"{STYLE}<h1>No such trace</h1>"
    first = spans[0].start
    duration = max(max(span.end for span in spans) - first, 1)
    rows = ""
    for depth, span in tree_order(spans):
        left = 100 * (span.start - first) / duration
        width = 100 * (span.end - span.start) / duration
        color = COLORS.get(span.service, "#627084")
        tooltip = html.escape("\n".join(f"{k} = {v}" for k, v in sorted(span.attributes.items())))
        name = html.escape(span.name)
        name = f"<b class=failed>{name}</b>" if span.failed else name
        rows += (
            f'<tr title="{tooltip}"><td style="padding-left:{depth * 14}px">{name}'
            f"{' &#128279;' if span.links else ''}"
            f"<td style='color:{color}'>{span.service}<td><small>{span.kind}</small>"
            f"<td class=bar><i style='left:{left:.2f}%;width:{width:.2f}%;background:{color}'></i>"
            f"<td align=right>{(span.end - span.start) / 1e6:.1f} ms"
        )
    services = len({span.service for span in spans})
    summary = f"{len(spans)} spans, {services} services, {duration / 1e6:.1f} ms"
    title = html.escape(spans[0].name)
    return f"{STYLE}<h1>{title}</h1><p>{trace_id}: {summary}<table>{rows}</table>"


def server(store: TraceStore, port: int = PORT) -> ThreadingHTTPServer:
    """Return the server, which listens on the loopback address only."""

    class Handler(BaseHTTPRequestHandler):
        """Receives exports and serves the pages."""

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.path != "/v1/traces" or not 0 < length <= MAX_EXPORT_BYTES:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            body = self.rfile.read(length)
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            store.add(body)
            response = ExportTraceServiceResponse().SerializeToString()
            self._respond("application/x-protobuf", response)

        def do_GET(self) -> None:
            trace_id = self.path.removeprefix("/trace/")
            page = index(store) if self.path == "/" else waterfall(store, trace_id)
            self._respond("text/html; charset=utf-8", page.encode())

        def _respond(self, content_type: str, body: bytes) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def serve() -> None:
    """Receive and show traces until Ctrl-C."""
    with server(TraceStore()) as httpd, suppress(KeyboardInterrupt):
        click.echo(
            f"Traces: http://localhost:{PORT}. Send them with\n"
            f"  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:{PORT} make start"
        )
        httpd.serve_forever()
