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
