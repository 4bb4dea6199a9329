"""The package as others install it: built, and used by the service of its README."""

import re
import subprocess
import sys
import zipfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

import common
from common.events import OrderCompleted
from common.messaging.durable_consumer import consumer_config
from common.testing.events import EventProbe
from common.testing.polling import eventually
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import readiness
from ticketing_local.stack.program import Program
from ticketing_local.testing.free_ports import free_port

PROJECT = Path(common.__file__).parents[2]
README = (PROJECT / "README.md").read_text()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)  # noqa: S603 - our build
    (built,) = folder.iterdir()
    return built


@pytest.fixture
async def sales(
    wheel: Path, tmp_path: Path, environment: dict[str, Any], published: EventProbe
) -> AsyncGenerator[str]:
    """The address of the README's service, which imports the built package."""
    connection = published.bus.connection
    stream = connection.stream("orders")
    await connection.js.add_consumer(stream, consumer_config("sales-orders"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    (example,) = re.findall(r"(?s)```python\n(.*?)```", README)
    (tmp_path / "sales.py").write_text(example)
    port = free_port()
    command = (sys.executable, "-m", "uvicorn", "--factory", "sales:create_app")
    variables = {name.upper(): str(value) for name, value in environment.items()}
    is_ready = readiness.http_ok(f"http://127.0.0.1:{port}/readyz")
    variables |= {"PYTHONPATH": str(tmp_path), "UVICORN_PORT": str(port)}
    process = ManagedProcess(Program("sales", command, port, is_ready, variables))
    await process.start_and_wait()
    yield f"http://127.0.0.1:{port}"
    process.terminate()


def test_wheel_contains_every_module_and_no_test(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.startswith("common-")}
        metadata = archive.read(f"{'-'.join(wheel.name.split('-')[:2])}.dist-info/METADATA")
    source = PROJECT / "src"
    assert names == {
        str(file.relative_to(source))
        for file in source.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert "# common: the shared package" in metadata.decode()


async def test_sixth_service_of_the_readme_consumes_events(
    sales: str, published: EventProbe
) -> None:
    golden = PROJECT / "tests" / "golden" / "order.completed.json"
    order = OrderCompleted.model_validate_json(golden.read_text())
    await published.publish(order, aggregate_id=order.id)

    async with httpx.AsyncClient(base_url=sales, trust_env=False) as client:

        async def sale() -> Any:
            response = await client.get(f"/api/sales/{order.id}")
            return response.json() if response.is_success else None

        assert await eventually(sale) == {"orderId": order.id, "title": "Front row"}
        missing = await client.get(f"/api/sales/{'0' * 24}")
    assert missing.json() == {"errors": [{"message": "Not Found"}]}
