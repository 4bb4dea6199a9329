import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from common.testing.polling import TIMEOUT_SECONDS
from ticketing_local.stack import gateway as gateway_module
from ticketing_local.stack.gateway import ROUTES, UNAVAILABLE_PAGE, Listeners, MailPorts, caddy
from ticketing_local.stack.program import Program
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port
from ticketing_local.testing.polling import wait_until
from ticketing_local.testing.temporary_server import TemporaryServer

API_HEADERS = {
    "content-type": "application/json",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


class Upstream(BaseHTTPRequestHandler):
    """Responds with its name and the request it received."""

    protocol_version = "HTTP/1.1"
    name = ""
    first_event_read = threading.Event()

    def do_GET(self) -> None:
        if self.path.endswith("/events"):
            return self._stream()
        request_body = self._read_body()
        if request_body is None:
            self.close_connection = True
            return None
        received = {
            "service": self.name,
            "path": self.path,
            "headers": {key.lower(): value for key, value in self.headers.items()},
            "body": request_body.decode(),
        }
        body = json.dumps(received).encode()
        self.send_response(418 if self.path.endswith("/teapot") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    do_POST = do_GET  # noqa: N815 - the library's name

    def _read_body(self) -> bytes | None:
        """Return the whole body, as a service reads it before it responds, or None if it is cut."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks: list[bytes] = []
        while line := self.rfile.readline():
            chunks.append(self.rfile.read(int(line, 16)))
            self.rfile.readline()
            if not chunks[-1]:
                return b"".join(chunks)
        return None

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        assert self.first_event_read.wait(TIMEOUT_SECONDS), (
            "the first event was buffered until the end of the stream"
        )
        self.wfile.write(b"data: last\n\n")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


class StoppingUpstream(Upstream):
    """A replica that still responds, but reports that it is stopping."""

    name = "stopping"

    def do_GET(self) -> None:
        if self.path == "/readyz":
            self.send_error(503)
            return None
        return super().do_GET()


class StoppableUpstream(Upstream):
    """An upstream that keeps no connection open, so that none is left when it has stopped."""

    protocol_version = "HTTP/1.0"


def gateway_to(
    upstream_ports: dict[str, list[int]],
    internal_port: int | None = None,
    client_port: int | None = None,
    mail: MailPorts | None = None,
) -> Callable[[int, Path, StoredSecrets], Program]:
    """Return a function that returns the program of a gateway."""

    def make_program(port: int, data: Path, _: StoredSecrets) -> Program:
        listeners = Listeners(port, internal_port or free_port())
        return caddy(listeners, data, upstream_ports, client_port, mail)

    return make_program


@pytest.fixture(scope="module")
def upstreams() -> Iterator[dict[str, int]]:
    servers: dict[str, ThreadingHTTPServer] = {}
    for name in set(ROUTES.values()):
        handler = type(name, (Upstream,), {"name": name, "read": threading.Event()})
        servers[name] = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=servers[name].serve_forever, daemon=True).start()
    yield {name: server.server_port for name, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def gateway(upstreams: dict[str, int]) -> Iterator[httpx.Client]:
    """A gateway whose auth is down, and the first of its two orders replicas."""
    upstream_ports = {name: [port] for name, port in upstreams.items()}
    upstream_ports |= {"auth": [free_port()], "orders": [free_port(), upstreams["orders"]]}

    with (
        TemporaryServer(gateway_to(upstream_ports)) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=TIMEOUT_SECONDS) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/tickets", "tickets"),
        ("/api/tickets/", "tickets"),
        ("/api/tickets/docs?a=%2F&b=c", "tickets"),
        ("/api/tickets/a%2Fb", "tickets"),
        ("/api/orders/5", "orders"),
        ("/api/payments/webhook", "payments"),
    ],
)
def test_path_is_routed_to_its_service_unchanged(
    gateway: httpx.Client, path: str, service: str
) -> None:
    received = gateway.get(path).json()
    assert (received["service"], received["path"]) == (service, path)


def test_mail_pages_are_routed_on_a_development_machine_only(
    gateway: httpx.Client, upstreams: dict[str, int]
) -> None:
    upstream_ports = {name: [port] for name, port in upstreams.items()}
    ports = MailPorts(server=upstreams["tickets"], mailer=upstreams["orders"])
    with TemporaryServer(gateway_to(upstream_ports, mail=ports)) as server:
        site = f"http://127.0.0.1:{server.port}"
        received = httpx.get(f"{site}/mail/5").json()
        previewed = httpx.get(f"{site}/mail/preview/").json()

    assert (received["service"], received["path"]) == ("tickets", "/mail/5")
    assert (previewed["service"], previewed["path"]) == ("orders", "/mail/preview/")
    assert gateway.get("/mail/5").status_code == 404
    assert gateway.get("/mail/preview/").status_code == 404


def test_body_and_status_pass_unchanged(gateway: httpx.Client) -> None:
    response = gateway.post("/api/tickets/teapot", content="a body")
    assert (response.status_code, response.json()["body"]) == (418, "a body")


def test_service_gets_forwarded_headers(gateway: httpx.Client) -> None:
    claimed = {"X-Forwarded-For": "6.6.6.6", "Host": "ticketing.dev"}
    headers = gateway.get("/api/tickets", headers=claimed).json()["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == headers["host"] == "ticketing.dev"


@pytest.mark.parametrize(
    ("sent", "received"), [({"X-Forwarded-For": "192.0.2.1"}, "192.0.2.1"), ({}, "")]
)
def test_internal_listener_passes_the_address_of_the_visitor_on(
    upstreams: dict[str, int], sent: dict[str, str], received: str
) -> None:
    upstream_ports = {name: [port] for name, port in upstreams.items()}
    internal = free_port()
    with (
        TemporaryServer(gateway_to(upstream_ports, internal)),
        httpx.Client(base_url=f"http://127.0.0.1:{internal}", timeout=TIMEOUT_SECONDS) as client,
    ):
        headers = client.get("/api/tickets", headers=sent).json()["headers"]

    assert headers.get("x-forwarded-for", "") == received


def test_slow_head_is_closed(upstreams: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "HEAD_SECONDS", 1)
    upstream_ports = {name: [port] for name, port in upstreams.items()}
    with (
        TemporaryServer(gateway_to(upstream_ports)) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_SECONDS) as connection,
    ):
        connection.sendall(b"POST /api/tickets HTTP/1.1\r\nHost: x\r\n")

        assert connection.recv(1024) == b""


def test_body_may_take_longer_the_more_of_it_has_arrived(
    upstreams: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "BODY_SECONDS", 1)
    monkeypatch.setattr(gateway_module, "BODY_BYTES_PER_SECOND", 10)
    upstream_ports = {name: [port] for name, port in upstreams.items()}
    with (
        TemporaryServer(gateway_to(upstream_ports)) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_SECONDS) as connection,
    ):
        head = b"POST /api/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n"
        connection.sendall(head + b"x" * 1000)
        for _ in range(2):
            time.sleep(0.75)
            connection.sendall(b"x" * 1000)

        assert connection.recv(1024).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "body",
    [b"zz\r\n", b"2\r\n{}\r\nzz\r\n", b"2\r\n{}\r\n0\r\nbad\r\n\r\n"],
    ids=["first chunk", "second chunk", "trailer"],
)
def test_malformed_body_gets_400_error(gateway: httpx.Client, body: bytes) -> None:
    address = (gateway.base_url.host, gateway.base_url.port or 0)
    head = b"POST /api/tickets HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with (
        socket.create_connection(address, timeout=TIMEOUT_SECONDS) as connection,
        HTTPResponse(connection) as response,  # closes the file that keeps the socket open
    ):
        connection.sendall(head + body)
        response.begin()

        assert response.status == 400
        assert json.loads(response.read()) == {"errors": [{"message": "Invalid request"}]}
        assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/api", "/api/expiration/docs", "/api/ticketsX", "/api/../api/x"])
def test_unknown_api_path_returns_404_error(gateway: httpx.Client, path: str) -> None:
    response = gateway.get(path)
    assert (response.status_code, response.json()) == (404, {"errors": [{"message": "Not Found"}]})
    assert response.headers.items() >= API_HEADERS.items()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nowhere"])
def test_operator_paths_are_not_routed(gateway: httpx.Client, path: str) -> None:
    assert gateway.get(path).status_code == httpx.codes.NOT_FOUND


def test_front_page_without_client_links_docs(gateway: httpx.Client) -> None:
    page = gateway.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert 'href="/api/docs"' in page.text


def test_unavailable_service_returns_503_error(gateway: httpx.Client) -> None:
    response = gateway.post("/api/users/signin", json={})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.headers.items() >= API_HEADERS.items()
    (error,) = response.json()["errors"]
    assert set(error) == {"message"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unavailable_client_and_service_are_reported_before_a_request_gives_up(
    upstreams: dict[str, int], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "RETRY_SECONDS", int(TIMEOUT_SECONDS))
    upstream_ports = {name: [port] for name, port in upstreams.items()} | {"auth": [free_port()]}
    internal = free_port()
    web_client = ThreadingHTTPServer(("127.0.0.1", 0), StoppableUpstream)
    threading.Thread(target=web_client.serve_forever, daemon=True).start()
    with (
        TemporaryServer(gateway_to(upstream_ports, internal, web_client.server_port)) as server,
        httpx.Client(timeout=TIMEOUT_SECONDS) as client,
    ):
        web_client.shutdown()
        web_client.server_close()
        page = client.request(method, f"http://127.0.0.1:{server.port}/tickets/new")
        read = client.request(method, f"http://127.0.0.1:{internal}/api/users/currentuser")

    assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text == UNAVAILABLE_PAGE.read_text()
    assert read.status_code == 503
    assert max(page.elapsed, read.elapsed) < timedelta(seconds=TIMEOUT_SECONDS)


def test_requests_fail_over_to_the_other_replica(gateway: httpx.Client) -> None:
    responses = [gateway.post("/api/orders", content=f"order {n}") for n in range(10)]
    assert [response.json()["body"] for response in responses] == [f"order {n}" for n in range(10)]


def test_event_is_delivered_before_stream_ends(gateway: httpx.Client) -> None:
    handler = next(kind for kind in Upstream.__subclasses__() if kind.name == "tickets")
    with gateway.stream("GET", "/api/tickets/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == "data: first"
        handler.first_event_read.set()
        assert "data: last" in list(lines)


def test_stopping_replica_gets_no_more_requests(upstreams: dict[str, int]) -> None:
    stopping = ThreadingHTTPServer(("127.0.0.1", 0), StoppingUpstream)
    threading.Thread(target=stopping.serve_forever, daemon=True).start()
    upstream_ports = {name: [port, stopping.server_port] for name, port in upstreams.items()}
    with (
        TemporaryServer(gateway_to(upstream_ports)) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=TIMEOUT_SECONDS) as client,
    ):

        def services_reached() -> set[str]:
            return {client.get("/api/orders").json()["service"] for _ in range(10)}

        wait_until(lambda: services_reached() == {"orders"})
    stopping.shutdown()
    stopping.server_close()
