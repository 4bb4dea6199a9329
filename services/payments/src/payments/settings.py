"""The settings of payments."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, SecretStr, ValidationInfo, field_validator

from common.settings import SessionSettings

LIVE = ("sk_live_", "rk_live_", "pk_live_")


class Settings(SessionSettings):
    """The environment variables of payments, besides those of every service."""

    stripe_key: Annotated[SecretStr, Field(min_length=8)]
    """The secret key of Stripe's API."""
    stripe_publishable_key: str | None = None
    """The key with which browsers create tokens."""
    stripe_webhook_secret: SecretStr | None = None
    """The key of webhook signatures; without it the webhook is disabled."""
    stripe_api_base: str | None = None
    """The base URL of Stripe's API, for a local Stripe server."""
    stripe_js_url: str | None = None
    """The URL of Stripe.js, for a local Stripe server."""
    stripe_timeout_seconds: Annotated[float, Field(gt=0, le=20)] = 8
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
    payment_margin_seconds: Annotated[float, Field(ge=0)] = 5
    """How long before it expires an order can no longer be paid."""
    payment_reconcile_seconds: Annotated[float, Field(ge=0)] = 1
    """The interval of the reconciler; 0 disables it."""

    @field_validator("stripe_api_base", "stripe_js_url")
    @classmethod
    def _never_live(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Reject a live key together with a server that is not Stripe's."""
        secret: SecretStr | None = info.data.get("stripe_key")
        keys = (
            secret.get_secret_value() if secret else "",
            info.data.get("stripe_publishable_key") or "",
        )
        if value is not None and any(key.startswith(LIVE) for key in keys):
            raise ValueError("must not be set together with a live key")
        return value
