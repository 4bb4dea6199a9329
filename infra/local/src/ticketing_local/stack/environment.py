"""The environment of each service: the addresses of this run, and few of the caller's variables."""

import fnmatch
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

DEFAULTS = {"COOKIE_SECURE": "false", "LOG_FORMAT": "console"}

# The caller's variables that reach a service. A shell may hold unrelated secrets.
SHARED_VARIABLES = (
    "LOG_*",
    "COOKIE_SECURE",
    "JWT_KEY*",
    "DRAIN_SECONDS",
    "LAME_DUCK_SECONDS",
    "OTEL_*",
    "TRUSTED_PROXIES",
)
SERVICE_VARIABLES = {
    "auth": ("PASSWORD_*", "REFRESH_*", "SIGN_*", "THROTTLE_*"),
    "tickets": ("TICKET_*",),
    "orders": ("ORDER_*",),
    "expiration": ("EXPIRATION_*",),
    "payments": ("PAYMENT_*", "STRIPE_*"),
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


def jwt_key(file: Path) -> str:
    """Return the key that signs sessions, created at random by the first call."""
    if not file.exists() or not file.read_text():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as key:
            key.write(secrets.token_hex(32))
    return file.read_text()
