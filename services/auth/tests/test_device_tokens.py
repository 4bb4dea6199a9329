"""Tests of device tokens."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from auth.device_tokens import DeviceTokens
from common.values.ids import new_id

KEY, PREVIOUS_KEY = SecretStr("k" * 40), SecretStr("p" * 40)
TOKENS = DeviceTokens(KEY, None)
ANN, BOB = new_id(), new_id()
ADDRESS = "ann@example.com"
SIZE = 22 + 1 + 43


def test_token_is_valid_for_its_account_only() -> None:
    token = TOKENS.issue(ANN)

    assert TOKENS.verify(token, ANN, ADDRESS) == token.partition(".")[0]
    assert TOKENS.verify(token, BOB, ADDRESS) is None


def test_each_browser_has_another_id_and_keeps_it() -> None:
    token = TOKENS.issue(ANN)
    browser_id = TOKENS.verify(token, ANN, ADDRESS)

    assert TOKENS.issue(ANN) != token
    assert TOKENS.issue(ANN, browser_id) == token


def test_token_has_a_fixed_size_and_does_not_contain_the_account() -> None:
    token = TOKENS.issue(ANN)

    assert len(token) == SIZE
    assert ANN not in token


def test_token_of_an_earlier_version_is_valid_for_its_address() -> None:
    token = TOKENS.issue(ADDRESS)  # the account was named by its address

    assert TOKENS.verify(token, ANN, ADDRESS)
    assert TOKENS.verify(token, ANN, "bob@example.com") is None


def test_token_of_the_previous_key_is_valid_during_a_rotation() -> None:
    token = DeviceTokens(PREVIOUS_KEY, None).issue(ANN)

    assert DeviceTokens(KEY, PREVIOUS_KEY).verify(token, ANN, ADDRESS)
    assert TOKENS.verify(token, ANN, ADDRESS) is None


def test_token_is_not_signed_with_the_key_of_access_tokens_itself() -> None:
    assert KEY.get_secret_value().encode() not in TOKENS._keys


@given(st.text())
def test_verify_of_arbitrary_text_returns_none(text: str) -> None:
    assert TOKENS.verify(text, ANN, ADDRESS) is None
