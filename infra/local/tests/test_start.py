import json
import signal
import stat
from collections.abc import Iterator

import httpx
import psutil
import pytest

from ticketing_local.testing.tiny_stack import TinyStack, eventually


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyStack]:
    system = TinyStack(tmp_path_factory.mktemp("running") / "home")
    system.start_and_wait()
    yield system
    system.clean_up()


def test_second_start_reports_first_and_changes_nothing(running: TinyStack) -> None:
    before = {process.pid for process in running.processes()}
    second = running.start()
    assert second.wait(30) == 0
    assert second.stdout
    output = second.stdout.read()
    assert "Already running (pid " in output
    assert "Nothing was changed" in output
    assert {process.pid for process in running.processes()} == before


def test_reset_while_running_is_refused(running: TinyStack) -> None:
    refused = running.run_command("reset")
    assert refused.returncode == 1
    assert refused.stderr.startswith("It is running (pid ")
    assert (running.home.data / "redis").exists()
    assert running.is_answering("one")


def test_service_environment_is_passed_exactly(running: TinyStack) -> None:
    environment = httpx.get(f"http://127.0.0.1:{running.port['one']}/").json()
    assert environment["ODD"] == running.AWKWARD_VALUE
    assert "PYTEST_CURRENT_TEST" not in environment, "the caller's environment is the caller's"


def test_killed_service_is_restarted(running: TinyStack) -> None:
    victim = next(
        p for p in running.processes("services") if str(running.port["two"]) in p.cmdline()
    )
    victim.kill()
    eventually(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE)
    eventually(lambda: running.is_answering("two"))


def test_folders_are_private_to_their_owner(running: TinyStack) -> None:
    for folder in (running.home.run, running.home.logs, running.home.data):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_foreign_process_is_never_terminated(running: TinyStack, tiny: TinyStack) -> None:
    """Even if its pid is in our lock file, which a killed run may well have left there."""
    foreign = running.processes()
    tiny.home.folder.mkdir()
    tiny.home.lock.write_text(json.dumps({"pid": foreign[0].pid, "address": ""}))
    assert tiny.run_command("stop").stdout == "Not running.\n"
    assert all(stranger.is_running() for stranger in foreign)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signal_stops_everything(tiny: TinyStack, number: signal.Signals) -> None:
    process = tiny.start_and_wait()
    assert len(tiny.processes()) == 4
    process.send_signal(number)
    assert process.wait(30) == 0
    assert tiny.processes() == []
    assert not any(tiny.is_answering(name) for name in ("one", "two"))


def test_signal_during_start_stops_everything(tiny: TinyStack) -> None:
    process = tiny.start(TINY_BROKEN="import time; time.sleep(600)")
    tiny.wait_for(process, "Waiting for one, two")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert tiny.processes() == []


def test_stop_ends_stack_of_another_terminal(tiny: TinyStack) -> None:
    process = tiny.start_and_wait()
    stopped = tiny.run_command("stop")
    assert (stopped.returncode, stopped.stdout.splitlines()[-1]) == (0, "Stopped.")
    assert process.wait(10) == 0
    assert tiny.processes() == []
    assert tiny.run_command("stop").stdout == "Not running.\n"


def test_start_terminates_orphans_of_a_killed_run(tiny: TinyStack) -> None:
    tiny.start_and_wait().kill()
    for supervisor in tiny.processes("supervisor"):
        supervisor.kill()
    orphans = tiny.processes()
    assert orphans, "the case needs some"
    output = tiny.wait_for(tiny.start(), "Ready after")
    assert f"Ended {len(orphans)} processes that a killed run had left." in output
    assert not any(orphan.is_running() for orphan in orphans)


def test_failed_program_is_reported_with_its_log_tail(tiny: TinyStack) -> None:
    process = tiny.start(TINY_BROKEN="raise SystemExit('the sky is falling')")
    assert process.wait(30) == 1
    assert process.stdout
    output = process.stdout.read()
    assert "two does not start." in output
    assert output.rstrip().endswith("the sky is falling")
    assert str(tiny.home.logs / "two.log") in output
    assert tiny.processes() == []


def test_taken_port_aborts_start_before_anything_runs(running: TinyStack, tiny: TinyStack) -> None:
    port = running.port["redis"]
    process = tiny.start(TINY_REDIS=str(port))
    assert process.wait(30) == 1
    assert process.stdout
    assert f"Port {port} (for redis) is taken by redis-server (pid " in process.stdout.read()
    assert tiny.processes() == []


def test_reset_clears_the_data(tiny: TinyStack) -> None:
    collection = tiny.home.data / "mongo" / "collection"
    collection.parent.mkdir(parents=True)
    collection.touch()
    tiny.home.jwt_key.touch()
    assert tiny.run_command("reset").stdout == "All data is cleared.\n"
    assert [path.name for path in tiny.home.folder.iterdir()] == ["lock"]
