import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="a policy of Linux")
def test_child_process_uses_batch_scheduling() -> None:
    script = (
        "import subprocess, sys\n"
        "from ticketing_local.processes import scheduling\n"
        "scheduling.use_batch_scheduling()\n"
        "subprocess.run([sys.executable, '-c', 'import os; print(os.sched_getscheduler(0))'])"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    assert int(output) == os.SCHED_BATCH
