"""A scratch API server, emptied before each test, and a hollow node."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hollow_node import HollowNode
from release import ROOT, Release, kubectl

SCRATCH = re.compile(r"^(mini|kind-.*)$")


@pytest.fixture(scope="session", autouse=True)
def _node() -> Iterator[None]:
    context = kubectl("config", "current-context").strip()
    if not SCRATCH.match(context):
        pytest.exit(f"{context} is not a scratch cluster: these tests delete its contents")
    others = kubectl("get", "nodes", "--output=name").split()
    for other in others:
        kubectl("cordon", other)
    with HollowNode():
        yield
        kubectl("delete", "namespace", "ticketing", "--ignore-not-found")
    for other in others:
        kubectl("uncordon", other)


@pytest.fixture(autouse=True)
def _empty(_node: None) -> None:
    kubectl("delete", "namespace", "ticketing", "--ignore-not-found", "--timeout=120s")


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return Release(tmp_path)


@pytest.fixture
def secrets() -> None:
    kubectl("apply", "--filename", str(ROOT / "infra/k8s/00-namespace.yaml"))
    subprocess.run(
        [ROOT / "infra/scripts/create-secrets.sh"], check=True, stdout=subprocess.DEVNULL
    )
