"""`make mutants`: takes each safeguard out in a copy of the tree, and sees the tests fail.

python -m mutation            all of them
python -m mutation relay      those whose name has this word
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mutation.safeguards import MUTANTS, Mutant

from ticketing_local.stack.paths import ROOT

PATIENCE = 240.0
FAILED = 1  # pytest's word for: a test has failed; all others mean that it could not run them


def copied(to: Path) -> None:
    """Copy what git knows of the tree, as it is now, and lend it our interpreter and tools."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        source = ROOT / name
        if source.is_file() and not name.startswith("client/"):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to / name)
    (to / ".local").mkdir()
    (to / ".venv").symlink_to(ROOT / ".venv")
    (to / ".local" / "tools").symlink_to(ROOT / ".local" / "tools")


def tested(tree: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """Run some tests of the copy, on the copy's code; give pytest's status and its last line."""
    sources = [*tree.glob("*/src"), *tree.glob("services/*/src"), *tree.glob("infra/**/src")]
    path = os.pathsep.join(str(source) for source in [*sources, tree / "tests"])
    quiet = ("-q", "-x", "--no-header", "-p", "no:cacheprovider", "--tb", "line")
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *quiet, *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = run.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        run.kill()
        run.communicate()
        return FAILED, f"still not done after {PATIENCE:.0f} s"
    failed = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return run.returncode, (failed or said.strip().splitlines() or [""])[-1]


def judged(tree: Path, mutant: Mutant) -> tuple[bool, str]:
    """Take one safeguard out, and tell whether it was missed."""
    file = tree / mutant.file
    sound = file.read_text()
    if sound.count(mutant.old) != 1:
        return False, f"does not apply: {mutant.file} has it {sound.count(mutant.old)} times"
    file.write_text(sound.replace(mutant.old, mutant.new))
    try:
        status, said = tested(tree, mutant.tests)
    finally:
        file.write_text(sound)
    return status == FAILED, said


def main() -> int:
    """Judge them all, and print a table."""
    chosen = [m for m in MUTANTS if all(word in m.safeguard for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory(prefix="ticketing-mutants-") as folder:
        tree = Path(folder)
        copied(tree)
        survived = 0
        print("| without | in | is noticed by | after |\n| --- | --- | --- | --- |", flush=True)
        for mutant in chosen:
            status, said = tested(tree, mutant.tests)
            if status != 0:
                survived += 1
                said = f"unharmed, the tests fail: {said}"
                print(f"| {mutant.safeguard} | {mutant.file} | {said} | |", flush=True)
                continue
            began = time.monotonic()
            caught, said = judged(tree, mutant)
            survived += not caught
            shown = _name(said) if caught else f"**NOBODY**: {said}"
            took = time.monotonic() - began
            where = mutant.file.partition("/src/")[2]
            print(f"| {mutant.safeguard} | {where} | {shown} | {took:.0f} s |", flush=True)
    print(f"\n{len(chosen) - survived} of {len(chosen)} caught", flush=True)
    return 1 if survived else 0


def _name(said: str) -> str:
    """Give the test that pytest's line names, without the reason that it adds."""
    return (
        said.partition(" ")[2].partition(" - ")[0] if said.startswith(("FAILED", "ERROR")) else said
    )


if __name__ == "__main__":
    sys.exit(main())
