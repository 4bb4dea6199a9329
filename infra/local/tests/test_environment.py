import stat
from pathlib import Path

import pytest

from ticketing_local.stack import environment, plan
from ticketing_local.stack.paths import Home

CALLER = {
    "ORDER_EXPIRATION_SECONDS": "10",
    "PAYMENT_ATTEMPTS": "3",
    "AWS_SECRET_ACCESS_KEY": "someone's",
    "MONGO_URI": "mongodb://production",
    "JWT_KEY_PREVIOUS": "",
}


def told(name: str, caller: dict[str, str], tmp_path: Path) -> dict[str, str]:
    home = Home(tmp_path)
    planned = plan.plan(home, {**caller, "PORT": "18080", "CLIENT": "off"})
    return dict(next(program for program in planned.programs if program.name == name).environment)


def test_a_setting_reaches_its_service_and_no_other(tmp_path: Path) -> None:
    assert told("orders", CALLER, tmp_path)["ORDER_EXPIRATION_SECONDS"] == "10"
    assert "ORDER_EXPIRATION_SECONDS" not in told("payments", CALLER, tmp_path)
    assert told("payments", CALLER, tmp_path)["PAYMENT_ATTEMPTS"] == "3"


@pytest.mark.parametrize("name", ["auth", "tickets", "orders", "expiration", "payments", "worker"])
def test_a_service_is_told_this_runs_addresses_and_nobody_elses_secret(
    name: str, tmp_path: Path
) -> None:
    its = told(name, CALLER, tmp_path)
    database = "expiration" if name == "worker" else name
    assert its["MONGO_URI"] == f"mongodb://127.0.0.1:27117/{database}?replicaSet=rs0"
    assert "AWS_SECRET_ACCESS_KEY" not in its
    assert "JWT_KEY_PREVIOUS" not in its, "an empty variable counts as unset"


def test_only_payments_knows_the_keys_of_stripe(tmp_path: Path) -> None:
    assert told("payments", {}, tmp_path)["STRIPE_API_BASE"] == "http://127.0.0.1:12111"
    assert not [key for key in told("orders", {}, tmp_path) if key.startswith("STRIPE")]


def test_with_a_key_of_ones_own_stripe_itself_is_asked(tmp_path: Path) -> None:
    caller = {"STRIPE_KEY": "sk_test_mine"}
    its = told("payments", caller, tmp_path)
    assert its["STRIPE_KEY"] == "sk_test_mine"
    assert "STRIPE_API_BASE" not in its
    assert "stripe" not in [
        program.name for program in plan.plan(Home(tmp_path), {**caller, "CLIENT": "off"}).programs
    ]


def test_the_signing_key_is_kept_secret_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "jwt-key"
    key = environment.jwt_key(file)
    assert len(key) == 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert environment.jwt_key(file) == key
    assert told("auth", {"JWT_KEY": "mine"}, tmp_path)["JWT_KEY"] == "mine"


def test_replicas_get_ports_of_their_own(tmp_path: Path) -> None:
    planned = plan.plan(Home(tmp_path), {"REPLICAS": "2", "CLIENT": "off"})
    ports = [program.port for program in planned.programs if program.port]
    assert len(set(ports)) == len(ports)
    assert {"orders", "orders-2"} <= {program.name for program in planned.programs}
    assert "127.0.0.1:3103 127.0.0.1:3203" in (tmp_path / "data/caddy/Caddyfile").read_text()
