"""How the many processes of one machine share its few processors."""

import contextlib
import os
import sys


def use_batch_scheduling() -> None:
    """Let this process, and all that it starts, finish a piece of work before another's begins.

    By default Linux lets whom a message wakes interrupt whoever sent it. A dozen processes that
    talk to one another all the time then spend a fifth of two processors on changing places. Under
    `SCHED_BATCH`, which anyone may choose, the woken one waits for its turn (sched(7)).
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a sandbox may forbid it: then it is as it was
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
