"""A node that starts no containers and reports pods as ready unless their image is broken."""

import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

NAME = "hollow"
BROKEN = "broken"
PODS = f"/api/v1/pods?fieldSelector=spec.nodeName={NAME}"
STRATEGIC = "application/strategic-merge-patch+json"
READY = ("Initialized", "ContainersReady", "Ready")


class HollowNode:
    """Registers itself through `kubectl proxy` and updates its pods in a thread."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        self._base = f"http://127.0.0.1:{port}"
        self._proxy = subprocess.Popen(
            ["kubectl", "proxy", f"--port={port}"], stdout=subprocess.DEVNULL
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._wait_for_proxy()
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": NAME, "labels": {"kubernetes.io/hostname": NAME}},
        }
        try:
            self._request("POST", "/api/v1/nodes", node)
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._request("DELETE", f"/api/v1/nodes/{NAME}")
        self._proxy.terminate()
        self._proxy.wait()

    def _wait_for_proxy(self) -> None:
        for _ in range(100):
            try:
                self._request("GET", "/readyz", parse=False)
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("kubectl proxy does not answer")

    def _run(self) -> None:
        last_heartbeat = 0.0
        while not self._stopping.wait(0.2):
            try:
                if time.monotonic() - last_heartbeat > 5:
                    self._send_heartbeat()
                    last_heartbeat = time.monotonic()
                for pod in self._request("GET", PODS)["items"]:
                    self._reconcile_pod(pod)
            except OSError:  # conflict or timeout: retry in the next round
                continue

    def _send_heartbeat(self) -> None:
        capacity = {"cpu": "64", "memory": "128Gi", "pods": "250"}
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "Hollow",
            "lastHeartbeatTime": _now(),
            "lastTransitionTime": _now(),
        }
        self._request(
            "PATCH",
            f"/api/v1/nodes/{NAME}",
            {"spec": {"taints": None}},
            "application/merge-patch+json",
        )
        status = {"status": {"capacity": capacity, "allocatable": capacity, "conditions": [ready]}}
        self._request("PATCH", f"/api/v1/nodes/{NAME}/status", status, STRATEGIC)

    def _reconcile_pod(self, pod: dict[str, Any]) -> None:
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
        if pod["metadata"].get("deletionTimestamp"):
            self._request("DELETE", path, {"gracePeriodSeconds": 0})
            return
        containers = pod["spec"]["containers"]
        if pod["status"].get("phase") == "Running" or BROKEN in containers[0]["image"]:
            return
        states = [
            {
                "name": c["name"],
                "image": c["image"],
                "imageID": "",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": _now()}},
            }
            for c in containers
        ]
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": _now()} for kind in READY
        ]
        status = {
            "phase": "Running",
            "startTime": _now(),
            "conditions": conditions,
            "containerStatuses": states,
        }
        self._request("PATCH", f"{path}/status", {"status": status}, STRATEGIC)

    def _request(
        self,
        method: str,
        path: str,
        body: Any = None,
        kind: str = "application/json",
        *,
        parse: bool = True,
    ) -> Any:
        request = urllib.request.Request(  # noqa: S310 - kubectl proxy, on this machine
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": kind},
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return json.load(response) if parse else response.read()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
