"""Payments at the time of the local Stripe server, which tests move forward.

uvicorn runs `create_app` in place of that of payments. Sessions are checked by the same clock, so
nobody is signed in there once it was moved.
"""

import threading
import time
from datetime import datetime, timedelta
from typing import Final

import httpx
from fastapi import FastAPI

import payments.app
from common.values.clock import utc_now
from payments.settings import Settings

READ_EVERY_SECONDS: Final = 0.2


class StripeClock:
    """The time of the local Stripe server, read by a thread of its own."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._ahead = timedelta()
        self._read()
        threading.Thread(target=self._follow, daemon=True).start()

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def _follow(self) -> None:
        while True:
            time.sleep(READ_EVERY_SECONDS)
            self._read()

    def _read(self) -> None:
        response = httpx.get(f"{self._address}/_local/clock", headers={"X-Stripe-Local": "1"})
        self._ahead = timedelta(seconds=response.json()["now"] - time.time())


def create_app() -> FastAPI:
    """Create payments at the time of the local Stripe server."""
    settings = Settings.from_environment()
    assert settings.stripe_api_base is not None
    return payments.app.create_app(settings, StripeClock(settings.stripe_api_base))
