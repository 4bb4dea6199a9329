import subprocess
import sys

import httpx
import pytest

from stripe_local.http.control_api import CONTROL_HEADERS
from stripe_local.testing import Server


@pytest.mark.parametrize("path", ["/v3/", "/endive/stripe.js"])
def test_stripe_js_is_served_at_the_real_paths(server: Server, path: str) -> None:
    response = httpx.get(f"{server.url}{path}")

    assert response.headers["content-type"].startswith("text/javascript")
    assert "window.Stripe = Stripe" in response.text


@pytest.mark.parametrize(
    "name", ["frame.html", "frame.css", "frame.js", "form.js", "fields.js", "page.js"]
)
def test_frame_csp_allows_only_own_scripts(server: Server, name: str) -> None:
    response = httpx.get(f"{server.url}/elements/{name}")

    assert response.status_code == 200
    assert "default-src 'none'; script-src 'self'" in response.headers["content-security-policy"]


def test_frame_serves_no_other_files(server: Server) -> None:
    assert httpx.get(f"{server.url}/elements/app.py").status_code == 404


def test_invalid_fault_is_rejected(server: Server) -> None:
    for fault in (
        '{"match": "POST *", "action": "explode"}',
        '{"match": "WEBHOOK *", "action": "drop_before"}',
        '{"match": "POST *", "action": "delay", "for_ms": 5}',
        '{"action": "delay"}',
        "[]",
        "no JSON",
    ):
        response = httpx.post(f"{server.url}/_local/faults", content=fault, headers=CONTROL_HEADERS)
        assert response.status_code == 400, fault
    assert server.faults() == []


def test_fault_without_count_lasts_until_cleared(server: Server) -> None:
    server.fault("GET /v1/charges", "status", status=429, times=None)
    auth = ("sk_test_local1234", "")

    statuses = [httpx.get(f"{server.url}/v1/charges", auth=auth).status_code for _ in range(3)]
    httpx.delete(f"{server.url}/_local/faults", headers=CONTROL_HEADERS)

    assert statuses == [429] * 3
    assert httpx.get(f"{server.url}/v1/charges", auth=auth).status_code == 200


def test_hook_without_secret_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRET", raising=False)

    ended = subprocess.run(
        [sys.executable, "-m", "stripe_local", "--hook", "http://127.0.0.1:1/hook"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "STRIPE_WEBHOOK_SECRET" in ended.stderr


def test_one_object_can_be_read(server: Server) -> None:
    intent = server.client().v1.payment_intents.create({"amount": 2000, "currency": "usd"})

    objects = f"{server.url}/_local/objects"
    body = httpx.get(f"{objects}/{intent.id}", headers=CONTROL_HEADERS).json()

    assert (body["id"], "_local" in body) == (intent.id, False)
    assert httpx.get(f"{objects}/pi_none", headers=CONTROL_HEADERS).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "faults"),
        ("POST", "faults"),
        ("DELETE", "faults"),
        ("GET", "clock"),
        ("POST", "clock"),
        ("DELETE", "idempotency"),
        ("POST", "accounts/acct_1"),
        ("POST", "disputes"),
        ("POST", "disputes/du_1"),
        ("GET", "ledger"),
        ("GET", "ledger/entries"),
        ("GET", "deliveries"),
        ("GET", "objects"),
        ("GET", "objects/pi_1"),
        ("DELETE", "data"),
    ],
)
def test_control_route_without_its_header_is_refused(
    server: Server, method: str, path: str
) -> None:
    assert httpx.request(method, f"{server.url}/_local/{path}").status_code == 403


def test_control_route_refuses_the_preflight_request_of_another_site(server: Server) -> None:
    preflight = {"Origin": "https://example.com", "Access-Control-Request-Method": "DELETE"}

    response = httpx.options(f"{server.url}/_local/data", headers=preflight)

    assert not response.is_success


def test_control_routes_are_off_with_a_key_of_the_real_stripe(own_server: Server) -> None:
    own_server.terminate()
    own_server.start({"STRIPE_KEY": "sk_test_of_somebody"})
    own_server.wait_ready()

    faults = httpx.get(f"{own_server.url}/_local/faults", headers=CONTROL_HEADERS)

    assert faults.status_code == 404
