"""Tests of the evidence about disputes: who needs it, and what it says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from common.events import ChargeStatus, DisputeStatus
from common.shows import OrderedShow, Seat, Venue
from common.values.ids import new_id
from payments.domain.charge import Charge
from payments.domain.evidence import Sale, describe_sale
from payments.domain.order import PaymentPolicy
from payments.domain.stripe_objects import Dispute, decisive_dispute

NOW: Final = datetime(2030, 6, 1, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
POLICY: Final = PaymentPolicy()
WAITING: Final = Dispute("dp_1", DisputeStatus.OPEN, 2000, needs_response=True)
SHOW: Final = OrderedShow(
    id=new_id(),
    name="Night of the Proms",
    starts_at=datetime(2030, 6, 1, 22, 30, tzinfo=UTC),
    ends_at=datetime(2030, 6, 2, 1, tzinfo=UTC),
    time_zone="Europe/Berlin",
    venue=Venue(name="Tempodrom", city="Berlin", country="DE"),
)
SALE: Final = Sale(
    order_id="6" * 24,
    buyer_id="7" * 24,
    amount="19.99 USD",
    title="Front row",
    card="visa card ending in 4242",
    stripe_charge_id="ch_1",
    ordered_at=NOW,
    paid_at=NOW + HOUR,
)


def make_charge(status: ChargeStatus = ChargeStatus.SUCCEEDED) -> Charge:
    return Charge(
        id=new_id(),
        version=3,
        order_id=new_id(),
        user_id=new_id(),
        amount=2000,
        currency="usd",
        status=status,
        stripe_id="pi_1",
        created_at=NOW,
        updated_at=NOW,
        paid_at=NOW,
    )


@pytest.mark.parametrize(
    ("status", "dispute", "needed"),
    [
        (ChargeStatus.SUCCEEDED, WAITING, True),
        (ChargeStatus.REFUNDED, WAITING, True),
        (ChargeStatus.REFUND_PENDING, WAITING, False),
        (ChargeStatus.REFUND_FAILED, WAITING, False),
        (ChargeStatus.SUCCEEDED, replace(WAITING, needs_response=False), False),
        (ChargeStatus.SUCCEEDED, Dispute("dp_1", DisputeStatus.INQUIRY, 2000), False),
    ],
    ids=["paid", "refunded", "going back", "by hand", "under review", "inquiry"],
)
def test_evidence_is_for_a_bank_that_waits_and_money_that_stays(
    status: ChargeStatus, dispute: Dispute, *, needed: bool
) -> None:
    charge = make_charge(status)

    assert charge.needs_evidence(dispute) is needed
    assert bool(charge.begin_evidence(dispute, NOW).after.evidence) is needed


def test_evidence_is_recorded_before_stripe_is_asked_and_counted_once() -> None:
    asked = make_charge().apply_disputes([WAITING], NOW).after.begin_evidence(WAITING, NOW).after

    assert asked.begin_evidence(WAITING, NOW + HOUR).after == asked
    assert asked.needs_evidence(WAITING)
    assert asked.reconcile_at == NOW
    sent = replace(WAITING, has_evidence=True, needs_response=False)
    submitted = asked.apply_disputes([sent], NOW + HOUR).after
    evidence = submitted.evidence_for(WAITING)
    assert evidence is not None
    assert (evidence.asked_at, evidence.submitted_at) == (NOW, NOW + HOUR)
    assert not submitted.needs_evidence(WAITING)
    assert submitted.apply_disputes([sent], NOW + 2 * HOUR).after == submitted


@pytest.mark.parametrize("seen", ["submitted", "lost answer"])
def test_evidence_about_a_dispute_is_submitted_once(seen: str) -> None:
    asked = make_charge().begin_evidence(WAITING, NOW).after
    again = replace(WAITING, has_evidence=True)  # the bank asks as before, but has it

    known = asked.apply_disputes([again], NOW).after if seen == "submitted" else asked

    assert not known.needs_evidence(again)


def test_inquiry_that_was_answered_by_hand_gets_evidence_when_it_becomes_a_dispute() -> None:
    charge = make_charge()
    inquiry = Dispute("dp_1", DisputeStatus.INQUIRY, 2000, has_evidence=True)
    charge = charge.apply_disputes([inquiry], NOW).after

    assert charge.needs_evidence(replace(WAITING, has_evidence=True))


def test_refused_evidence_is_tried_later_with_another_key() -> None:
    asked = make_charge().apply_disputes([WAITING], NOW).after.begin_evidence(WAITING, NOW).after

    refused = asked.refuse_evidence(WAITING, refusals=0, now=NOW, policy=POLICY).after

    evidence = refused.evidence_for(WAITING)
    assert evidence is not None
    assert evidence.refusals == 1
    assert refused.needs_evidence(WAITING)
    assert refused.reconcile_at == NOW + POLICY.payout_retry
    again = refused.refuse_evidence(WAITING, refusals=0, now=NOW, policy=POLICY)
    assert again.after == refused


def test_each_dispute_of_a_payment_has_evidence_of_its_own() -> None:
    other = replace(WAITING, id="dp_2")
    charge = make_charge().begin_evidence(WAITING, NOW).after

    assert charge.begin_evidence(other, NOW).after.evidence_for(other) is not None


@pytest.mark.parametrize(
    ("statuses", "status", "amount"),
    [
        ("open lost", DisputeStatus.OPEN, 1),
        ("inquiry open", DisputeStatus.OPEN, 2),
        ("lost inquiry", DisputeStatus.INQUIRY, 2),
        ("lost won lost", DisputeStatus.LOST, 5),
        ("open open", DisputeStatus.OPEN, 3),
        ("won", DisputeStatus.WON, 1),
    ],
)
def test_disputes_of_a_payment_amount_to_one(
    statuses: str, status: DisputeStatus, amount: int
) -> None:
    disputes = [
        Dispute(f"dp_{n}", DisputeStatus(each), 2**n) for n, each in enumerate(statuses.split())
    ]

    decisive = decisive_dispute(disputes)

    assert decisive is not None
    assert (decisive.status, decisive.amount) == (status, amount)


def test_evidence_names_every_known_time_in_order() -> None:
    sale = replace(SALE, revealed_at=NOW + 2 * HOUR, received_at=NOW + 3 * HOUR)

    evidence = describe_sale(sale)

    log = evidence["access_activity_log"].splitlines()
    assert [line.partition(" UTC")[0] for line in log] == [
        f"2030-06-01 {hour}:00:00" for hour in (12, 13, 14, 15)
    ]
    assert "opened the original" in log[2]
    assert "opened the original of the ticket, with its code" in evidence["uncategorized_text"]
    assert "19.99 USD" in evidence["uncategorized_text"]
    assert "service_date" not in evidence


def test_evidence_of_a_show_has_the_date_at_its_venue() -> None:
    evidence = describe_sale(replace(SALE, show=SHOW, seat=Seat(section="A", row="3")))

    assert evidence["service_date"] == "2030-06-02"
    product = evidence["product_description"]
    assert "Night of the Proms, 2030-06-02 00:30 (Europe/Berlin), Tempodrom, Berlin, DE." in product
    assert "section A, row 3." in product


def test_evidence_claims_nothing_that_is_not_recorded() -> None:
    evidence = describe_sale(replace(SALE, title=None, card=None, ordered_at=None))

    assert len(evidence["access_activity_log"].splitlines()) == 1
    assert "no record that the buyer opened the ticket" in evidence["uncategorized_text"]


def test_evidence_about_a_refunded_payment_names_the_refund() -> None:
    evidence = describe_sale(replace(SALE, refunded_at=NOW + HOUR, refund_id="re_1"))

    assert "refunded in full (re_1)" in evidence["access_activity_log"]
    assert "refund re_1" in evidence["uncategorized_text"]


def test_evidence_is_the_same_for_the_same_facts_and_short_for_the_longest_title() -> None:
    sale = replace(SALE, title="x" * 100_000)

    assert describe_sale(sale) == describe_sale(sale)
    assert sum(map(len, describe_sale(sale).values())) < 5_000
