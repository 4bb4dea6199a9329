"""All settings are checked before anything starts."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ticketing_local.errors import CliError
from ticketing_local.stack import plan
from ticketing_local.stack.paths import Home
from ticketing_local.stack.settings_check import check_settings

KEYS = {"STRIPE_KEY": "sk_test_mine", "STRIPE_PUBLISHABLE_KEY": "pk_test_mine"}


def check(environ: Mapping[str, str], tmp_path: Path) -> None:
    check_settings(environ, plan.service_environments(Home(tmp_path), environ))


@pytest.mark.parametrize("environ", [{}, KEYS, {"NATS_SYNC_INTERVAL": "2m", "CLIENT": "off"}])
def test_valid_settings_are_accepted(environ: dict[str, str], tmp_path: Path) -> None:
    check(environ, tmp_path)


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        (
            {**KEYS, "STRIPE_KEY": "rubbish"},
            "STRIPE_KEY must be a secret key of Stripe, which begins with sk_ or rk_.",
        ),
        (
            {**KEYS, "STRIPE_KEY": "pk_test_mine"},
            "STRIPE_KEY must be a secret key of Stripe, which begins with sk_ or rk_.",
        ),
        (
            {**KEYS, "STRIPE_PUBLISHABLE_KEY": "sk_test_mine"},
            "STRIPE_PUBLISHABLE_KEY must be a publishable key of Stripe, which begins with pk_.",
        ),
        (
            {"STRIPE_KEY": "sk_test_mine"},
            "STRIPE_PUBLISHABLE_KEY must be set together with STRIPE_KEY",
        ),
        (
            {**KEYS, "STRIPE_PUBLISHABLE_KEY": "pk_live_mine"},
            "STRIPE_PUBLISHABLE_KEY and STRIPE_KEY must both be of Stripe's test mode",
        ),
        (
            {**KEYS, "STRIPE_WEBHOOK_SECRET": "secret"},
            "STRIPE_WEBHOOK_SECRET must be the signing secrets of webhooks",
        ),
        ({"VAULT_KEY": "g" * 64}, "VAULT_KEY must have 64 hex digits"),
        ({"JWT_KEY": "short"}, "JWT_KEY must have at least 32 characters."),
        ({"ORDER_EXPIRATION_SECONDS": "0"}, "ORDER_EXPIRATION_SECONDS must be greater than or"),
        ({"PAYMENT_FAILURE_POLICY": "no"}, "PAYMENT_FAILURE_POLICY must be 'retry' or 'cancel'."),
        ({"CLIENT": "no"}, "CLIENT must be on or off."),
        ({"NATS_SYNC_INTERVAL": "often"}, "NATS_SYNC_INTERVAL must be always, or a duration"),
        ({"ADDRESS_PAGES_PER_SECOND": "x"}, "ADDRESS_PAGES_PER_SECOND must be a number."),
    ],
)
def test_invalid_setting_is_named_with_its_requirement(
    environ: dict[str, str], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(CliError) as error:
        check(environ, tmp_path)

    assert str(error.value).count("\n") == 1
    assert f"\n  {problem}" in str(error.value)


def test_every_invalid_setting_is_listed_once(tmp_path: Path) -> None:
    environ = {"LOG_LEVEL": "LOUD", "ORDER_LIMIT": "none", "CLIENT": "no"}

    with pytest.raises(CliError) as error:
        check(environ, tmp_path)

    text = str(error.value)
    assert [line.split()[0] for line in text.splitlines()[1:]] == [
        "CLIENT",
        "LOG_LEVEL",
        "ORDER_LIMIT",
    ]


def test_variables_of_the_shell_are_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGO_URI", "nonsense")
    monkeypatch.setenv("NAMESPACE", "NOT VALID")
    check({}, tmp_path)
