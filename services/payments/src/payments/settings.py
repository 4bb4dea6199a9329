"""The settings of payments."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PositiveInt,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from common.settings import EnvironmentSettings, MongoUri, SessionSettings

LIVE: Final = ("sk_live_", "rk_live_", "pk_live_")
STRIPE_TIMEOUT_SECONDS: Final = 8.0


def _check_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[sr]k_\w{4,}", key.get_secret_value()):
        raise ValueError("must be a secret key of Stripe, which begins with sk_ or rk_")
    return key


def _check_webhook_secrets(secrets: SecretStr) -> SecretStr:
    if not re.fullmatch(r"whsec_[^\s,]+(,whsec_[^\s,]+)*", secrets.get_secret_value()):
        raise ValueError(
            "must be the signing secrets of webhooks, which begin with whsec_, with commas between"
        )
    return secrets


def _check_publishable_key(key: str) -> str:
    if not re.fullmatch(r"pk_\w{4,}", key):
        raise ValueError("must be a publishable key of Stripe, which begins with pk_")
    return key


def _mode(key: str) -> str:
    """Return the mode of Stripe that a key belongs to, if it names one."""
    return next((mode for mode in ("test", "live") if key[3:].startswith(f"{mode}_")), "")


def _check_server(url: str | None, info: ValidationInfo) -> str | None:
    """Reject a live key together with a server that is not Stripe's."""
    keys = (info.data.get("stripe_key"), info.data.get("stripe_publishable_key"))
    texts = (key.get_secret_value() if isinstance(key, SecretStr) else key for key in keys)
    if url is not None and any(text.startswith(LIVE) for text in texts if text):
        raise ValueError("must not be set together with a live key")
    return url


StripeKey = Annotated[SecretStr, AfterValidator(_check_key)]
StripeServer = Annotated[str | None, AfterValidator(_check_server)]
StripeTimeout = Annotated[float, Field(gt=0, le=20)]


class Settings(SessionSettings):
    """The environment variables of payments, besides those of every service."""

    stripe_key: StripeKey
    """The secret key of Stripe's API."""
    stripe_publishable_key: Annotated[str, AfterValidator(_check_publishable_key)] | None = None
    """The key with which browsers create tokens."""
    stripe_webhook_secret: Annotated[SecretStr, AfterValidator(_check_webhook_secrets)] | None = (
        None
    )
    """The keys of webhook signatures, with commas between them: of the events of payments, of those
    of accounts, and old ones. Without any the webhook is disabled."""
    stripe_api_base: StripeServer = None
    """The base URL of Stripe's API, for a local Stripe server."""
    stripe_js_url: StripeServer = None
    """The URL of Stripe.js, for a local Stripe server."""
    stripe_timeout_seconds: StripeTimeout = STRIPE_TIMEOUT_SECONDS
    payment_attempts: Annotated[int, Field(ge=1, le=50)] = 5
    payment_failure_policy: Literal["retry", "cancel"] = "retry"
    """Whether the buyer may retry after a decline, or the order is cancelled."""
    declines_per_account: PositiveInt = 10
    """Payments of one account that may be declined within an hour."""
    declines_per_card: PositiveInt = 10
    """Payments with one card that may be declined within a day, over all accounts."""
    declines_per_address: PositiveInt = 60
    """Payments from one address that may be declined within an hour, over all accounts."""
    payment_lease_seconds: Annotated[float, Field(gt=0)] = 30
    payout_retry_seconds: Annotated[float, Field(gt=0)] = 3600
    """How long until a payout that could not be made is tried again."""
    platform_fee_basis_points: Annotated[int, Field(ge=0, le=5_000)] | None = None
    """The platform's share of a price, in hundredths of a percent; required with a live key."""
    public_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+/?$")] = (
        "https://ticketing.dev"
    )
    """The address of the web client, to which sellers return from Stripe."""
    payment_margin_seconds: Annotated[float, Field(ge=0)] = 5
    """How long before it expires an order can no longer be paid."""
    dispute_search_seconds: Annotated[float, Field(ge=0)] = 3600
    """The interval in which disputes are searched whose webhooks did not arrive; 0 disables it."""
    payment_reconcile_seconds: Annotated[float, Field(ge=0)] = 1
    """The interval of the reconciler; 0 disables it."""
    payment_daily_reconciliation: bool = True
    """Whether this service compares itself with Stripe every day, because no job does."""

    @model_validator(mode="after")
    def _explicit_fee(self) -> Self:
        """Reject a live key without an explicit fee, because it is what the platform earns."""
        is_live = self.stripe_key.get_secret_value().startswith(LIVE)
        if is_live and self.platform_fee_basis_points is None:
            raise ValueError("PLATFORM_FEE_BASIS_POINTS must be set together with a live key")
        return self

    @field_validator("stripe_publishable_key")
    @classmethod
    def _of_one_mode(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Reject a key of Stripe's test mode beside one of its live mode: no payment succeeds."""
        secret: SecretStr | None = info.data.get("stripe_key")
        modes = {_mode(secret.get_secret_value()), _mode(value)} if secret and value else set[str]()
        if {"test", "live"} <= modes:
            raise ValueError("and STRIPE_KEY must both be of Stripe's test mode or live mode")
        return value


class ReconciliationSettings(EnvironmentSettings):
    """The environment variables of the job that compares payments with Stripe."""

    mongo_uri: MongoUri
    mongo_password: SecretStr = SecretStr("")
    stripe_key: StripeKey
    stripe_api_base: StripeServer = None
    stripe_timeout_seconds: StripeTimeout = STRIPE_TIMEOUT_SECONDS
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
