"""Docker Compose passes every setting of a service, and no other."""

import re

import pytest
import yaml
from manifests import ROOT

SERVICES = ["auth", "auth-mailer", "tickets", "orders", "expiration", "payments"]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
FROM_SECRETS = {
    "FINGERPRINT_KEY",
    "JWT_KEY",
    "LETTER_KEY",
    "MONGO_PASSWORD",
    "NATS_PASSWORD",
    "REDIS_PASSWORD",
    "STRIPE_API_BASE",
    "STRIPE_JS_URL",
    "VAULT_KEY",
}
"""What `init-secrets` generates. A value of the environment has precedence."""
OF_LIBRARIES = {"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
OF_SESSIONS = {"JWT_KEY", "JWT_KEY_PREVIOUS"}


def fields(path: str) -> set[str]:
    """Return the names of the settings that a file declares, as environment variables."""
    source = (ROOT / path).read_text()
    return {name.upper() for name in re.findall(r"^    ([a-z_]+): ", source, re.MULTILINE)}


def settings(service: str) -> set[str]:
    common = fields("common/src/common/settings.py")
    if service == "auth-mailer":
        mailer = fields("services/auth/src/auth/mailer_settings.py")
        return common - OF_SESSIONS | mailer | {"UVICORN_APP"}
    if service == "expiration":
        common -= OF_SESSIONS
    return common | fields(f"services/{service}/src/{service}/settings.py")


@pytest.mark.parametrize("service", SERVICES)
def test_compose_passes_every_setting_to_its_service(service: str) -> None:
    assert settings(service) - COMPOSE["services"][service]["environment"].keys() <= FROM_SECRETS


@pytest.mark.parametrize("service", SERVICES)
def test_compose_passes_no_setting_that_does_not_exist(service: str) -> None:
    passed = set(COMPOSE["services"][service]["environment"])
    assert passed - settings(service) <= OF_LIBRARIES
