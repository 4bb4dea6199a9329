"""The mutants of `make mutants` match the source and name existing tests."""

import ast
from itertools import takewhile

import pytest
from mutation.safeguards import MUTANTS, Mutant

from ticketing_local.stack.paths import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.safeguard)
def test_mutant_applies_to_the_source_exactly_once(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text()
    assert source.count(mutant.old) == 1
    if mutant.file.endswith(".py"):
        ast.parse(source.replace(mutant.old, mutant.new))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.safeguard)
def test_mutant_names_tests_that_exist(mutant: Mutant) -> None:
    for test in takewhile(lambda argument: argument != "-k", mutant.tests):
        file, _, name = test.partition("::")
        names = {
            node.name
            for node in ast.parse((ROOT / file).read_text()).body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert not name or name in names
