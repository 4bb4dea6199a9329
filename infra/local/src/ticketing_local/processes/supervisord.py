"""The supervisord that starts, restarts and stops the programs of `make start`.

Each program gets a launcher script, because supervisord's format cannot quote every environment
value. Launchers contain secrets, so only their owner can read them.
"""

import shlex
import shutil
import subprocess
import tempfile
import xmlrpc.client
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple, cast

from supervisor.xmlrpc import SupervisorTransport

from ticketing_local.errors import CliError
from ticketing_local.stack import environment
from ticketing_local.stack.paths import BIN, ROOT, Home
from ticketing_local.stack.plan import Plan
from ticketing_local.stack.program import Program

# In the environment of every process of a run: its data folder and its group.
HOME_VARIABLE = "TICKETING_RUN"
GROUP_VARIABLE = "TICKETING_GROUP"

CONFIG = """\
[supervisord]
nodaemon = true
nocleanup = true
logfile = /dev/null
logfile_maxbytes = 0
pidfile = supervisord.pid

[unix_http_server]
file = {socket}
chmod = 0700

[supervisorctl]
serverurl = unix://{socket}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

# `startsecs` is longer than a service takes to fail, so that the retry delay grows.
PROGRAM = """
[program:{name}]
command = /bin/sh programs/{name}
autostart = false
autorestart = true
startsecs = 5
startretries = 1000
stopwaitsecs = {stop_seconds}
killasgroup = true
redirect_stderr = true
stdout_logfile = ../logs/{name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 1
"""

GROUP = """
[group:{name}]
programs = {programs}
priority = {priority}
"""


class State(NamedTuple):
    """supervisord's state of a program, and the pid of its process or 0."""

    name: str
    pid: int


class Supervisord:
    """A running supervisord."""

    def __init__(self, home: Home, plan: Plan, environ: Mapping[str, str]) -> None:
        self._socket_dir = _make_socket_dir(home.run / "socket")
        socket = self._socket_dir / "rpc"
        config = _write_config(home, plan, socket)
        with (home.logs / "supervisord.log").open("wb") as log:
            self.process = subprocess.Popen(
                [BIN / "supervisord", "-c", config],
                env={
                    **environment.select(environ, *environment.BASE_VARIABLES),
                    HOME_VARIABLE: str(home.folder),
                    GROUP_VARIABLE: "supervisor",
                },
                cwd=home.run,  # the paths in the configuration are relative to it
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only us; we stop the groups in order
            )
        self._transport = SupervisorTransport(serverurl=f"unix://{socket}")
        self._rpc = xmlrpc.client.ServerProxy(
            "http://localhost", transport=self._transport
        ).supervisor

    def start(self, group: str) -> None:
        """Start the programs of a group without waiting."""
        try:
            self._rpc.startProcessGroup(group, False)  # noqa: FBT003 - XML-RPC has no keywords
        except (OSError, HTTPException):
            self._transport.close()
            raise CliError("supervisord has exited. Run `make start` again.") from None

    def states(self) -> dict[str, State]:
        """Return the state of each program, or nothing while supervisord does not respond."""
        try:
            programs = cast("list[dict[str, Any]]", self._rpc.getAllProcessInfo())
        except (OSError, HTTPException):
            self._transport.close()  # the connection is unusable after an error
            return {}
        return {
            program["name"]: State(program["statename"], program["pid"]) for program in programs
        }

    def stop(self) -> None:
        """Stop the groups in reverse order, then supervisord itself."""
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self._socket_dir, ignore_errors=True)


def _make_socket_dir(link: Path) -> Path:
    """Return a new folder, because a socket's path is limited, and link to it for the next run."""
    if link.is_symlink():
        shutil.rmtree(link.readlink(), ignore_errors=True)
        link.unlink()
    folder = Path(tempfile.mkdtemp(prefix="ticketing-"))
    link.symlink_to(folder)
    return folder


def _write_config(home: Home, plan: Plan, socket: Path) -> Path:
    launchers = home.run / "programs"
    shutil.rmtree(launchers, ignore_errors=True)
    launchers.mkdir(parents=True, mode=0o700)
    config = CONFIG.format(socket=str(socket).replace("%", "%%"))
    for priority, (group, programs) in enumerate(plan.groups.items()):
        names = ",".join(program.name for program in programs)
        config += GROUP.format(name=group, programs=names, priority=priority)
        for program in programs:
            config += PROGRAM.format(name=program.name, stop_seconds=program.stop_seconds)
            launcher = launchers / program.name
            launcher.write_text(_launcher_script(program, group))
            launcher.chmod(0o700)
    file = home.run / "supervisord.conf"
    file.write_text(config)
    return file


def _launcher_script(program: Program, group: str) -> str:
    variables = {**program.environment, GROUP_VARIABLE: group}
    exports = [f"export {key}={shlex.quote(value)}" for key, value in variables.items()]
    change_dir = f"cd {shlex.quote(str(ROOT))} || exit"
    return "\n".join(["#!/bin/sh", change_dir, *exports, f"exec {shlex.join(program.argv)}", ""])
