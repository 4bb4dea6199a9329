import json
import signal
import stat
from collections.abc import Iterator

import httpx
import pytest

from common.testing.polling import TIMEOUT_SECONDS
from support.tiny_stack import TinyStack
from ticketing_local.stack.run_record import environ_of_run, find_running, require_running
from ticketing_local.testing.polling import wait_until


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyStack]:
    stack = TinyStack(tmp_path_factory.mktemp("running") / "home")
    stack.start_and_wait()
    yield stack
    stack.clean_up()


def test_second_start_reports_first_and_changes_nothing(running: TinyStack) -> None:
    before = {process.pid for process in running.processes()}
    second = running.start()
    assert second.wait(TIMEOUT_SECONDS) == 0
    assert "Already running (pid " in second.output()
    assert "Run `make stop` to stop it." in second.output()
    assert {process.pid for process in running.processes()} == before


def test_reset_while_running_is_refused(running: TinyStack) -> None:
    status, output = running.run_command("reset")
    assert status == 1
    assert output.startswith("Error: The stack is running (pid ")
    assert (running.home.data / "redis").exists()
    assert running.is_responding("one")


def test_service_environment_is_passed_exactly(running: TinyStack) -> None:
    environment = httpx.get(f"http://127.0.0.1:{running.port['one']}/").json()
    assert environment["ODD"] == running.AWKWARD_VALUE
    assert "PYTEST_CURRENT_TEST" not in environment, "a variable of the caller"


def test_other_commands_learn_ports_of_the_running_stack(running: TinyStack) -> None:
    record = require_running(running.home)
    assert record.address == f"http://127.0.0.1:{running.port['one']}"
    environ = environ_of_run(running.home, {"REDIS_PORT": "1", "STRIPE_KEY": "sk_test_shell"})
    assert environ["REDIS_PORT"] == running.REDIS_PORT
    assert not environ["STRIPE_KEY"], "the run has the local Stripe server"


def test_killed_service_is_restarted(running: TinyStack) -> None:
    victim = next(
        p for p in running.processes("services") if str(running.port["two"]) in p.cmdline()
    )
    victim.kill()
    victim.wait(TIMEOUT_SECONDS)
    wait_until(lambda: running.is_responding("two"))


def test_folders_are_private_to_their_owner(running: TinyStack) -> None:
    for folder in (running.home.run, running.home.logs, running.home.data):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_foreign_process_is_never_terminated(running: TinyStack, tiny: TinyStack) -> None:
    """A killed run may have left a pid in the lock file that now belongs to another process."""
    foreign = running.processes()
    tiny.home.folder.mkdir()
    tiny.home.lock.write_text(json.dumps({"pid": foreign[0].pid, "address": ""}))
    assert tiny.run_command("stop") == (0, "Not running.\n")
    assert all(process.is_running() for process in foreign)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signal_stops_everything(tiny: TinyStack, number: signal.Signals) -> None:
    run = tiny.start_and_wait()
    assert len(tiny.processes()) == 4
    run.send_signal(number)
    assert run.wait(TIMEOUT_SECONDS) == 0
    assert tiny.processes() == []
    assert not any(tiny.is_responding(name) for name in ("one", "two"))


def test_signal_during_start_stops_everything(tiny: TinyStack) -> None:
    run = tiny.start(TINY_BROKEN="import time; time.sleep(600)")
    tiny.wait_for(run, "Waiting for one, two")
    run.send_signal(signal.SIGINT)
    assert run.wait(TIMEOUT_SECONDS) == 0
    assert tiny.processes() == []


def test_stop_ends_stack_of_another_terminal(tiny: TinyStack) -> None:
    run = tiny.start_and_wait()
    status, output = tiny.run_command("stop")
    assert (status, output.splitlines()[-1]) == (0, "Stopped.")
    assert run.wait(TIMEOUT_SECONDS) == 0
    assert tiny.processes() == []
    assert find_running(tiny.home) is None
    assert tiny.run_command("stop") == (0, "Not running.\n")


def test_start_terminates_orphans_of_a_killed_run(tiny: TinyStack) -> None:
    tiny.start_and_wait().kill()
    for supervisor in tiny.processes("supervisor"):
        supervisor.kill()
    wait_until(lambda: not tiny.processes("supervisor"))
    orphans = tiny.processes()
    assert orphans, "the test needs orphans"
    output = tiny.wait_for(tiny.start(), "Ready after")
    assert f"Terminated {len(orphans)} orphaned processes of an earlier run." in output
    assert not any(orphan.is_running() for orphan in orphans)


def test_failed_program_is_reported_with_its_log_tail(tiny: TinyStack) -> None:
    run = tiny.start(TINY_BROKEN="raise SystemExit('the sky is falling')")
    assert run.wait(TIMEOUT_SECONDS) == 1
    output = run.output()
    assert "two failed to start." in output
    assert output.rstrip().endswith("the sky is falling")
    assert str(tiny.home.logs / "two.log") in output
    assert tiny.processes() == []


def test_taken_port_aborts_start_before_anything_runs(running: TinyStack, tiny: TinyStack) -> None:
    port = running.port["redis"]
    run = tiny.start(TINY_REDIS=str(port))
    assert run.wait(TIMEOUT_SECONDS) == 1
    assert f"Port {port} (for redis) is taken by redis-server (pid " in run.output()
    assert tiny.processes() == []


def test_reset_deletes_the_data(tiny: TinyStack) -> None:
    collection = tiny.home.data / "mongo" / "collection"
    collection.parent.mkdir(parents=True)
    collection.touch()
    tiny.home.jwt_key.touch()
    assert tiny.run_command("reset") == (0, "All data deleted.\n")
    assert [path.name for path in tiny.home.folder.iterdir()] == ["lock"]


def test_reset_keeps_the_keys_that_backups_need(tiny: TinyStack) -> None:
    tiny.home.secrets.mkdir(parents=True)
    for name in ("mongo-admin", "vault-key", "fingerprint-key"):
        (tiny.home.secrets / name).touch()
    status, output = tiny.run_command("reset")
    assert (status, str(tiny.home.secrets / "vault-key") in output) == (0, True)
    assert {path.name for path in tiny.home.secrets.iterdir()} == {"vault-key", "fingerprint-key"}
