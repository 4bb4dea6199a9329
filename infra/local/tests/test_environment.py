import re
import stat
from pathlib import Path

import pytest

from ticketing_local.stack import environment, plan
from ticketing_local.stack.paths import Home
from ticketing_local.stack.settings_check import SETTINGS
from ticketing_local.stack.stored_secrets import read_or_create

ENVIRON = {
    "ORDER_EXPIRATION_SECONDS": "10",
    "PAYMENT_ATTEMPTS": "3",
    "AWS_SECRET_ACCESS_KEY": "someone's",
    "MONGO_URI": "mongodb://production",
    "JWT_KEY_PREVIOUS": "",
}


OF_THE_RUN = {
    "MONGO_URI",
    "MONGO_PASSWORD",
    "NATS_URL",
    "NATS_PASSWORD",
    "REDIS_URL",
    "REDIS_PASSWORD",
    "NAMESPACE",
}
"""Settings that the stack decides, not its caller."""


def service_environment(name: str, environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    home = Home(tmp_path)
    planned = plan.plan(home, {**environ, "PORT": "18080", "CLIENT": "off"})
    return dict(next(program for program in planned.programs if program.name == name).environment)


def test_setting_reaches_only_its_service(tmp_path: Path) -> None:
    assert service_environment("orders", ENVIRON, tmp_path)["ORDER_EXPIRATION_SECONDS"] == "10"
    assert "ORDER_EXPIRATION_SECONDS" not in service_environment("payments", ENVIRON, tmp_path)
    assert service_environment("payments", ENVIRON, tmp_path)["PAYMENT_ATTEMPTS"] == "3"


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_reaches_its_service(name: str) -> None:
    settings = {field.upper() for field in SETTINGS[name].model_fields} - OF_THE_RUN
    passed = environment.for_service(name, dict.fromkeys(settings, "1"), {})
    assert settings - passed.keys() == set()


@pytest.mark.parametrize("name", ["auth", "tickets", "orders", "expiration", "payments", "worker"])
def test_service_gets_addresses_but_no_foreign_secrets(name: str, tmp_path: Path) -> None:
    env = service_environment(name, ENVIRON, tmp_path)
    database = "expiration" if name == "worker" else name
    assert env["MONGO_URI"] == f"mongodb://127.0.0.1:27117/{database}?replicaSet=rs0"
    assert "AWS_SECRET_ACCESS_KEY" not in env
    assert "JWT_KEY_PREVIOUS" not in env, "an empty variable counts as unset"


SECRETS = {
    "auth": {"JWT_KEY", "LETTER_KEY", "MONGO_PASSWORD"},
    "mailer": {"LETTER_KEY", "MONGO_PASSWORD"},
    "orders": {"JWT_KEY", "MONGO_PASSWORD"},
    "tickets": {"JWT_KEY", "MONGO_PASSWORD", "VAULT_KEY", "FINGERPRINT_KEY"},
    "payments": {"JWT_KEY", "MONGO_PASSWORD", "STRIPE_KEY", "STRIPE_WEBHOOK_SECRET"},
    "expiration": {"MONGO_PASSWORD", "REDIS_PASSWORD"},
    "worker": {"MONGO_PASSWORD", "REDIS_PASSWORD"},
}


@pytest.mark.parametrize("name", SECRETS)
def test_service_gets_only_its_own_secrets(name: str, tmp_path: Path) -> None:
    env = service_environment(name, {"JWT_KEY": "mine"}, tmp_path)
    found = {key for key in env if re.search(r"PASSWORD$|SECRET$|(?<!PUBLISHABLE)_KEY$", key)}
    assert found - {"NATS_PASSWORD"} == SECRETS[name]
    user = {"worker": "expiration", "mailer": "auth"}.get(name, name)
    assert env["MONGO_PASSWORD"] == (tmp_path / "secrets" / f"mongo-{user}").read_text()


def test_only_payments_gets_stripe_keys(tmp_path: Path) -> None:
    assert (
        service_environment("payments", {}, tmp_path)["STRIPE_API_BASE"] == "http://127.0.0.1:12111"
    )
    assert not [
        key for key in service_environment("orders", {}, tmp_path) if key.startswith("STRIPE")
    ]


def test_own_stripe_key_disables_local_stripe(tmp_path: Path) -> None:
    environ = {"STRIPE_KEY": "sk_test_mine"}
    env = service_environment("payments", environ, tmp_path)
    assert env["STRIPE_KEY"] == "sk_test_mine"
    assert "STRIPE_API_BASE" not in env
    assert "stripe" not in [
        program.name for program in plan.plan(Home(tmp_path), {**environ, "CLIENT": "off"}).programs
    ]


def test_signing_key_is_private_and_stable(tmp_path: Path) -> None:
    file = tmp_path / "jwt-key"
    key = read_or_create(file)
    assert len(key) == 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert read_or_create(file) == key
    assert service_environment("auth", {"JWT_KEY": "mine"}, tmp_path)["JWT_KEY"] == "mine"


def test_creation_of_vault_keys_is_announced_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = service_environment("tickets", {}, tmp_path)
    files = [tmp_path / "secrets" / name for name in ("vault-key", "fingerprint-key")]
    output = capsys.readouterr().out
    assert all(str(file) in output for file in files)
    assert "no backup contains them" in output
    assert first["VAULT_KEY"] not in output
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o400] * 2
    again = service_environment("tickets", {"VAULT_KEY": ""}, tmp_path)
    assert again == first
    assert not capsys.readouterr().out


def test_own_vault_keys_are_used_and_none_are_created(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = {"VAULT_KEY": "1" * 64, "FINGERPRINT_KEY": "2" * 64}
    assert service_environment("tickets", keys, tmp_path).items() >= keys.items()
    assert not (tmp_path / "secrets" / "vault-key").exists()
    assert not capsys.readouterr().out


def test_replicas_get_distinct_ports(tmp_path: Path) -> None:
    planned = plan.plan(Home(tmp_path), {"REPLICAS": "2", "CLIENT": "off"})
    ports = [program.port for program in planned.programs if program.port]
    assert len(set(ports)) == len(ports)
    assert {"orders", "orders-2"} <= {program.name for program in planned.programs}
    assert "127.0.0.1:3103 127.0.0.1:3203" in (tmp_path / "data/caddy/Caddyfile").read_text()
