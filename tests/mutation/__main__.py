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

TEST_TIMEOUT_SECONDS = 240.0
PYTEST_TESTS_FAILED = (
    1  # pytest's word for: a test has failed; all others mean that it could not run them
)


def copy_tree(target: Path) -> None:
    """Copy what git knows of the tree, as it is now, and lend it our interpreter and tools."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, tracked.stdout.decode().split("\0")):
        source = ROOT / name
        if source.is_file() and not name.startswith("client/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    (target / ".local").mkdir()
    (target / ".venv").symlink_to(ROOT / ".venv")
    (target / ".local" / "tools").symlink_to(ROOT / ".local" / "tools")


def run_tests(tree: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """Run some tests of the copy, on the copy's code; give pytest's status and its last line."""
    sources = [*tree.glob("*/src"), *tree.glob("services/*/src"), *tree.glob("infra/**/src")]
    path = os.pathsep.join(str(source) for source in [*sources, tree / "tests"])
    options = ("-q", "-x", "--no-header", "-p", "no:cacheprovider", "--tb", "line")
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = run.communicate(timeout=TEST_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        run.kill()
        run.communicate()
        return PYTEST_TESTS_FAILED, f"still not done after {TEST_TIMEOUT_SECONDS:.0f} s"
    failed = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return run.returncode, (failed or output.strip().splitlines() or [""])[-1]


def is_caught(tree: Path, mutant: Mutant) -> tuple[bool, str]:
    """Take one safeguard out, and tell whether it was missed."""
    file = tree / mutant.file
    original = file.read_text()
    if original.count(mutant.old) != 1:
        return False, f"does not apply: {mutant.file} has it {original.count(mutant.old)} times"
    file.write_text(original.replace(mutant.old, mutant.new))
    try:
        status, output = run_tests(tree, mutant.tests)
    finally:
        file.write_text(original)
    return status == PYTEST_TESTS_FAILED, output


def main() -> int:
    """Judge them all, and print a table."""
    selected = [m for m in MUTANTS if all(word in m.safeguard for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory(prefix="ticketing-mutants-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        survived = 0
        print("| without | in | is noticed by | after |\n| --- | --- | --- | --- |", flush=True)
        for mutant in selected:
            status, output = run_tests(tree, mutant.tests)
            if status != 0:
                survived += 1
                output = f"unharmed, the tests fail: {output}"
                print(f"| {mutant.safeguard} | {mutant.file} | {output} | |", flush=True)
                continue
            started_at = time.monotonic()
            caught, output = is_caught(tree, mutant)
            survived += not caught
            result = _test_name(output) if caught else f"**NOBODY**: {output}"
            elapsed = time.monotonic() - started_at
            where = mutant.file.partition("/src/")[2]
            print(f"| {mutant.safeguard} | {where} | {result} | {elapsed:.0f} s |", flush=True)
    print(f"\n{len(selected) - survived} of {len(selected)} caught", flush=True)
    return 1 if survived else 0


def _test_name(line: str) -> str:
    """Give the test that pytest's line names, without the reason that it adds."""
    return (
        line.partition(" ")[2].partition(" - ")[0] if line.startswith(("FAILED", "ERROR")) else line
    )


if __name__ == "__main__":
    sys.exit(main())
