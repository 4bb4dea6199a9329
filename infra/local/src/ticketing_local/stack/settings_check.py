"""The check of all settings, before anything starts."""

import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from pydantic import ValidationError

import auth.mailer_settings
import auth.settings
import expiration.settings
import orders.settings
import payments.settings
import tickets.settings
from common.settings import EnvironmentSettings, describe_problems
from ticketing_local.errors import CliError

SETTINGS: Final[Mapping[str, type[EnvironmentSettings]]] = {
    "auth": auth.settings.Settings,
    "mailer": auth.mailer_settings.MailerSettings,
    "tickets": tickets.settings.Settings,
    "orders": orders.settings.Settings,
    "expiration": expiration.settings.Settings,
    "payments": payments.settings.Settings,
}
NUMBER: Final = (r"\d+(\.\d+)?", "must be a number")
# Variables that are not settings of a service: the pattern of their values, and what they must be.
OTHER_VARIABLES: Final = {
    "CLIENT": ("on|off", "must be on or off"),
    "NATS_SYNC_INTERVAL": (
        r"always|(\d+(ns|us|ms|s|m|h))+",
        "must be always, or a duration such as 2m",
    ),
    "ADDRESS_PAGES_PER_SECOND": NUMBER,
    "ADDRESS_PAGE_BURST": NUMBER,
}


def check_settings(
    environ: Mapping[str, str], environments: Mapping[str, Mapping[str, str]]
) -> None:
    """Raise `CliError` that lists every invalid setting.

    Args:
        environ: the variables of the caller.
        environments: the environment of each service.
    """
    problems = [
        f"{name} {requirement}."
        for name, (pattern, requirement) in OTHER_VARIABLES.items()
        if environ.get(name) and not re.fullmatch(pattern, environ[name])
    ]
    if environ.get("STRIPE_KEY") and not environ.get("STRIPE_PUBLISHABLE_KEY"):
        problems.append(
            "STRIPE_PUBLISHABLE_KEY must be set together with STRIPE_KEY, because browsers need it "
            "to pay. Stripe's dashboard shows both keys."
        )
    for name, variables in environments.items():
        problems += _problems_of(SETTINGS[name], variables)
    if problems:
        lines = "\n  ".join(dict.fromkeys(problems))
        raise CliError(f"The settings are invalid. Nothing was started.\n  {lines}")


def _problems_of(settings: type[EnvironmentSettings], variables: Mapping[str, str]) -> list[str]:
    try:
        with _process_environment(variables):
            settings()
    except ValidationError as error:
        return [f"{problem}." for problem in describe_problems(error)]
    return []


@contextmanager
def _process_environment(variables: Mapping[str, str]) -> Generator[None]:
    """Replace the variables of this process, which is where pydantic-settings reads them."""
    saved = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(variables)
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)
