"""The environment variables of the tickets service."""

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of the tickets service, which are those of every service."""
