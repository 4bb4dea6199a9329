import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from ticketing_local.cli import main


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETING_HOME", str(tmp_path))


def test_restore_without_folder_names_the_fix() -> None:
    result = CliRunner().invoke(main, ["restore"])
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: No folder given. Run `make restore FROM=.local/backups/<name>`.\n",
    )


@pytest.mark.parametrize("command", ["dead-letters", "replay", "republish-state", "rebuild"])
def test_admin_command_needs_a_running_stack(command: str) -> None:
    result = CliRunner().invoke(main, [command, "orders"])
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: The stack is not running. Run `make start`.\n",
    )


def test_unknown_service_is_refused() -> None:
    result = CliRunner().invoke(main, ["replay", "billing"])
    assert result.exit_code == 2
    assert "'billing' is not one of 'auth', 'tickets'" in result.stderr


@pytest.mark.parametrize("options", [["--help"], ["show-cancel", "--help"], ["decide", "--clear"]])
def test_options_after_the_service_are_those_of_its_command(
    options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[object] = []

    def record(_: object, command: Sequence[str], services: Sequence[str]) -> None:
        received.extend((*command, *services))

    monkeypatch.setattr("ticketing_local.commands.admin.run_admin_command", record)
    result = CliRunner().invoke(main, ["admin", "tickets", *options])

    assert (result.exit_code, received) == (0, [*options, "tickets"])


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate of localhost, and its key."""
    files = tmp_path / "tls.crt", tmp_path / "tls.key"
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext"),
        *("subjectAltName=DNS:localhost", "-out", files[0], "-keyout", files[1]),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return files


class QuietServer(HTTPServer):
    """A server that does not print the error when an untrusting client ends its handshake."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@pytest.fixture
def https_address(certificate: tuple[Path, Path]) -> Iterator[str]:
    """The address of a server that answers every request with 501."""
    server = QuietServer(("localhost", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_demo_reaches_another_address_with_its_certificate_authority(
    https_address: str, certificate: tuple[Path, Path]
) -> None:
    refused = CliRunner().invoke(main, ["demo", "--address", https_address])
    assert refused.stderr.startswith(f"Error: The certificate of {https_address} is not trusted.")

    accepted = CliRunner().invoke(
        main, ["demo", "--address", f"{https_address}/", "--ca-file", str(certificate[0])]
    )
    assert f"On {https_address}, with two new users" in accepted.stdout
    assert "POST /api/users/signup: expected status 201, got 501" in accepted.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--address", "ticketing.dev"], "ticketing.dev is not an address such as https://"),
        (["--address", "http://127.0.0.1:9"], "http://127.0.0.1:9 is not reachable.\n"),
        (["--ca-file", "/nowhere"], "/nowhere contains no certificate in PEM format."),
    ],
)
def test_demo_names_a_wrong_option(options: list[str], message: str) -> None:
    assert message in CliRunner().invoke(main, ["demo", *options]).stderr
