"""What payments reads from its environment beside what all services share."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from common.settings import ServiceSettings

LIVE = ("sk_live_", "rk_live_", "pk_live_")


class Settings(ServiceSettings):
    """The settings of payments."""

    stripe_key: Annotated[SecretStr, Field(min_length=8)]
    """The secret key that every call to Stripe is made with."""
    stripe_publishable_key: str | None = None
    """The key that browsers make tokens with; the web client asks for it."""
    stripe_webhook_secret: SecretStr | None = None
    """What Stripe signs its webhooks with; without it there is no webhook route."""
    stripe_api_base: str | None = None
    """Where Stripe's API is, when it is not Stripe's own: the local server."""
    stripe_js_url: str | None = None
    """Where Stripe.js is, when it is not Stripe's own: the local server's."""
    stripe_timeout_seconds: Annotated[float, Field(gt=0, le=20)] = 8
    payment_attempts: Annotated[int, Field(ge=1, le=50)] = 5
    payment_failure_policy: Literal["retry", "cancel"] = "retry"
    """Whether a decline keeps the order open until it expires, or gives it up."""
    payment_lease_seconds: Annotated[float, Field(gt=0)] = 30
    payment_margin_seconds: Annotated[float, Field(ge=0)] = 5
    """How long before its end an order can no longer be paid: Stripe needs time to answer."""
    payment_reconcile_seconds: Annotated[float, Field(ge=0)] = 1
    """How often unfinished charges are looked for; 0 leaves all of it to the webhooks."""

    @field_validator("stripe_api_base", "stripe_js_url")
    @classmethod
    def _never_live(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Refuse to send a live key, or a live card, anywhere but to Stripe."""
        secret: SecretStr | None = info.data.get("stripe_key")
        keys = (
            secret.get_secret_value() if secret else "",
            info.data.get("stripe_publishable_key") or "",
        )
        if value is not None and any(key.startswith(LIVE) for key in keys):
            raise ValueError("must not be set together with a live key")
        return value
