"""Redis asks for a password."""

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError


def test_client_without_the_password_can_do_nothing(redis_url: str) -> None:
    with Redis.from_url("redis://" + redis_url.partition("@")[2]) as anonymous:
        for command in ("GET key", "SET key value", "KEYS *", "FLUSHALL", "CONFIG GET *", "PING"):
            with pytest.raises(AuthenticationError):
                anonymous.execute_command(*command.split())


def test_wrong_password_is_rejected(redis_url: str) -> None:
    with (
        Redis.from_url("redis://:wrong@" + redis_url.partition("@")[2]) as client,
        pytest.raises(AuthenticationError),
    ):
        client.ping()
