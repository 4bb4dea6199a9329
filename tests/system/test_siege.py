"""Two attacks of `make siege`, shortened. The nightly run tests all of them at full length."""

import itertools

import pytest

from common.testing.polling import TIMEOUT_SECONDS
from siege.registry import ATTACKS
from siege.trial import Addresses, Trial, is_bindable, run_trial
from support.system import System

SHORT = Trial(
    attack_seconds=4,
    warm_up_seconds=1,
    recovery_seconds=2,
    min_share_right=0.9,  # a few requests of a few hundred
    max_p99_seconds=TIMEOUT_SECONDS,  # the nightly run measures it
    friendly_users=6,
)
NUMBERS = itertools.count()


@pytest.mark.skipif(not is_bindable(["127.66.0.1"]), reason="127.0.0.1 is the only address")
@pytest.mark.parametrize("name", ["slow-bodies", "inventory"])
async def test_friendly_users_do_not_notice_an_attack(system: System, name: str) -> None:
    outcome = await run_trial(system, ATTACKS[name], Addresses.separate(next(NUMBERS)), SHORT)

    assert outcome.journal.phases["during"].count > 0
    assert outcome.problems == []
