import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from ticketing_local.stack.gateway import ROUTES, caddy
from ticketing_local.stack.program import Program
from ticketing_local.testing.temporary_server import ScratchServer, free_port


class Upstream(BaseHTTPRequestHandler):
    """Answers who it is and what it was asked."""

    protocol_version = "HTTP/1.1"
    name = ""
    read = threading.Event()

    def do_GET(self) -> None:
        if self.path.endswith("/events"):
            return self._stream()
        length = int(self.headers.get("Content-Length", 0))
        asked = {
            "service": self.name,
            "path": self.path,
            "headers": {key.lower(): value for key, value in self.headers.items()},
            "body": self.rfile.read(length).decode(),
        }
        body = json.dumps(asked).encode()
        self.send_response(418 if self.path.endswith("/teapot") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    do_POST = do_GET  # noqa: N815  the library's name

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        assert self.read.wait(10), "the first event was kept back until the stream's end"
        self.wfile.write(b"data: last\n\n")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        pass


class Stopping(Upstream):
    """A replica that still answers, but says that it stops."""

    name = "stopping"

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.send_error(503)
            return None
        return super().do_GET()


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
    """Auth is away, of two orders the first is away, the others are there."""
    to = {name: [port] for name, port in upstreams.items()}
    to |= {"auth": [free_port()], "orders": [free_port(), upstreams["orders"]]}

    def make(port: int, data: Path) -> Program:
        return caddy(port, data, to, None)

    server = ScratchServer(make)
    with httpx.Client(base_url=f"http://127.0.0.1:{server.wait()}", timeout=20) as client:
        yield client
    server.stop()


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
def test_a_path_goes_to_its_service_as_it_is(
    gateway: httpx.Client, path: str, service: str
) -> None:
    asked = gateway.get(path).json()
    assert (asked["service"], asked["path"]) == (service, path)


def test_a_body_and_a_status_pass_unchanged(gateway: httpx.Client) -> None:
    answer = gateway.post("/api/tickets/teapot", content="a body")
    assert (answer.status_code, answer.json()["body"]) == (418, "a body")


def test_the_service_learns_who_asks_and_how(gateway: httpx.Client) -> None:
    claimed = {"X-Forwarded-For": "6.6.6.6", "Host": "ticketing.dev"}
    headers = gateway.get("/api/tickets", headers=claimed).json()["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == headers["host"] == "ticketing.dev"


@pytest.mark.parametrize("path", ["/api", "/api/expiration/docs", "/api/ticketsX", "/api/../api/x"])
def test_an_unknown_api_path_is_the_one_error_shape(gateway: httpx.Client, path: str) -> None:
    answer = gateway.get(path)
    assert (answer.status_code, answer.json()) == (404, {"errors": [{"message": "Not Found"}]})


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nowhere"])
def test_what_is_for_operators_is_not_routed(gateway: httpx.Client, path: str) -> None:
    assert gateway.get(path).status_code == httpx.codes.NOT_FOUND


def test_without_a_client_the_front_page_links_the_documentation(gateway: httpx.Client) -> None:
    page = gateway.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert 'href="/api/docs"' in page.text


def test_a_service_that_is_away_is_the_one_error_shape(gateway: httpx.Client) -> None:
    answer = gateway.post("/api/users/signin", json={})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/json"
    (error,) = answer.json()["errors"]
    assert set(error) == {"message"}


def test_the_other_replica_answers_for_one_that_is_away(gateway: httpx.Client) -> None:
    answers = [gateway.post("/api/orders", content=f"order {n}") for n in range(10)]
    assert [answer.json()["body"] for answer in answers] == [f"order {n}" for n in range(10)]


def test_an_event_passes_before_its_stream_ends(gateway: httpx.Client) -> None:
    handler = next(kind for kind in Upstream.__subclasses__() if kind.name == "tickets")
    with gateway.stream("GET", "/api/tickets/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == "data: first"
        handler.read.set()
        assert "data: last" in list(lines)


def test_of_several_replicas_one_that_says_it_stops_gets_nothing_more(
    upstreams: dict[str, int],
) -> None:
    stopping = ThreadingHTTPServer(("127.0.0.1", 0), Stopping)
    threading.Thread(target=stopping.serve_forever, daemon=True).start()
    to = {name: [port, stopping.server_port] for name, port in upstreams.items()}
    server = ScratchServer(lambda port, data: caddy(port, data, to, None))
    with httpx.Client(base_url=f"http://127.0.0.1:{server.wait()}", timeout=20) as client:
        until = time.monotonic() + 10

        def asked() -> list[str]:
            return [client.get("/api/orders").json()["service"] for _ in range(10)]

        while "stopping" in (seen := asked()) and time.monotonic() < until:
            time.sleep(0.05)
        assert set(seen) == {"orders"}
    server.stop()
    stopping.shutdown()
    stopping.server_close()
