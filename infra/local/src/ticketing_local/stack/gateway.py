"""The gateway at http://localhost:8080: Caddy, with the routes of the cluster's ingress."""

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ticketing_local.stack import binaries, readiness
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.program import Program

ROUTES = {
    "/api/users": "auth",
    "/api/docs": "auth",
    "/api/tickets": "tickets",
    "/api/orders": "orders",
    "/api/payments": "payments",
}
HEALTH_INTERVAL_MS = 500
LAME_DUCK_SECONDS = 1.5
"""How long a stopping replica accepts requests, so that a health check notices it first."""
RETRY_SECONDS = 3
"""How long a request waits for a service that is being restarted."""
PAGE_RETRY_SECONDS = 0.3
"""The same for a page, and for what its server reads: a visitor gets a page within a second. If
something is missing, the page says so and tries again automatically."""
UNAVAILABLE_PAGE = ROOT / "infra" / "gateway" / "unavailable.html"
"""The page while the web client is unavailable. All gateways serve it."""
UNAVAILABLE_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
HEAD_SECONDS = 10
"""The time in which a client must send the head of a request."""
BODY_SECONDS = 12
"""The time that a client has for a body, and a second more for each `BODY_BYTES_PER_SECOND`. It is
longer than that of the services, so that they respond with 408; Caddy passes it on when its own
time is over."""
BODY_BYTES_PER_SECOND = 16 * 1024
REQUEST_SECONDS = 132
"""The time in which a client must send a whole request, of which a file of a ticket is the longest
(tickets/uploads.py). Caddy passes a body on as it arrives."""
MAX_HEAD = "32KiB"
MAX_QUERY_BYTES = 4096
"""As in the services. The web client needs half a second to reject a query of 14,000."""
BROKEN_BODY_ERRORS = ("chunk", "trailer", "MIME header")
"""Words of the errors of Go's reader of request bodies."""
KEEP_FORWARDED_FOR = """
\t\t\theader_up X-Forwarded-For {http.request.header.X-Forwarded-For}"""


@dataclass(frozen=True)
class Listeners:
    """The gateway's ports.

    `internal` is for the server of the web client only. There the gateway passes X-Forwarded-For on
    as it is, so that a request which that server sends for a visitor counts for the visitor.
    """

    public: int
    internal: int


class MailPorts(NamedTuple):
    """The ports of the local mail server, and of the mailer, which previews letters."""

    server: int
    mailer: int


def caddy(
    listeners: Listeners,
    data: Path,
    upstreams: Mapping[str, Sequence[int]],
    client_port: int | None,
    mail: MailPorts | None = None,
) -> Program:
    """Return the gateway's program. Without a client, `/` is a page with a link to the API.

    With the local mail server, `/mail/` shows its letters.
    """
    data.mkdir(parents=True, exist_ok=True)
    config = data / "Caddyfile"
    config.write_text(caddyfile(listeners, upstreams, client_port, mail))
    return Program(
        "gateway",
        (binaries.find(binaries.CADDY), "run", "--config", config, "--adapter", "caddyfile"),
        listeners.public,
        readiness.http_ok(f"http://127.0.0.1:{listeners.public}/"),
        {"XDG_DATA_HOME": str(data), "XDG_CONFIG_HOME": str(data)},
        second_port=("internal", listeners.internal),
    )


def caddyfile(
    listeners: Listeners,
    upstreams: Mapping[str, Sequence[int]],
    client_port: int | None,
    mail: MailPorts | None = None,
) -> str:
    """Return Caddy's configuration. `upstreams` holds the ports of each service's replicas."""
    pages = _mail_pages(mail) if mail else ""
    return f"""{{
\tadmin off
\tauto_https off
\tpersist_config off
\tgrace_period 5s
\tlog {{
\t\tlevel WARN
\t}}
\tservers {{
\t\tmax_header_size {MAX_HEAD}
\t\ttimeouts {{
\t\t\tread_header {HEAD_SECONDS}s
\t\t\tread_body {REQUEST_SECONDS}s
\t\t\tread_body_idle {BODY_SECONDS}s {BODY_BYTES_PER_SECOND}
\t\t}}
\t}}
}}
{_site(listeners.public, upstreams, client_port, RETRY_SECONDS, pages=pages)}
{_site(listeners.internal, upstreams, None, PAGE_RETRY_SECONDS, KEEP_FORWARDED_FOR)}
"""


def _site(
    port: int,
    upstreams: Mapping[str, Sequence[int]],
    client_port: int | None,
    retry_seconds: float,
    proxy_options: str = "",
    *,
    pages: str = "",
) -> str:
    """Return a listener and its routes. `pages` are routes beside those of the web client."""
    routes = "".join(
        _route(path, upstreams[name], retry_seconds, proxy_options) for path, name in ROUTES.items()
    )
    return f"""
:{port} {{
\tbind {" ".join(_loopback_addresses())}
\t@long_query `size({{http.request.uri.query}}) > {MAX_QUERY_BYTES}`
\thandle @long_query {{
{_json_headers()}
\t\trespond `{_error("The query is too long")}` 414
\t}}
{routes}
\t@api path /api /api/*
\thandle @api {{
{_json_headers()}
\t\trespond `{_error("Not Found")}` 404
\t}}
{pages}
\thandle {{
{_proxy([client_port], PAGE_RETRY_SECONDS) if client_port else _link_page()}
\t}}
{_error_responses()}
}}
"""


def _error_responses() -> str:
    """Return the gateway's responses for a broken request and for an unavailable service.

    Caddy reports a broken request as an error of the upstream; only its message differs.
    """
    unavailable = _error("Service temporarily unavailable, please try again")
    broken = " || ".join(f'{{err.message}}.contains("{text}")' for text in BROKEN_BODY_ERRORS)
    return f"""
\thandle_errors {{
\t\t@broken `{broken}`
\t\thandle @broken {{
{_json_headers()}
\t\t\trespond `{_error("Invalid request")}` 400
\t\t}}
\t\thandle /api/* {{
{_json_headers()}
\t\t\theader Retry-After 1
\t\t\trespond `{unavailable}` 503
\t\t}}
\t\thandle {{
\t\t\theader {{
\t\t\t\tRetry-After 1
\t\t\t\tCache-Control no-store
\t\t\t\tContent-Type "text/html; charset=utf-8"
\t\t\t\tX-Content-Type-Options nosniff
\t\t\t\tContent-Security-Policy "{UNAVAILABLE_PAGE_POLICY}"
\t\t\t}}
\t\t\trespond `{UNAVAILABLE_PAGE.read_text()}` 503
\t\t}}
\t}}"""


def _error(message: str) -> str:
    return json.dumps({"errors": [{"message": message}]})


def _mail_pages(mail: MailPorts) -> str:
    """Return the routes of received and of all possible letters, on development machines only."""
    return f"""
\t@preview path /mail/preview/*
\thandle @preview {{
{_proxy([mail.mailer], PAGE_RETRY_SECONDS)}
\t}}
\t@mail path /mail /mail/*
\thandle @mail {{
{_proxy([mail.server], PAGE_RETRY_SECONDS)}
\t}}"""


def _route(path: str, ports: Sequence[int], retry_seconds: float, proxy_options: str) -> str:
    name = path.rpartition("/")[2]
    return f"""
\t@{name} path {path} {path}/*
\thandle @{name} {{
{_proxy(ports, retry_seconds, proxy_options)}
\t}}
"""


def _proxy(ports: Sequence[int], retry_seconds: float, options: str = "") -> str:
    """Return a proxy that reuses connections and fails over to another replica.

    Connections are closed before uvicorn closes them. Caddy does not buffer server-sent events;
    `flush_interval -1` would keep the upstream busy after the client has disconnected. A replica
    that is not ready, because it is starting or stopping, gets no requests, because a lost write
    cannot be retried; a GET without a body is. Only the health check decides that: a failed request
    marks no replica as down (`fail_duration`), because a client can make its own request fail.
    """
    health_check = f"""
\t\t\thealth_uri /readyz
\t\t\thealth_interval {HEALTH_INTERVAL_MS}ms"""
    health = health_check if len(ports) > 1 else ""
    upstreams = " ".join(f"127.0.0.1:{port}" for port in ports)
    return f"""\t\treverse_proxy {upstreams} {{
\t\t\tlb_policy round_robin
\t\t\tlb_try_duration {retry_seconds}s
\t\t\tlb_try_interval 100ms
\t\t\tlb_retry_match {{
\t\t\t\tmethod GET
\t\t\t\tnot header Content-Length *
\t\t\t\tnot header Transfer-Encoding *
\t\t\t}}{health}{options}
\t\t\ttransport http {{
\t\t\t\tdial_timeout 1s
\t\t\t\tkeepalive 60s
\t\t\t\tkeepalive_idle_conns_per_host 256
\t\t\t}}
\t\t}}"""


def _json_headers() -> str:
    """Return the headers of the gateway's own API responses, which are those of the services."""
    return """\t\theader {
\t\t\tContent-Type application/json
\t\t\tX-Content-Type-Options nosniff
\t\t\tContent-Security-Policy "default-src 'none'; frame-ancestors 'none'"
\t\t}"""


def _link_page() -> str:
    page = '<!doctype html><title>Ticketing</title><h1>Ticketing</h1><a href="/api/docs">API</a>'
    return f"""\t\thandle / {{
\t\t\theader Content-Type "text/html; charset=utf-8"
\t\t\trespond `{page}`
\t\t}}
\t\trespond "Not found" 404"""


def _loopback_addresses() -> list[str]:
    """Return the IPv4 address, and the IPv6 address if the machine has one."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return ["127.0.0.1", "[::1]"]
    except OSError:
        return ["127.0.0.1"]
