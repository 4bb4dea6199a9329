from pathlib import Path

import pytest

from common.settings import SessionSettings

KEY = "a key of at least thirty-two characters"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JWT_KEY", "JWT_KEY_PREVIOUS", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MONGO_URI", "mongodb://localhost/tickets")
    monkeypatch.setenv("NATS_URL", "nats://localhost")


def test_settings_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_KEY", KEY)
    monkeypatch.setenv("JWT_KEY_PREVIOUS", "")
    monkeypatch.setenv("LOG_LEVEL", "")
    settings = SessionSettings.from_environment()
    assert settings.jwt_key_previous is None
    assert settings.log_level == "INFO"


def test_settings_invalid_value_is_named_but_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JWT_KEY", "too short")
    with pytest.raises(SystemExit) as raised:
        SessionSettings.from_environment()
    assert "JWT_KEY" in str(raised.value)
    assert "too short" not in str(raised.value)


def test_settings_environment_overrides_mounted_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jwt_key").write_text(KEY)
    monkeypatch.setitem(SessionSettings.model_config, "secrets_dir", tmp_path)
    assert SessionSettings.from_environment().jwt_key.get_secret_value() == KEY
    monkeypatch.setenv("JWT_KEY", KEY + " from the environment")
    assert SessionSettings.from_environment().jwt_key.get_secret_value() != KEY
