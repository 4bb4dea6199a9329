"""The settings that every service reads from its environment. No secret has a default."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

MIN_SIGNING_KEY_LENGTH: Final = 32
"""In characters, as HS256 wants (RFC 7518, 3.2)."""


def _check_signing_key(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value()) < MIN_SIGNING_KEY_LENGTH:
        raise ValueError(f"must have at least {MIN_SIGNING_KEY_LENGTH} characters")
    return key


SigningKey = Annotated[SecretStr, AfterValidator(_check_signing_key)]


def _check_mongo_uri(uri: str) -> str:
    try:
        database = parse_uri(uri)["database"]
    except PyMongoError as error:
        raise ValueError(str(error)) from error
    if not database:
        raise ValueError("has no database as its path")
    return uri


MongoUri = Annotated[
    str, StringConstraints(pattern=r"^mongodb://"), AfterValidator(_check_mongo_uri)
]
"""Validated, because a process waits without end for a server that does not exist."""
NatsUrl = Annotated[str, StringConstraints(pattern=r"^(nats|tls)://[^/\s]")]

SECRETS_DIR: Final = Path("/run/secrets")
"""Docker mounts secrets here as files; they are read for settings that the environment lacks."""


class EnvironmentSettings(BaseSettings):
    """Settings from the environment. A missing or invalid one prevents the start."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        env_ignore_empty=True,
        secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None,
    )

    @classmethod
    def from_environment(cls) -> Self:
        """Read the environment, or exit with one line that names what is missing or invalid."""
        try:
            return cls()  # pyright: ignore[reportCallIssue] - the environment fills it
        except ValidationError as error:
            raise SystemExit(f"settings: {'; '.join(describe_problems(error))}") from None


def describe_problems(error: ValidationError) -> list[str]:
    """Return what is wrong with each variable, without its value, which may be a secret.

    A message about several variables names them itself.
    """
    return [
        f"{''.join(str(name).upper() for name in problem['loc'][:1])} "
        f"{_requirement(problem['msg'])}".strip()
        for problem in error.errors()
    ]


def _requirement(message: str) -> str:
    """Return pydantic's message as the rest of a sentence that begins with the variable."""
    message = message.removeprefix("Value error, ").replace("Field required", "is required")
    return re.sub("^(Input|String|Value) should", "must", message)


class ServiceSettings(EnvironmentSettings):
    """The settings of all services."""

    mongo_uri: MongoUri
    """MongoDB with the service's own database as its path, without a password."""
    mongo_password: SecretStr = SecretStr("")
    """The password of the service's own user. Empty connects as the URI says."""
    nats_url: NatsUrl
    nats_password: SecretStr = SecretStr("")
    """The password of the service's own user. Empty connects without authentication."""
    namespace: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]*$")] = ""
    """Prefix of streams and subjects, so that several systems can share one NATS."""
    cookie_secure: bool = True
    trusted_proxies: Annotated[int, Field(ge=0)] = 1
    """The number of our own proxies that append to X-Forwarded-For; 0 ignores the header."""
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otel_exporter_otlp_endpoint: str | None = None
    """OTLP over HTTP; without it no traces are created. OpenTelemetry's other variables apply too:
    OTEL_TRACES_SAMPLER=parentbased_traceidratio with OTEL_TRACES_SAMPLER_ARG=0.1 keeps a tenth."""
    address_requests_per_second: Annotated[float, Field(ge=0)] = 200
    """Requests per second from one address (IPv6: from one /64) to one process, many people behind
    one address in mind. Beyond the burst, a request gets 429. 0 switches the limit off, for load
    tests from one machine. The gateways have the same limits (decision 34)."""
    address_burst: Annotated[int, Field(ge=1)] = 400
    """Requests that one address may send at once after a pause."""
    address_connections: Annotated[int, Field(ge=0)] = 200
    """Requests in flight from one address, and beside them its open event streams; 0 switches it
    off. Fewer than `max_in_flight_requests`, so that one address leaves places for others."""
    body_timeout_seconds: Annotated[float, Field(gt=0)] = 10
    """How long the body of a request may take, before its request gets 408."""
    max_in_flight_requests: Annotated[int, Field(ge=1)] = 512
    """Requests in flight per process, counted from their complete body to their response. Beyond, a
    request gets 503 immediately. The default is about what a process serves in half a second."""
    drain_seconds: Annotated[float, Field(gt=0)] = 10
    """How long a stopping process may take to finish the work in flight."""
    lame_duck_seconds: Annotated[float, Field(ge=0)] = 0
    """How long a stopping process continues to serve while `/healthz` and `/readyz` report that it
    stops, so that a gateway stops routing to it before its kept-alive connections are closed. On
    Kubernetes a `preStop` hook does this."""


class SessionSettings(ServiceSettings):
    """The settings of the services that read sessions, because they have routes for users."""

    jwt_key: SigningKey
    jwt_key_previous: SigningKey | None = None
    """Accepted but not used to sign, so that a rotation keeps sessions valid."""
