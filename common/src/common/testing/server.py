"""Serving an app over TCP, for responses that must be streamed."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

import httpx
import uvicorn
from fastapi import FastAPI

from common.testing.polling import eventually


@contextlib.asynccontextmanager
async def serve_over_tcp(app: FastAPI) -> AsyncGenerator[str]:
    """Serve an app with uvicorn on a free port and yield its address."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=2))
        serving = asyncio.create_task(server.serve([sock]))

        async def started() -> bool:
            return (server.started and app.state.opened.is_set()) or serving.done()

        await eventually(started)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        await serving


async def sse_events(response: httpx.Response) -> AsyncGenerator[dict[str, str]]:
    """Parse server-sent events into their fields."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield fields
            fields = {}
