"""Test support: the server as a process that can be killed, and a webhook receiver."""

import json
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import stripe

from stripe_local.documents import Document
from stripe_local.http.control_api import CONTROL_HEADERS
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import readiness
from ticketing_local.stack.program import Program
from ticketing_local.testing.free_ports import free_port

SECRET_KEY = "sk_test_local1234"
PUBLISHABLE_KEY = "pk_test_local1234"
WEBHOOK_SECRET = "whsec_of_the_tests"


class Server(ManagedProcess):
    """The local Stripe server, and its control API."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = (
            *(sys.executable, "-m", "stripe_local"),
            *("--port", str(self.port), "--db", database),
        )
        is_ready = readiness.http_ok(f"{self.url}/_local/health")
        environment = {"STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}
        super().__init__(Program("stripe", self._command, self.port, is_ready, environment))

    def restart(self, *arguments: str) -> None:
        """Restart the server with additional command-line arguments."""
        self.terminate()
        self.program = replace(self.program, command=(*self._command, *arguments))
        self.start()
        self.wait_ready()

    def client(
        self, *, retries: int = 0, http: stripe.HTTPClient | None = None
    ) -> stripe.StripeClient:
        """Return a client of the real SDK for this server."""
        return stripe.StripeClient(
            SECRET_KEY,
            base_addresses={"api": self.url},
            http_client=http or stripe.RequestsClient(),
            max_network_retries=retries,
        )

    @asynccontextmanager
    async def async_client(self, *, retries: int) -> AsyncGenerator[stripe.StripeClient]:
        """Open a client on asyncio, as the payments service does."""
        http = stripe.HTTPXClient()
        try:
            yield self.client(retries=retries, http=http)
        finally:
            await http.close_async()

    def clear(self) -> None:
        """Delete all objects and faults."""
        httpx.delete(f"{self.url}/_local/data", headers=CONTROL_HEADERS).raise_for_status()

    def fault(self, match: str, action: str, **more: Any) -> None:
        """Arm a fault."""
        body = {"match": match, "action": action, **more}
        httpx.post(
            f"{self.url}/_local/faults", json=body, headers=CONTROL_HEADERS
        ).raise_for_status()

    def clear_faults(self) -> None:
        """Disarm all faults and end their delays."""
        httpx.delete(f"{self.url}/_local/faults", headers=CONTROL_HEADERS).raise_for_status()

    def faults(self) -> list[Document]:
        """Return the armed faults."""
        return httpx.get(f"{self.url}/_local/faults", headers=CONTROL_HEADERS).json()

    def objects(self, kind: str) -> list[Document]:
        """Return every object of a kind, read page by page."""
        found: list[Document] = []
        after: int | None = 0
        while after is not None:
            query = {"type": kind, "after": after, "limit": 100}
            page = httpx.get(
                f"{self.url}/_local/objects", params=query, headers=CONTROL_HEADERS
            ).json()
            found += page["data"]
            after = page["next"]
        return found

    def ledger(self) -> Document:
        """Return the balance of every account; the server refuses to be out of balance."""
        return self.control("GET", "ledger").raise_for_status().json()

    def move_clock(self, seconds: float) -> None:
        """Move the time of the server forward, and make the changes that become due."""
        self.control("POST", "clock", {"seconds": seconds}).raise_for_status()

    def set_account(self, account: str, state: str, **more: str) -> None:
        """Set whether an account can receive transfers: active, pending, restricted, rejected."""
        body: Document = {"transfers": state, **more}
        self.control("POST", f"accounts/{account}", body).raise_for_status()

    def control(self, method: str, path: str, body: Document | None = None) -> httpx.Response:
        """Call a route of the control API."""
        url = f"{self.url}/_local/{path}"
        return httpx.request(method, url, json=body, headers=CONTROL_HEADERS)

    def deliveries(self) -> list[Document]:
        """Return the webhook deliveries and their states."""
        return httpx.get(f"{self.url}/_local/deliveries", headers=CONTROL_HEADERS).json()["data"]

    def post_as_browser(self, path: str, **form: str | None) -> httpx.Response:
        """Make a call with a publishable key."""
        data = {name: value for name, value in form.items() if value is not None}
        return httpx.post(f"{self.url}{path}", data={"key": PUBLISHABLE_KEY, **data})

    def answer_challenge(self, intent: stripe.PaymentIntent, outcome: str) -> Document:
        """Pass or fail the challenge of a PaymentIntent, as the buyer does."""
        return self.post_as_browser(
            f"/_local/payment_intents/{intent.id}/authenticate",
            client_secret=intent.client_secret,
            outcome=outcome,
        ).json()


@dataclass
class WebhookReceiver:
    """A webhook endpoint that responds with the given statuses, then with 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list[int])
    received: list[tuple[bytes, str]] = field(default_factory=list[tuple[bytes, str]])

    def events(self) -> list[Document]:
        """Return the received events in their order."""
        return [json.loads(body) for body, _ in self.received]

    def types(self) -> list[str]:
        """Return the types of the received events."""
        return [event["type"] for event in self.events()]


@contextmanager
def run_webhook_receiver() -> Generator[WebhookReceiver]:
    """Run a webhook receiver."""
    receiver = WebhookReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append((body, self.headers["Stripe-Signature"]))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name in the base class
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        receiver.url = f"http://127.0.0.1:{http.server_port}/hook"
        yield receiver
        http.shutdown()
        thread.join()
