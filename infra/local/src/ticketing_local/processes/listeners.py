"""Which process listens on a port, so that no other system is taken for our own."""

import socket

import psutil


def is_listening(pid: int, port: int) -> bool:
    """Return whether this process, or a child of it, listens on a port of this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            pass  # saying nothing; only then is it worth the time to look for the listener
        process = psutil.Process(pid)
        return _has_listener(process, port) or any(
            _has_listener(child, port) for child in process.children(recursive=True)
        )
    except (OSError, psutil.Error):
        return False


def _has_listener(process: psutil.Process, port: int) -> bool:
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in process.net_connections("tcp")
    )
