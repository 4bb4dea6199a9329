"""Each step of a payout and of its recall is interrupted once, and the money still moves once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from common.events import ChargeStatus, PayoutState
from property.payout_model import NET, PayoutModel
from property.payout_stripe import Answer, kept

KILLED = None
INTERRUPTIONS = [KILLED, Answer.LOST, Answer.NOT_ARRIVED, Answer.STORED_ERROR]
MIN_STEPS = 9
"""The steps of a payout: reads and writes of the stores, and calls to Stripe."""


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_payout_interrupted_at_any_step_is_made_once(interruption: Answer | None) -> None:
    steps = 0
    for model, charge_id in _interrupted_models(interruption, is_returned=False):
        steps += 1
        charge = model.charges.all[charge_id]
        (transfer,) = model.stripe.transfers
        assert charge.payout.state is PayoutState.SENT
        assert charge.payout.transfer_id == transfer["id"]
        assert kept(transfer) == NET
    assert steps > MIN_STEPS


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_refund_interrupted_at_any_step_returns_the_money_once(
    interruption: Answer | None,
) -> None:
    steps = 0
    for model, charge_id in _interrupted_models(interruption, is_returned=True):
        steps += 1
        charge = model.charges.all[charge_id]
        assert (charge.status, charge.payout.state) == (
            ChargeStatus.REFUNDED,
            PayoutState.RECALLED,
        )
        assert [kept(transfer) for transfer in model.stripe.transfers] == [0]
        assert len(model.stripe.refunds) == 1
        assert model.sellers.all[charge.seller_id].owed == 0
    assert steps > MIN_STEPS


def _interrupted_models(
    interruption: Answer | None, *, is_returned: bool
) -> Iterator[tuple[PayoutModel, str]]:
    """Yield a settled model for each step at which the first process was interrupted.

    Stripe forgets its keys before the next process continues.
    """
    number, is_interrupted = 0, True
    while is_interrupted:
        model = PayoutModel()
        charge_id = next(iter(model.charges.all))
        if is_returned:
            _run(model, charge_id)
            model.return_order(charge_id)
        is_interrupted = _run(model, charge_id, at=number, interruption=interruption)
        for _ in range(3):
            model.stripe.now += timedelta(hours=25)
            _run(model, charge_id)
        yield model, charge_id
        model.steps.close()
        number += 1


def _run(
    model: PayoutModel, charge_id: str, *, at: int = -1, interruption: Answer | None = None
) -> bool:
    """Run a process, and return whether it was interrupted at the step with this number."""
    task = model.steps.start(model.sync(charge_id))
    number = 0
    while model.steps.waiting:
        (step,) = model.steps.waiting
        if number == at and interruption is KILLED:
            model.steps.kill(step)
            return True
        model.steps.resume(step, interruption if number == at else Answer.GIVEN)
        number += 1
    task.result()
    return number > at >= 0
