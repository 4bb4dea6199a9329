"""The Compose system through its gateway, and the hardening of its images."""

import base64
import http.client
import json
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
import yaml
from system import ROOT, ComposeSystem, is_available

OWN_SERVICES = [
    *("auth", "auth-mailer", "tickets", "orders", "expiration", "expiration-worker", "payments")
]
SERVICES = sorted(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])
MAX_IMAGE_BYTES = 200_000_000
MAX_TICKETS_IMAGE_BYTES = 230_000_000  # with the decoders of PDFs, images and codes


def fetch(
    system: ComposeSystem,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(  # noqa: S310 - our own gateway
        system.address + path, body, {"Content-Type": "application/json"} | (headers or {})
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return response.status, dict(response.headers), response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def test_demo_passes_through_nginx(system: ComposeSystem) -> None:
    result = system.demo()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "The demo succeeded." in result.stdout


def test_front_page_is_served(system: ComposeSystem) -> None:
    status, headers, page = fetch(system, "/")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert "</html>" in page


@pytest.mark.parametrize(
    ("path", "word"), [("/auth/signin", "current-password"), ("/auth/signup", "new-password")]
)
def test_password_field_is_masked_and_autocompletable(
    system: ComposeSystem, path: str, word: str
) -> None:
    _, _, page = fetch(system, path)
    (field,) = re.findall(r'<input[^>]*name="password"[^>]*>', page)
    assert 'type="password"' in field
    assert f'autocomplete="{word}"' in field.lower()
    assert "onpaste" not in field.lower()


@pytest.mark.parametrize("name", SERVICES)
def test_container_has_read_only_root_and_no_capabilities(system: ComposeSystem, name: str) -> None:
    host = system.containers()[name]["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    if name != "init-secrets":
        assert system.containers()[name]["Config"]["User"].split(":")[0] not in {"", "0", "root"}
        assert host["SecurityOpt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", [*OWN_SERVICES, "client", "mail", "stripe"])
def test_image_is_non_root_without_build_tools(system: ComposeSystem, name: str) -> None:
    image = system.containers()[name]["Config"]["Image"]
    run = ["docker", "run", "--rm", "--read-only", "--entrypoint", "sh", image, "-c"]
    user = subprocess.run([*run, "id -u"], capture_output=True, text=True, check=True)
    assert int(user.stdout) > 0
    tools = "command -v pip npm npx uv gcc cc make strip; touch /app/x /client/x /x"
    found = subprocess.run([*run, tools], capture_output=True, text=True, check=False)
    assert found.stdout == ""
    assert found.returncode != 0


@pytest.mark.parametrize("name", [*OWN_SERVICES, "mail", "stripe"])
def test_a_services_image_is_small(system: ComposeSystem, name: str) -> None:
    image = system.containers()[name]["Config"]["Image"]
    shown = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Size}}", image],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(shown.stdout) < (MAX_TICKETS_IMAGE_BYTES if name == "tickets" else MAX_IMAGE_BYTES)


class Browser:
    """A signed-in user with cookies."""

    def __init__(self, system: ComposeSystem, name: str) -> None:
        self._address = system.address
        cookies = urllib.request.HTTPCookieProcessor()
        self._opener = urllib.request.build_opener(cookies)
        account = {"email": f"{name}-{time.time_ns()}@example.com", "password": "correct horse"}
        self.request("POST", "/api/users/signup", account)

    def send(
        self, method: str, path: str, body: bytes | None, media_type: str
    ) -> tuple[int, bytes]:
        request = urllib.request.Request(  # noqa: S310 - our own gateway
            self._address + path, body, {"Content-Type": media_type}, method=method
        )
        try:
            with self._opener.open(request, timeout=60) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        status, content = self.send(method, path, data, "application/json")
        assert status < 300, (path, status, content)
        return json.loads(content)


def test_buyer_gets_the_uploaded_ticket_from_the_read_only_container(system: ComposeSystem) -> None:
    """The codes are read and drawn by child processes in the container of tickets."""
    script = "import base64; from tickets import sample_files as s; "
    script += f"print(base64.b64encode(s.ticket_pdf(b'CODE-{time.time_ns()}')).decode())"
    file = base64.b64decode(system.compose("exec", "-T", "tickets", "python", "-c", script))
    seller, buyer = Browser(system, "seller"), Browser(system, "buyer")
    ticket = seller.request("POST", "/api/tickets", {"title": "A sealed seat", "price": 20})
    path = f"/api/tickets/{ticket['id']}"

    status, answer = seller.send("PUT", f"{path}/file", file, "application/pdf")

    assert status == 200, answer
    assert json.loads(answer)["protection"]["symbologies"] == ["qr"]
    order = buyer.request("POST", "/api/orders", {"ticketId": ticket["id"]})
    buyer.request("POST", "/api/payments", {"orderId": order["id"], "token": "tok_visa"})
    deadline = time.monotonic() + 60
    while b'"canReveal":true' not in buyer.send("GET", f"{path}/pass", None, "")[1]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    buyer.request("POST", f"{path}/pass/reveal", {})
    assert buyer.send("GET", f"{path}/pass/file", None, "") == (200, file)
    status, code = buyer.send("GET", f"{path}/pass/qr.svg", None, "")
    assert (status, code.count(b"<svg")) == (200, 1)
    assert seller.send("GET", f"{path}/pass/file", None, "")[0] == 401
    check = ("python", "-m", "common.operations.cli", "tickets", "vault-check")
    assert " revealed" in system.compose("exec", "-T", "tickets", *check)


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/usersX"])
def test_unknown_api_path_returns_404_error(system: ComposeSystem, path: str) -> None:
    status, headers, body = fetch(system, path)
    assert (status, headers["Content-Type"]) == (404, "application/json")
    assert json.loads(body) == {"errors": [{"message": "Not Found"}]}


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /%00 HTTP/1.1", 400),
        (b"GET /%zz HTTP/1.1", 400),
        (b"GET /../../etc HTTP/1.1", 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1", 414),
        (b"TRACE / HTTP/1.1", 405),
        (b"get / HTTP/1.1", 400),
        (b"GET / HTTP/9.9", 505),
        (b"GET / HTTP/1.1\r\nX-Large: " + b"a" * 40_000, 431),
        (b"POST /api/orders HTTP/1.1\r\nTransfer-Encoding: unknown", 501),
    ],
)
def test_invalid_request_returns_its_status_and_a_json_error(
    system: ComposeSystem, head: bytes, status: int
) -> None:
    with socket.create_connection(("localhost", system.port), timeout=20) as connection:
        connection.sendall(head + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read()
    assert (response.status, response.headers["Content-Type"]) == (status, "application/json")
    assert json.loads(body)["errors"][0]["message"] in {"Invalid request", "Request too long"}


@pytest.mark.parametrize("size", [70_000, 2_000_000])
def test_oversized_body_returns_413_error(system: ComposeSystem, size: int) -> None:
    status, _, body = fetch(system, "/api/users/signin", b"x" * size)
    assert status == 413
    assert json.loads(body) == {"errors": [{"message": "Request body too large"}]}


def test_forwarded_headers_cannot_be_spoofed(system: ComposeSystem) -> None:
    credentials = json.dumps({"email": "far@example.com", "password": "correct horse"}).encode()
    spoofed = {"X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6", "X-Real-IP": "6.6.6.6"}
    request = urllib.request.Request(  # noqa: S310 - our own gateway
        f"{system.address}/api/users/signup",
        credentials,
        {"Content-Type": "application/json"} | spoofed,
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        cookies = [c.split(";")[0] for c in response.headers.get_all("Set-Cookie")]
    _, _, sessions = fetch(
        system, "/api/users/sessions", None, {"Cookie": "; ".join(cookies), **spoofed}
    )
    assert '"address"' in sessions
    assert "6.6.6.6" not in sessions


def test_server_sent_events_are_not_buffered(system: ComposeSystem) -> None:
    stream = http.client.HTTPConnection("localhost", system.port, timeout=20)
    stream.request("GET", "/api/tickets/events")
    response = stream.getresponse()
    assert response.headers["Content-Type"].startswith("text/event-stream")

    threading.Timer(1, system.demo).start()
    received = b""
    started = time.monotonic()
    while b"data:" not in received and time.monotonic() - started < 15:
        received += response.read1(1000)
    assert b"data:" in received
    stream.close()


def test_stopped_client_exits_with_0(system: ComposeSystem) -> None:
    system.compose("stop", "client")
    assert system.containers()["client"]["State"]["ExitCode"] == 0
    system.compose("up", "--detach", "--wait", "client")


def test_stopped_service_drains_then_returns_503(system: ComposeSystem) -> None:
    started = time.monotonic()
    system.compose("stop", "--timeout", "45", "tickets")
    stopped = system.containers()["tickets"]["State"]
    assert stopped["ExitCode"] == 0
    assert time.monotonic() - started < 45
    assert "stopped" in system.compose("logs", "--tail", "5", "tickets")

    status, headers, body = fetch(system, "/api/tickets")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert json.loads(body) == {"errors": [{"message": "Temporarily unavailable"}]}
    system.compose("up", "--detach", "--wait", "tickets")
    deadline = time.monotonic() + 15  # nginx refreshes DNS every five seconds
    while fetch(system, "/api/tickets")[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_visitor_without_a_client_gets_a_page_in_both_languages(system: ComposeSystem) -> None:
    system.compose("stop", "client")
    started = time.monotonic()
    answers = [fetch(system, "/orders"), fetch(system, "/auth/signin/form", b"email=a")]
    seconds = time.monotonic() - started
    system.compose("up", "--detach", "--wait", "client")

    for status, headers, page in answers:
        assert (status, headers["Retry-After"]) == (503, "1")
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert "Back in a moment" in page
        assert "Gleich wieder da" in page
    assert seconds < len(answers)


def test_prometheus_scrapes_every_process(
    system: ComposeSystem,
) -> None:
    profile = yaml.safe_load((ROOT / "infra/observability/compose.yml").read_text())["services"]
    if not is_available(profile["prometheus"]["image"].split(":-")[1].rstrip("}")):
        pytest.skip("no registry to pull Prometheus from")
    system.compose("--profile", "observability", "up", "--detach", "prometheus")
    base = f"http://localhost:{system.prometheus_port}/api/v1"
    deadline = time.monotonic() + 60
    scraped: dict[str, str] = {}
    while scraped != dict.fromkeys(OWN_SERVICES, "1"):
        assert time.monotonic() < deadline, scraped
        time.sleep(1)
        try:
            with urllib.request.urlopen(f"{base}/query?query=up", timeout=5) as response:  # noqa: S310
                found = json.load(response)["data"]["result"]
        except OSError:  # still starting
            continue
        scraped = {sample["metric"]["service"]: sample["value"][1] for sample in found}
    with urllib.request.urlopen(f"{base}/rules", timeout=5) as response:  # noqa: S310
        (group,) = json.load(response)["data"]["groups"]
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}


def test_restart_keeps_the_signing_key(system: ComposeSystem) -> None:
    def key() -> str:
        return system.compose("exec", "auth", "cat", "/run/secrets/jwt_key")

    before = key()
    system.compose("up", "--detach", "--wait", "--force-recreate", "init-secrets", "auth")
    assert key() == before
    assert len(before) == 64
