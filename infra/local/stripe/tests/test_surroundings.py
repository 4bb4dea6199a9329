import subprocess
import sys

import httpx
import pytest

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
        assert httpx.post(f"{server.url}/_local/faults", content=fault).status_code == 400, fault
    assert server.faults() == []


def test_fault_without_count_lasts_until_cleared(server: Server) -> None:
    server.fault("GET /v1/charges", "status", status=429, times=None)
    auth = ("sk_test_local1234", "")

    statuses = [httpx.get(f"{server.url}/v1/charges", auth=auth).status_code for _ in range(3)]
    httpx.delete(f"{server.url}/_local/faults")

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

    body = httpx.get(f"{server.url}/_local/objects/{intent.id}").json()

    assert (body["id"], "_local" in body) == (intent.id, False)
    assert httpx.get(f"{server.url}/_local/objects/pi_none").status_code == 404
