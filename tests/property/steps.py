"""The places where a process waits for a store or for Stripe, and may be killed."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass
class Step:
    """A task that waits for the answer of a test."""

    task: asyncio.Task[Any]
    name: str
    answer: asyncio.Future[Any]


class Steps:
    """Runs tasks one step at a time, in the order that a test chooses."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self.waiting: list[Step] = []

    async def reach(self, name: str) -> Any:
        """Wait until the test continues this task, and return its answer."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        step = Step(task, name, self._loop.create_future())
        self.waiting.append(step)
        return await step.answer

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task and run it to its first step."""
        task = self._loop.create_task(work)
        self._run(task)
        return task

    def resume(self, step: Step, answer: Any) -> None:
        """Continue a task with its answer, to its next step or its end."""
        self.waiting.remove(step)
        step.answer.set_result(answer)
        self._run(step.task)

    def kill(self, step: Step) -> None:
        """End a task where it is."""
        self.waiting.remove(step)
        step.task.cancel()
        self._run(step.task)

    def close(self) -> None:
        """End all tasks."""
        for step in list(self.waiting):
            self.kill(step)
        self._loop.close()

    def _run(self, task: asyncio.Task[Any]) -> None:
        async def run() -> None:
            while not task.done() and all(step.task is not task for step in self.waiting):  # noqa: ASYNC110
                await asyncio.sleep(0)

        self._loop.run_until_complete(run())
