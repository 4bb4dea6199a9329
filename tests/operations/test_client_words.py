"""The web client has words for what the services say in codes."""

import json

import pytest

from payments.domain.payout import HoldReason
from ticketing_local.stack.paths import ROOT


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("reason", HoldReason)
def test_every_reason_to_hold_a_payout_has_words(language: str, reason: HoldReason) -> None:
    messages = json.loads((ROOT / f"client/messages/{language}.json").read_text())

    assert messages["SaleState"][reason]
    assert messages["SaleBadge"][reason]
