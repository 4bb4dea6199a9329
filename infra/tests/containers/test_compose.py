"""The system as Compose runs it: what its users see, and what its images may do."""

import http.client
import json
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
import yaml
from system import ROOT, System, to_be_had

OURS = ["auth", "tickets", "orders", "expiration", "expiration-worker", "payments"]
SERVICES = sorted(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])
LIMIT = 200_000_000


def ask(
    system: System, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(  # noqa: S310 - our own gateway
        system.address + path, body, {"Content-Type": "application/json"} | (headers or {})
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def test_the_demo_passes_through_nginx(system: System) -> None:
    done = system.demo()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All of it happened as it should." in done.stdout


def test_the_page_is_there(system: System) -> None:
    status, headers, page = ask(system, "/")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert "</html>" in page


@pytest.mark.parametrize(
    ("path", "word"), [("/auth/signin", "current-password"), ("/auth/signup", "new-password")]
)
def test_a_password_is_masked_and_left_to_password_managers(
    system: System, path: str, word: str
) -> None:
    _, _, page = ask(system, path)
    (field,) = re.findall(r'<input[^>]*name="password"[^>]*>', page)
    assert 'type="password"' in field
    assert f'autocomplete="{word}"' in field.lower()
    assert "onpaste" not in field.lower()


@pytest.mark.parametrize("name", SERVICES)
def test_it_runs_with_a_read_only_root_and_no_capabilities(system: System, name: str) -> None:
    host = system.containers()[name]["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    if name != "prepared":
        assert system.containers()[name]["Config"]["User"].split(":")[0] not in {"", "0", "root"}
        assert host["SecurityOpt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", [*OURS, "client", "stripe"])
def test_its_image_is_non_root_and_holds_no_build_tools(system: System, name: str) -> None:
    image = system.containers()[name]["Config"]["Image"]
    run = ["docker", "run", "--rm", "--read-only", "--entrypoint", "sh", image, "-c"]
    user = subprocess.run([*run, "id -u"], capture_output=True, text=True, check=True)
    assert int(user.stdout) > 0
    tools = "command -v pip npm npx uv gcc cc make strip; touch /app/x /client/x /x"
    found = subprocess.run([*run, tools], capture_output=True, text=True, check=False)
    assert found.stdout == ""
    assert found.returncode != 0


@pytest.mark.parametrize("name", [*OURS, "stripe"])
def test_a_services_image_is_small(system: System, name: str) -> None:
    image = system.containers()[name]["Config"]["Image"]
    shown = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Size}}", image],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(shown.stdout) < LIMIT


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/usersX"])
def test_an_unknown_path_of_the_api_is_404_in_the_one_shape(system: System, path: str) -> None:
    status, headers, body = ask(system, path)
    assert (status, headers["Content-Type"]) == (404, "application/json")
    assert json.loads(body) == {"errors": [{"message": "Not Found"}]}


@pytest.mark.parametrize("size", [70_000, 2_000_000])
def test_a_body_too_large_is_413_in_the_one_shape(system: System, size: int) -> None:
    status, _, body = ask(system, "/api/tickets", b"x" * size)
    assert status == 413
    assert json.loads(body) == {"errors": [{"message": "Request body too large"}]}


def test_nobody_says_for_another_where_they_come_from(system: System) -> None:
    credentials = json.dumps({"email": "far@example.com", "password": "correct horse"}).encode()
    spoofed = {"X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6", "X-Real-IP": "6.6.6.6"}
    request = urllib.request.Request(  # noqa: S310 - our own gateway
        f"{system.address}/api/users/signup",
        credentials,
        {"Content-Type": "application/json"} | spoofed,
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        cookies = [c.split(";")[0] for c in answer.headers.get_all("Set-Cookie")]
    _, _, sessions = ask(
        system, "/api/users/sessions", None, {"Cookie": "; ".join(cookies), **spoofed}
    )
    assert '"address"' in sessions
    assert "6.6.6.6" not in sessions


def test_server_sent_events_arrive_as_they_happen(system: System) -> None:
    stream = http.client.HTTPConnection("localhost", system.port, timeout=20)
    stream.request("GET", "/api/tickets/events")
    answer = stream.getresponse()
    assert answer.headers["Content-Type"].startswith("text/event-stream")

    threading.Timer(1, system.demo).start()
    seen = b""
    started = time.monotonic()
    while b"data:" not in seen and time.monotonic() - started < 15:
        seen += answer.read1(1000)
    assert b"data:" in seen
    stream.close()


def test_a_stopped_service_drains_and_its_absence_is_503_in_the_one_shape(system: System) -> None:
    started = time.monotonic()
    system.compose("stop", "--timeout", "45", "tickets")
    stopped = system.containers()["tickets"]["State"]
    assert stopped["ExitCode"] == 0
    assert time.monotonic() - started < 45
    assert "stopped" in system.compose("logs", "--tail", "5", "tickets")

    status, headers, body = ask(system, "/api/tickets")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert json.loads(body) == {"errors": [{"message": "Temporarily unavailable"}]}
    system.compose("up", "--detach", "--wait", "tickets")
    until = time.monotonic() + 15  # nginx asks again where it is within five seconds
    while ask(system, "/api/tickets")[0] != 200:
        assert time.monotonic() < until
        time.sleep(0.2)


def test_the_observability_profile_brings_a_prometheus_that_hears_every_process(
    system: System,
) -> None:
    profile = yaml.safe_load((ROOT / "infra/observability/compose.yml").read_text())["services"]
    if not to_be_had(profile["prometheus"]["image"].split(":-")[1].rstrip("}")):
        pytest.skip("no registry to pull Prometheus from")
    system.compose("--profile", "observability", "up", "--detach", "prometheus")
    base = f"http://localhost:{system.prometheus_port}/api/v1"
    until = time.monotonic() + 60
    heard: dict[str, str] = {}
    while heard != dict.fromkeys(OURS, "1"):
        assert time.monotonic() < until, heard
        time.sleep(1)
        try:
            with urllib.request.urlopen(f"{base}/query?query=up", timeout=5) as answer:  # noqa: S310
                found = json.load(answer)["data"]["result"]
        except OSError:  # it is still starting
            continue
        heard = {sample["metric"]["service"]: sample["value"][1] for sample in found}
    with urllib.request.urlopen(f"{base}/rules", timeout=5) as answer:  # noqa: S310
        (group,) = json.load(answer)["data"]["groups"]
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}


def test_a_second_start_keeps_the_key_that_signed_the_sessions(system: System) -> None:
    def key() -> str:
        return system.compose("exec", "auth", "cat", "/run/secrets/jwt_key")

    before = key()
    system.compose("up", "--detach", "--wait", "--force-recreate", "prepared", "auth")
    assert key() == before
    assert len(before) == 64
