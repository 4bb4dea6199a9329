"""A limit of CPU for a process, as `docker --cpus` and Kubernetes set it: by cgroups."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ticketing_local.errors import CliError

CGROUPS: Final = Path("/sys/fs/cgroup")
PERIOD_SECONDS: Final = 0.1
"""The default of Docker and Kubernetes. A process that has used its share waits for the next."""

PERIOD_MICROSECONDS: Final = round(PERIOD_SECONDS * 1_000_000)

WEIGHT: Final = 100
"""Relative to other processes: what else runs on the machine must not be the limit."""


@dataclass(frozen=True)
class Group:
    """A group of processes that share a limit."""

    folder: Path
    parent: Path

    def add(self, pid: int) -> None:
        """Move a process and its threads into the group."""
        (self.folder / "cgroup.procs").write_text(str(pid))

    def read_throttled(self) -> int:
        """Return the number of periods in which the group used its whole share and had to wait."""
        lines = (self.folder / "cpu.stat").read_text().splitlines()
        return int(dict(line.split() for line in lines)["nr_throttled"])

    def remove(self) -> None:
        """Remove the group. Its processes run on without the limit."""
        for pid in (self.folder / "cgroup.procs").read_text().split():
            (self.parent / "cgroup.procs").write_text(pid)
        self.folder.rmdir()


CreateGroup = Callable[[str, float | None], Group]
"""Creates a group from its name and its limit in CPUs, or without a limit."""


@contextmanager
def open_groups(root: Path = CGROUPS) -> Generator[CreateGroup]:
    """Yield a function that creates a group. Remove the groups at the end.

    Raises:
        CliError: this user cannot limit processes here.
    """
    create = _find_version(root)
    groups: list[Group] = []

    def create_group(name: str, cpus: float | None) -> Group:
        quota = None if cpus is None else round(cpus * PERIOD_MICROSECONDS)
        group = create(f"ticketing-{os.getpid()}-{name}", quota)
        groups.append(group)
        return group

    try:
        yield create_group
    finally:
        for group in groups:
            group.remove()


def _find_version(root: Path) -> Callable[[str, int | None], Group]:
    version_1 = root / "cpu"
    if os.access(version_1 / "cgroup.procs", os.W_OK):
        return lambda name, quota: _create_version_1(version_1, name, quota)
    if os.access(root / "cgroup.subtree_control", os.W_OK):
        if "cpu" not in (root / "cgroup.subtree_control").read_text().split():
            (root / "cgroup.subtree_control").write_text("+cpu")
        return lambda name, quota: _create_version_2(root, name, quota)
    raise CliError(f"no cgroup of the CPU below {root} is writable for this user")


def _create_version_1(parent: Path, name: str, quota: int | None) -> Group:
    folder = parent / name
    folder.mkdir()
    (folder / "cpu.shares").write_text(str(1024 * WEIGHT))
    (folder / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
    (folder / "cpu.cfs_quota_us").write_text(str(-1 if quota is None else quota))
    return Group(folder, parent)


def _create_version_2(parent: Path, name: str, quota: int | None) -> Group:
    folder = parent / name
    folder.mkdir()
    (folder / "cpu.weight").write_text(str(100 * WEIGHT))
    (folder / "cpu.max").write_text(f"{'max' if quota is None else quota} {PERIOD_MICROSECONDS}")
    return Group(folder, parent)
