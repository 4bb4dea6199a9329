"""Hooks of tests of a running system: what a failing one prints, and when the system is stopped."""

import re
from collections.abc import Generator
from typing import Any

import pytest

from support.system import System
from ticketing_local.testing.pytest_plugin import group_of

PROBLEM = re.compile(r"warn|error|critical|traceback", re.IGNORECASE)
LINES_PER_PROCESS = 12
MAX_LINE_LENGTH = 400


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the problems to the report of a failing test that uses a system."""
    report = yield
    system = _system_of(item)
    if report.failed and system is not None:
        report.sections.append(("Problems in the logs of the system", last_problems(system)))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Stop the system when the last test of it has ended, if processes of pytest share the tests.

    Its loops would slow the other tests. `started` starts it again if it is needed after all.
    """
    result = yield
    system = _system_of(item)
    is_last = nextitem is None or group_of(nextitem.nodeid) != group_of(item.nodeid)
    if system is not None and is_last and hasattr(item.config, "workerinput"):
        system.stop()
    return result


@pytest.fixture(autouse=True)
def started(request: pytest.FixtureRequest) -> None:
    """Start the system of this test again if it was stopped."""
    if "system" in request.fixturenames:
        system = request.getfixturevalue("system")
        if isinstance(system, System) and not system.processes["gateway"].running:
            system.start()


def _system_of(item: pytest.Item) -> System | None:
    arguments: dict[str, Any] = getattr(item, "funcargs", {})
    system = arguments.get("system")
    return system if isinstance(system, System) else None


def last_problems(system: System) -> str:
    """Return the last log lines of each process that name a problem."""
    found: list[str] = []
    for name, process in system.processes.items():
        log = process.log
        lines = log.read_text(errors="replace").splitlines() if log and log.exists() else []
        problems = [line[:MAX_LINE_LENGTH] for line in lines if PROBLEM.search(line)]
        state = "" if process.running else " (not running)"
        found += [f"{name}{state}: {line}" for line in problems[-LINES_PER_PROCESS:]]
    return "\n".join(found)
