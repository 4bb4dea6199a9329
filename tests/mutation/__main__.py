"""`make mutants`: remove each safeguard in a copy of the tree and check that its tests fail.

python -m mutation            all mutants
python -m mutation relay      those with this word in the name of the safeguard
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from mutation.safeguards import MUTANTS, Mutant

from ticketing_local.stack.paths import ROOT

TEST_TIMEOUT_SECONDS = 240.0
PYTEST_TESTS_FAILED = 1
"""pytest's exit code for a failed test; the other codes mean that the tests could not run."""


def copy_tree(target: Path) -> None:
    """Copy the working tree's tracked files and link its interpreter and tools."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, tracked.stdout.decode().split("\0")):
        source = ROOT / name
        if source.is_file() and not name.startswith("client/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    (target / ".local").mkdir()
    (target / ".venv").symlink_to(ROOT / ".venv")
    tools = ROOT / ".local" / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    (target / ".local" / "tools").symlink_to(tools)


def run_tests(tree: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """Run the given tests on the copy's code.

    Returns:
        pytest's exit code and the line that names the last failure, or its last line.
    """
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
        return PYTEST_TESTS_FAILED, f"timed out after {TEST_TIMEOUT_SECONDS:.0f} s"
    failed = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return run.returncode, (failed or output.strip().splitlines() or [""])[-1]


def is_caught(tree: Path, mutant: Mutant) -> tuple[bool, str]:
    """Apply a mutant to the copy, run its tests, and restore the source.

    Returns:
        Whether a test failed, and the line of `run_tests`.
    """
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


@click.command(help="Remove each safeguard in a copy of the tree and check that its tests fail.")
@click.argument("words", nargs=-1)
def main(words: tuple[str, ...]) -> None:
    """Run the mutants whose safeguard contains all the words, and print a table."""
    selected = [m for m in MUTANTS if all(word in m.safeguard for word in words)]
    if not selected:
        raise click.UsageError(f"No safeguard contains {' and '.join(map(repr, words))}.")
    survived = 0
    with tempfile.TemporaryDirectory(prefix="ticketing-mutants-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        click.echo("| safeguard removed | file | caught by | time |\n| --- | --- | --- | --- |")
        for mutant in selected:
            status, output = run_tests(tree, mutant.tests)
            if status != 0:
                survived += 1
                output = f"tests fail without the mutation: {output}"
                click.echo(f"| {mutant.safeguard} | {mutant.file} | {output} | |")
                continue
            started_at = time.monotonic()
            caught, output = is_caught(tree, mutant)
            survived += not caught
            result = _test_name(output) if caught else f"**NOT CAUGHT**: {output}"
            elapsed = time.monotonic() - started_at
            where = mutant.file.partition("/src/")[2]
            click.echo(f"| {mutant.safeguard} | {where} | {result} | {elapsed:.0f} s |")
    click.echo(f"\n{len(selected) - survived} of {len(selected)} caught")
    if survived:
        sys.exit(1)


def _test_name(line: str) -> str:
    """Return the test that pytest's failure line names, without the reason."""
    return (
        line.partition(" ")[2].partition(" - ")[0] if line.startswith(("FAILED", "ERROR")) else line
    )


if __name__ == "__main__":
    main()
