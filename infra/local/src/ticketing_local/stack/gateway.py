"""The gateway at http://localhost:8080: Caddy, with the routes of the cluster's ingress."""

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from ticketing_local.stack import binaries, readiness
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


def caddy(
    port: int, data: Path, upstreams: Mapping[str, Sequence[int]], client_port: int | None
) -> Program:
    """Return the gateway's program. Without a client, `/` is a page with a link to the API."""
    data.mkdir(parents=True, exist_ok=True)
    config = data / "Caddyfile"
    config.write_text(caddyfile(port, upstreams, client_port))
    return Program(
        "gateway",
        (binaries.find(binaries.CADDY), "run", "--config", config, "--adapter", "caddyfile"),
        port,
        readiness.http_ok(f"http://127.0.0.1:{port}/"),
        {"XDG_DATA_HOME": str(data), "XDG_CONFIG_HOME": str(data)},
    )


def caddyfile(port: int, upstreams: Mapping[str, Sequence[int]], client_port: int | None) -> str:
    """Return Caddy's configuration. `upstreams` holds the ports of each service's replicas."""
    routes = "".join(_route(path, upstreams[name]) for path, name in ROUTES.items())
    not_found = json.dumps({"errors": [{"message": "Not Found"}]})
    unavailable = {"errors": [{"message": "Service temporarily unavailable, please try again"}]}
    return f"""{{
\tadmin off
\tauto_https off
\tpersist_config off
\tgrace_period 5s
\tlog {{
\t\tlevel WARN
\t}}
}}

:{port} {{
\tbind {" ".join(_loopback_addresses())}
{routes}
\t@api path /api /api/*
\thandle @api {{
{_json_headers()}
\t\trespond `{not_found}` 404
\t}}
\thandle {{
{_proxy([client_port]) if client_port else _link_page()}
\t}}

\thandle_errors {{
\t\theader Retry-After 1
\t\thandle /api/* {{
{_json_headers()}
\t\t\trespond `{json.dumps(unavailable)}` 503
\t\t}}
\t\thandle {{
\t\t\trespond "The page is temporarily unavailable, please try again" 503
\t\t}}
\t}}
}}
"""


def _route(path: str, ports: Sequence[int]) -> str:
    name = path.rpartition("/")[2]
    return f"""
\t@{name} path {path} {path}/*
\thandle @{name} {{
{_proxy(ports)}
\t}}
"""


def _proxy(ports: Sequence[int]) -> str:
    """Return a proxy that reuses connections and fails over to another replica.

    Connections are closed before uvicorn closes them. Caddy does not buffer server-sent events;
    `flush_interval -1` would keep the upstream busy after the client has disconnected. A replica
    that is not ready, because it is starting or stopping, gets no requests, because a lost write
    cannot be retried.
    """
    health_check = f"""
\t\t\thealth_uri /readyz
\t\t\thealth_interval {HEALTH_INTERVAL_MS}ms"""
    health = health_check if len(ports) > 1 else ""
    upstreams = " ".join(f"127.0.0.1:{port}" for port in ports)
    return f"""\t\treverse_proxy {upstreams} {{
\t\t\tlb_policy round_robin
\t\t\tlb_try_duration {RETRY_SECONDS}s
\t\t\tlb_try_interval 100ms
\t\t\tfail_duration 1s{health}
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
