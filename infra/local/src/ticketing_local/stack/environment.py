"""The environment of each service: the addresses of this run, and few of the caller's variables."""

import fnmatch
from collections.abc import Mapping

DEFAULTS = {"COOKIE_SECURE": "false", "LOG_FORMAT": "console"}

# The caller's variables that reach a service. A shell may hold unrelated secrets.
SHARED_VARIABLES = (
    "LOG_*",
    "ADDRESS_*",
    "BODY_TIMEOUT_SECONDS",
    "COOKIE_SECURE",
    "DRAIN_SECONDS",
    "LAME_DUCK_SECONDS",
    "MAX_IN_FLIGHT_REQUESTS",
    "OTEL_*",
    "TRUSTED_PROXIES",
)
SERVICE_VARIABLES = {
    "auth": (
        "DELETION_*",
        "JWT_KEY*",
        "LETTER_KEY",
        "LETTERS_*",
        "PASSWORD_*",
        "PUBLIC_URL",
        "REFRESH_*",
        "RESETS_*",
        "SESSION_IDLE_*",
        "SIGN_*",
        "THROTTLE_*",
    ),
    "tickets": (
        *("FINGERPRINT_KEY", "JWT_KEY*", "VAULT_*"),
        *("LISTINGS_*", "PRICE_CAP_*", "SHOWS_*", "UPLOADS_*"),
    ),
    "orders": ("JWT_KEY*", "ORDER_*"),
    "mailer": (
        *("LETTER_KEY", "LETTER_PREVIEW", "MAIL_FROM"),
        *("MAILER_INTERVAL_*", "PUBLIC_URL", "SMTP_*"),
    ),
    "expiration": ("EXPIRATION_*",),  # reads no session
    "payments": (
        "JWT_KEY*",
        "DECLINES_*",
        "DISPUTE_*",
        "PAYMENT_*",
        "PAYOUT_*",
        "PLATFORM_FEE_*",
        "PUBLIC_URL",
        "STRIPE_*",
    ),
}
# The variables that every program gets.
BASE_VARIABLES = ("PATH", "HOME", "USER", "LANG", "LC_*", "TZ", "TMPDIR", "SSL_CERT_*")


def for_service(name: str, environ: Mapping[str, str], fixed: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults, the caller's settings, and the fixed values of this run, in one."""
    return {**DEFAULTS, **select(environ, *SHARED_VARIABLES, *SERVICE_VARIABLES[name]), **fixed}


def select(environ: Mapping[str, str], *patterns: str) -> dict[str, str]:
    """Return the variables that match a pattern. An empty variable counts as unset."""
    return {
        key: value
        for key, value in environ.items()
        if value and any(fnmatch.fnmatchcase(key, pattern) for pattern in patterns)
    }
