"""The web client: whose Node builds it, and when it is built anew."""

from pathlib import Path

import pytest

from ticketing_local.errors import Trouble
from ticketing_local.stack import client


def a_node(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("node", "npm"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_without_node_the_mend_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Trouble, match=r"not in PATH.*CLIENT=off make start"):
        client.program(3100, 8080)


def test_a_node_that_is_too_old_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_node(tmp_path, "v18.20.0", monkeypatch)

    with pytest.raises(Trouble, match=r"v18\.20\.0, too old"):
        client.program(3100, 8080)


def test_the_client_can_be_left_out() -> None:
    assert not client.wanted({"CLIENT": "off"})
    assert client.wanted({})


def test_a_changed_source_is_another_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CLIENT", tmp_path)
    page = tmp_path / "page.tsx"
    page.write_text("one")
    first = client._state()
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.js").write_text("made")

    assert client._state() == first
    page.write_text("two")
    assert client._state() != first


def test_a_build_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_node(tmp_path, "v20.1.0", monkeypatch)
    (tmp_path / "npm").write_text("#!/bin/sh\necho 'no network' >&2\nexit 1\n")
    monkeypatch.setattr(client, "CLIENT", tmp_path)
    monkeypatch.setattr(client, "SERVER", tmp_path / ".next" / "server.js")

    with pytest.raises(Trouble, match=r"(?s)npm ci .*fails in client.*no network"):
        client.program(3100, 8080)
