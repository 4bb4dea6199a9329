"""What tickets reads from its environment: nothing but what all services share."""

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings of tickets."""
