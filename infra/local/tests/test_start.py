import json
import signal
import stat
from collections.abc import Iterator

import httpx
import psutil
import pytest

from ticketing_local.testing.tiny_stack import TinySystem, eventually


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinySystem]:
    system = TinySystem(tmp_path_factory.mktemp("running") / "home")
    system.started()
    yield system
    system.clear()


def test_a_second_start_says_where_the_first_is_and_changes_nothing(running: TinySystem) -> None:
    before = {process.pid for process in running.processes()}
    second = running.start()
    assert second.wait(30) == 0
    assert second.stdout
    said = second.stdout.read()
    assert "Already running (pid " in said
    assert "Nothing was changed" in said
    assert {process.pid for process in running.processes()} == before


def test_reset_refuses_while_it_runs(running: TinySystem) -> None:
    refused = running.command("reset")
    assert refused.returncode == 1
    assert refused.stderr.startswith("It is running (pid ")
    assert (running.home.data / "redis").exists()
    assert running.answers("one")


def test_a_service_is_told_exactly_what_was_meant(running: TinySystem) -> None:
    told = httpx.get(f"http://127.0.0.1:{running.port['one']}/").json()
    assert told["ODD"] == running.odd
    assert "PYTEST_CURRENT_TEST" not in told, "the caller's environment is the caller's"


def test_a_killed_service_comes_back(running: TinySystem) -> None:
    victim = next(
        p for p in running.processes("services") if str(running.port["two"]) in p.cmdline()
    )
    victim.kill()
    eventually(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE)
    eventually(lambda: running.answers("two"))


def test_what_it_writes_is_for_its_owner_only(running: TinySystem) -> None:
    for folder in (running.home.run, running.home.logs, running.home.data):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_stranger_is_never_ended(running: TinySystem, tiny: TinySystem) -> None:
    """Even if its pid is in our lock file, which a killed run may well have left there."""
    strangers = running.processes()
    tiny.home.folder.mkdir()
    tiny.home.lock.write_text(json.dumps({"pid": strangers[0].pid, "address": ""}))
    assert tiny.command("stop").stdout == "Not running.\n"
    assert all(stranger.is_running() for stranger in strangers)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything(tiny: TinySystem, number: signal.Signals) -> None:
    process = tiny.started()
    assert len(tiny.processes()) == 4
    process.send_signal(number)
    assert process.wait(30) == 0
    assert tiny.processes() == []
    assert not any(tiny.answers(name) for name in ("one", "two"))


def test_a_signal_while_it_starts_stops_everything(tiny: TinySystem) -> None:
    process = tiny.start(TINY_BROKEN="import time; time.sleep(600)")
    tiny.wait_for(process, "Waiting for one, two")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert tiny.processes() == []


def test_make_stop_stops_what_runs_elsewhere(tiny: TinySystem) -> None:
    process = tiny.started()
    stopped = tiny.command("stop")
    assert (stopped.returncode, stopped.stdout.splitlines()[-1]) == (0, "Stopped.")
    assert process.wait(10) == 0
    assert tiny.processes() == []
    assert tiny.command("stop").stdout == "Not running.\n"


def test_what_a_killed_run_left_is_ended_by_the_next(tiny: TinySystem) -> None:
    tiny.started().kill()
    for supervisor in tiny.processes("supervisor"):
        supervisor.kill()
    orphans = tiny.processes()
    assert orphans, "the case needs some"
    said = tiny.wait_for(tiny.start(), "Ready after")
    assert f"Ended {len(orphans)} processes that a killed run had left." in said
    assert not any(orphan.is_running() for orphan in orphans)


def test_a_program_that_does_not_start_is_told_with_its_last_words(tiny: TinySystem) -> None:
    process = tiny.start(TINY_BROKEN="raise SystemExit('the sky is falling')")
    assert process.wait(30) == 1
    assert process.stdout
    said = process.stdout.read()
    assert "two does not start." in said
    assert said.rstrip().endswith("the sky is falling")
    assert str(tiny.home.logs / "two.log") in said
    assert tiny.processes() == []


def test_a_taken_port_stops_the_start_before_anything_runs(
    running: TinySystem, tiny: TinySystem
) -> None:
    port = running.port["redis"]
    process = tiny.start(TINY_REDIS=str(port))
    assert process.wait(30) == 1
    assert process.stdout
    assert f"Port {port} (for redis) is taken by redis-server (pid " in process.stdout.read()
    assert tiny.processes() == []


def test_reset_clears_the_data(tiny: TinySystem) -> None:
    kept = tiny.home.data / "mongo" / "collection"
    kept.parent.mkdir(parents=True)
    kept.touch()
    tiny.home.jwt_key.touch()
    assert tiny.command("reset").stdout == "All data is cleared.\n"
    assert [path.name for path in tiny.home.folder.iterdir()] == ["lock"]
