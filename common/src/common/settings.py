"""What every service reads from its environment. No secret has a default."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

SigningKey = Annotated[SecretStr, Field(min_length=32)]
"""A signing key: at least 32 characters, as HS256 wants (RFC 7518, 3.2)."""

SECRETS_DIR: Final = Path("/run/secrets")
"""Where Docker mounts secrets as files; a setting not in the environment is read from there."""


class ServiceSettings(BaseSettings):
    """The settings that all services share; a missing or wrong one stops the start."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        env_ignore_empty=True,
        secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None,
    )

    @classmethod
    def from_environment(cls) -> Self:
        """Read the environment, and say in one line what is missing or wrong in it."""
        try:
            return cls()  # pyright: ignore[reportCallIssue] - the environment fills it
        except ValidationError as error:
            message = "; ".join(
                f"{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors()
            )
            raise SystemExit(f"settings: {message}") from None

    mongo_uri: str
    """MongoDB with the service's own database as its path."""
    nats_url: str
    nats_replicas: Annotated[int, Field(ge=1, le=5)] = 1
    """Copies of each stream: 1 on one NATS server, 3 on three."""
    namespace: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]*$")] = ""
    """Prefix of streams and subjects, so that several systems (tests) can share one NATS."""
    jwt_key: SigningKey
    jwt_key_previous: SigningKey | None = None
    """Still accepted, no longer used to sign: rotation without signing anyone out."""
    cookie_secure: bool = True
    trusted_proxies: Annotated[int, Field(ge=0)] = 1
    """The number of our own proxies that append to X-Forwarded-For; 0 ignores the header."""
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otel_exporter_otlp_endpoint: str | None = None
    """Where to send traces by OTLP over HTTP; unset, none are made. The other OTEL_ variables of
    the standard hold too: OTEL_TRACES_SAMPLER=parentbased_traceidratio, OTEL_TRACES_SAMPLER_ARG=0.1
    keeps one trace of ten."""
    max_in_flight_requests: Annotated[int, Field(ge=1)] = 512
    """Requests that one process has in hand; beyond, the answer is 503 at once. More than it can
    do in half a second would only make everybody wait."""
    drain_seconds: Annotated[float, Field(gt=0)] = 10
    """How long a stopping process may take to finish what it has begun."""
    lame_duck_seconds: Annotated[float, Field(ge=0)] = 0
    """How long a process that is told to stop goes on answering, but says at `/healthz` and
    `/readyz` that it stops, so that a gateway which looks there sends it nothing more. A connection
    that is kept open would otherwise be closed just as a request arrives on it. Kubernetes waits by
    itself (`preStop`)."""
