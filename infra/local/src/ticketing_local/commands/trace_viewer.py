"""`make trace-viewer`: receive spans by OTLP over HTTP, and show traces in the browser.

For the bare machine, which has no containers for a trace store. Traces are kept in memory only.
"""

import gzip
import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import click
import uvicorn
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

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


class TraceStore:
    """The most recent traces, newest last."""

    def __init__(self) -> None:
        self.traces: dict[str, list[Span]] = {}

    def add(self, body: bytes) -> None:
        """Store the spans of one export request."""
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _attribute_values(resource_spans.resource.attributes)
            for span in (span for scope in resource_spans.scope_spans for span in scope.spans):
                trace = self.traces.setdefault(span.trace_id.hex(), [])
                trace.append(_parse_span(resource.get("service.name", "?"), span))
        for oldest in list(self.traces)[:-MAX_TRACES]:
            del self.traces[oldest]

    def spans(self, trace_id: str) -> list[Span]:
        """Return the spans of a trace and of the traces that link to it, ordered by start.

        The requests of a purchase are linked to one trace id, which the browser chose.
        """
        found = [
            span
            for id_, spans in list(self.traces.items())
            if id_ == trace_id or any(trace_id in span.links for span in spans)
            for span in spans
        ]
        return sorted(found, key=lambda span: span.start)

    def trace_ids(self) -> list[str]:
        """Return the ids of the traces, newest first, and a linked id in place of its traces."""
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


def create_app(store: TraceStore) -> Starlette:
    """Create the app, which receives exports and serves the pages."""

    async def receive(request: Request) -> Response:
        body = await request.body()
        is_compressed = request.headers.get("content-encoding") == "gzip"
        store.add(gzip.decompress(body) if is_compressed else body)
        response = ExportTraceServiceResponse().SerializeToString()
        return Response(response, media_type="application/x-protobuf")

    async def show_index(_: Request) -> Response:
        return HTMLResponse(index(store))

    async def show_trace(request: Request) -> Response:
        return HTMLResponse(waterfall(store, request.path_params["trace_id"]))

    return Starlette(
        routes=[
            Route("/v1/traces", receive, methods=["POST"]),
            Route("/", show_index),
            Route("/trace/{trace_id}", show_trace),
        ],
        middleware=[Middleware(RequestBodyLimitMiddleware, max_body_size=MAX_EXPORT_BYTES)],
    )


def serve() -> None:
    """Receive and show traces until Ctrl-C, on the loopback address only."""
    click.echo(
        f"Traces: http://localhost:{PORT}. Send them with\n"
        f"  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:{PORT} make start"
    )
    uvicorn.run(create_app(TraceStore()), port=PORT, log_level="warning")
