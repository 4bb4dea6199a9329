"""Prices are converted exactly, and everything else is rejected."""

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.values import money

ALLOWED = st.integers(money.MIN_CENTS, money.MAX_CENTS)


@given(ALLOWED)
def test_price_round_trips_through_json(minor: int) -> None:
    on_the_wire = json.dumps(money.price(minor))

    assert money.cents(json.loads(on_the_wire)) == minor
    assert money.cents(on_the_wire) == minor


@given(ALLOWED)
def test_cents_accepts_every_spelling_of_a_price(minor: int) -> None:
    whole, rest = divmod(minor, 100)
    spellings: list[Any] = [f"{whole}.{rest:02}", f" {whole}.{rest:02}0 ", Decimal(minor) / 100]
    if rest == 0:
        spellings += [whole, str(whole)]
    if rest % 10 == 0:
        spellings.append(f"{whole}.{rest // 10}")

    assert {money.cents(spelling) for spelling in spellings} == {minor}


def test_price_below_1000_dollars_round_trips() -> None:
    assert all(money.cents(money.price(m)) == m for m in range(money.MIN_CENTS, 100_000))


@given(ALLOWED, st.integers(1, 9))
def test_cents_more_than_two_decimals_raises_value_error(minor: int, tenth: int) -> None:
    with pytest.raises(ValueError, match=r"at most two decimals|at most 999,999\.99"):
        money.cents(f"{Decimal(minor) / 100:.2f}{tenth}")


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (math.nan, "a number"),
        (math.inf, "a number"),
        (-math.inf, "a number"),
        ("NaN", "a number"),
        ("sNaN", "a number"),
        ("Infinity", "a number"),
        (True, "a number"),
        (None, "a number"),
        ([1], "a number"),
        ({"$gt": 0}, "a number"),
        ("", "a number"),
        ("ten", "a number"),
        ("1,50", "a number"),
        ("1_0", "a number"),
        ("\uff11\uff10", "a number"),
        ("0x10", "a number"),
        ("9" * 5000, "a number"),
        (10**30, "at most"),
        ("1e999999", "at most"),
        (1e300, "at most"),
        (1_000_000, "at most"),
        ("999999.991", "at most"),
        (0, "at least"),
        (-0.0, "at least"),
        (0.49, "at least"),
        (-1, "at least"),
        ("1e-999999", "at least"),
        (0.505, "two decimals"),
        (1.005, "two decimals"),
    ],
)
def test_cents_invalid_price_raises_error_with_message(price: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        money.cents(price)


@given(st.floats() | st.text() | st.integers() | st.none() | st.binary())
def test_cents_any_input_is_within_bounds_or_rejected(price: object) -> None:
    try:
        minor = money.cents(price)
    except ValueError:
        return
    assert money.MIN_CENTS <= minor <= money.MAX_CENTS
