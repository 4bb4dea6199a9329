"""The operational endpoints of every service: liveness, readiness and metrics."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from common.lifecycle import RunningService, ServiceState
from common.operations.state_metrics import StateMetricsCollector
from common.web.load_shedding import UNLOGGED_FLAG

health_router = APIRouter(include_in_schema=False)


def _running_service(request: Request) -> RunningService | None:
    state: ServiceState | None = getattr(request.app.state, "service", None)
    return state and state.running


@health_router.get("/healthz")
async def healthz(request: Request) -> Response:
    """Return 200 unless the process is stopping."""
    running = _running_service(request)
    stopping = running is not None and running.stop_requested.is_set()
    return _status(request, "stopping" if stopping else "alive", ok=not stopping)


@health_router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Return 200 if the service can serve requests."""
    running = _running_service(request)
    ready = running is not None and await running.is_ready()
    return _status(request, "ready" if ready else "not ready", ok=ready)


def _status(request: Request, status: str, *, ok: bool) -> Response:
    setattr(request.state, UNLOGGED_FLAG, True)  # a probe is repeated, so a line each is too many
    return JSONResponse({"status": status}, 200 if ok else 503)


@health_router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return all metrics for Prometheus, after refreshing the state metrics."""
    running = _running_service(request)
    if running is not None:
        await StateMetricsCollector(running.bus, running.relay).refresh()
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
