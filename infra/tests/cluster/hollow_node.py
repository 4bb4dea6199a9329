"""A node that starts nothing: it reports each pod as ready, unless the image is broken."""

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
    """Registers itself through `kubectl proxy`, and looks after its pods in a thread."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        self._base = f"http://127.0.0.1:{port}"
        self._proxy = subprocess.Popen(
            ["kubectl", "proxy", f"--port={port}"], stdout=subprocess.DEVNULL
        )
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep)

    def __enter__(self) -> Self:
        self._until_the_proxy_answers()
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": NAME, "labels": {"kubernetes.io/hostname": NAME}},
        }
        try:
            self._ask("POST", "/api/v1/nodes", node)
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise
        self._keeper.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._keeper.join()
        self._ask("DELETE", f"/api/v1/nodes/{NAME}")
        self._proxy.terminate()
        self._proxy.wait()

    def _until_the_proxy_answers(self) -> None:
        for _ in range(100):
            try:
                self._ask("GET", "/readyz", parse=False)
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("kubectl proxy does not answer")

    def _keep(self) -> None:
        beat = 0.0
        while not self._stopping.wait(0.2):
            try:
                if time.monotonic() - beat > 5:
                    self._beat()
                    beat = time.monotonic()
                for pod in self._ask("GET", PODS)["items"]:
                    self._look_after(pod)
            except OSError:  # a pod that changed meanwhile, or a slow answer: the next round
                continue

    def _beat(self) -> None:
        room = {"cpu": "64", "memory": "128Gi", "pods": "250"}
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "Hollow",
            "lastHeartbeatTime": _now(),
            "lastTransitionTime": _now(),
        }
        self._ask(
            "PATCH",
            f"/api/v1/nodes/{NAME}",
            {"spec": {"taints": None}},
            "application/merge-patch+json",
        )
        status = {"status": {"capacity": room, "allocatable": room, "conditions": [ready]}}
        self._ask("PATCH", f"/api/v1/nodes/{NAME}/status", status, STRATEGIC)

    def _look_after(self, pod: dict[str, Any]) -> None:
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
        if pod["metadata"].get("deletionTimestamp"):
            self._ask("DELETE", path, {"gracePeriodSeconds": 0})
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
        self._ask("PATCH", f"{path}/status", {"status": status}, STRATEGIC)

    def _ask(
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
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer) if parse else answer.read()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
