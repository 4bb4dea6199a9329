"""The client of NATS, with a faster parser of message headers."""

from nats.aio.client import Client


class NatsClient(Client):
    """nats-py's client.

    Its own parser checks every character of every header's name, which takes a third of the time of
    receiving a message: each has about fifteen headers.
    """

    @staticmethod
    def _parse_header_lines(raw: bytes) -> dict[str, str]:
        headers: dict[str, str] = {}
        for line in raw.decode("utf-8", "replace").split("\r\n"):
            name, separator, value = line.partition(":")
            if separator:
                headers[name.strip()] = value.strip()
        return headers
