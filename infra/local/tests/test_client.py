"""The build of the web client."""

import os
from pathlib import Path

import pytest

from ticketing_local.errors import CliError
from ticketing_local.stack import client


def install_fake_node(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("node", "npm"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin")


def test_client_can_be_disabled() -> None:
    assert not client.enabled({"CLIENT": "off"})
    assert client.enabled({})


def test_source_hash_changes_with_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "CLIENT", tmp_path)
    page = tmp_path / "page.tsx"
    page.write_text("one")
    first = client._source_hash()
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.js").write_text("made")

    assert client._source_hash() == first
    page.write_text("two")
    assert client._source_hash() != first


def test_failed_build_reports_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_fake_node(tmp_path, "v20.9.0", monkeypatch)
    (tmp_path / "npm").write_text("#!/bin/sh\necho 'no network' >&2\nexit 1\n")
    monkeypatch.setattr(client, "CLIENT", tmp_path)
    monkeypatch.setattr(client, "SERVER", tmp_path / ".next" / "server.js")

    with pytest.raises(CliError, match=r"(?s)npm ci .*failed in client.*no network"):
        client.program(3100, 8080, {})


def test_path_that_cannot_be_built_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    client.check_path()
    monkeypatch.setattr(client, "CLIENT", Path("/srv/tickets #2/client"))
    with pytest.raises(CliError, match="contains #, with which the web client cannot be built"):
        client.check_path()
