"""Tests of device tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from auth.device_tokens import DeviceTokens

KEY, PREVIOUS_KEY = SecretStr("k" * 40), SecretStr("p" * 40)
TOKENS = DeviceTokens(KEY, None)
ANN, BOB = "ann@example.com", "bob@example.com"
SIZE = 22 + 1 + 43


def test_token_is_valid_for_its_account_only() -> None:
    token = TOKENS.issue(ANN)

    assert TOKENS.verify(token, ANN) == token.partition(".")[0]
    assert TOKENS.verify(token, BOB) is None


def test_each_browser_has_another_id_and_keeps_it() -> None:
    token = TOKENS.issue(ANN)
    browser_id = TOKENS.verify(token, ANN)

    assert TOKENS.issue(ANN) != token
    assert TOKENS.issue(ANN, browser_id) == token


@pytest.mark.parametrize("account", ["a@b.de", "x" * 64 + "@" + "y" * 180 + ".example"])
def test_token_has_a_fixed_size_and_does_not_contain_the_account(account: str) -> None:
    token = TOKENS.issue(account)

    assert len(token) == SIZE
    assert account not in token


def test_token_of_the_previous_key_is_valid_during_a_rotation() -> None:
    token = DeviceTokens(PREVIOUS_KEY, None).issue(ANN)

    assert DeviceTokens(KEY, PREVIOUS_KEY).verify(token, ANN)
    assert TOKENS.verify(token, ANN) is None


def test_token_is_not_signed_with_the_key_of_access_tokens_itself() -> None:
    assert KEY.get_secret_value().encode() not in TOKENS._keys


@given(st.text())
def test_verify_of_arbitrary_text_returns_none(text: str) -> None:
    assert TOKENS.verify(text, ANN) is None
