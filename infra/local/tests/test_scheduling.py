import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="a policy of Linux")
def test_what_is_started_lets_others_finish() -> None:
    asked = (
        "import subprocess, sys\n"
        "from ticketing_local.processes import scheduling\n"
        "scheduling.let_finish()\n"
        "subprocess.run([sys.executable, '-c', 'import os; print(os.sched_getscheduler(0))'])"
    )
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout
    assert int(said) == os.SCHED_BATCH
