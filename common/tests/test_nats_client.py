"""Tests of the parser of message headers."""

import pytest
from nats.aio.client import Client

from common.messaging.nats_client import NatsClient


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"Nats-Msg-Id: ticket.created:1:0\r\nce-type:x\r\nEmpty:\r\n\r\n",
        b"Time: 12:00:00\r\nSpaces \t: \t a b \t\r\n",
        b"no separator\r\nTwice: 1\r\nTwice: 2\r\n",
        "Value: Müller\r\n".encode(),
        b"Value: \xff\xfe\r\n",
    ],
)
def test_headers_are_parsed_as_by_nats_py(raw: bytes) -> None:
    assert NatsClient._parse_header_lines(raw) == Client._parse_header_lines(raw)
