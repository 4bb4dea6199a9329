"""The Makefile: the list of commands, and how it passes what the user writes."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.ports import SERVICES

ENVIRON = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFL"))}
ODD = """a  b'c "d" $HOME $(x) `id` #1 % \\ é"""


def make(folder: Path, *arguments: str) -> list[str]:
    command = ["make", "--silent", "--no-print-directory", *arguments]
    result = subprocess.run(
        command, cwd=folder, env=ENVIRON, capture_output=True, text=True, check=True
    )
    return result.stdout.splitlines()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The Makefile in a folder whose `ticketing` prints its arguments, one a line."""
    for name in ("Makefile", "infra/cluster.mk", "infra/local/install", "requirements/local.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    program = tmp_path / ".venv" / "bin" / "ticketing"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    program.chmod(0o755)
    (tmp_path / ".venv" / "installed-local").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("target", "variable", "expected"),
    [
        ("backup", "TO", ["backup", ODD]),
        ("restore", "FROM", ["restore", ODD]),
        ("demo", "ADDRESS", ["demo", "--address", ODD]),
        ("seed", "CA", ["seed", "--ca-file", ODD]),
    ],
)
def test_value_with_any_character_is_one_argument(
    tree: Path, target: str, variable: str, expected: list[str]
) -> None:
    assert make(tree, target, f"{variable}={ODD}") == expected


def test_unset_variable_is_no_argument(tree: Path) -> None:
    assert make(tree, "backup") == ["backup"]


def test_every_command_is_listed_in_a_group(tree: Path) -> None:
    _, *groups = re.split(r"\n(?=\S)", "\n".join(["", *make(tree)]))
    listed = re.findall(r"(?m)^  make ([a-z-]+) ", "\n".join(groups))
    assert [group.splitlines()[0] for group in groups] == [
        "Use the system on this machine",
        "Operate it",
        "Change the code",
        "Test it",
        "Measure it",
        "Run it in a cluster",
        "Test the images and the cluster",
        "Release it",
    ]
    makefiles = (ROOT / "Makefile").read_text() + (ROOT / "infra" / "cluster.mk").read_text()
    assert sorted(listed) == sorted(
        name for name in re.findall(r"(?m)^([a-z-]+):.*## ", makefiles) if name != "help"
    )


@pytest.mark.parametrize("service", [*SERVICES, "stripe-local"])
def test_make_start_installs_what_every_image_installs(service: str) -> None:
    """`make lock` writes both, from the same pyproject files."""
    assert locked(service) <= locked("local") <= locked("everything")


def locked(name: str) -> set[str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return set(re.findall(r"(?m)^[\w.-]+==[\w.]+", text))
