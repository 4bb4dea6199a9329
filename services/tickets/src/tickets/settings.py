"""The environment variables of the tickets service."""

from common.settings import SessionSettings


class Settings(SessionSettings):
    """Settings of the tickets service, which are those of every service."""
