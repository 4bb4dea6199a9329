"""The limits of the process that decodes files of strangers.

They need no privilege and no tool, so they apply in a container with a read-only root and on a
bare machine alike. On macOS, which has neither, only the limits of POSIX apply.
"""

import ctypes
import os
import platform
import resource
import struct
import sys
from typing import Final

MAX_MEMORY_BYTES: Final = 512 * 1024 * 1024
"""Address space; about 150 MiB of it are the interpreter and the libraries, mostly not resident."""
MAX_CPU_SECONDS: Final = 20
NICENESS: Final = 10

# linux/prctl.h, linux/seccomp.h, linux/audit.h, linux/filter.h
_NO_NEW_PRIVILEGES: Final = 38
_SET_SECCOMP: Final = 22
_FILTER: Final = 2
_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_NOT_PERMITTED: Final = 0x00050000 | 1
_LOAD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_NUMBER_OFFSET: Final = 0
_ARCHITECTURE_OFFSET: Final = 4

_SYSTEM_CALLS: Final = {
    "x86_64": (
        0xC000003E,
        {
            "read": 0,
            "write": 1,
            "close": 3,
            "fstat": 5,
            "lseek": 8,
            "mmap": 9,
            "mprotect": 10,
            "munmap": 11,
            "brk": 12,
            "rt_sigaction": 13,
            "rt_sigprocmask": 14,
            "rt_sigreturn": 15,
            "sched_yield": 24,
            "mremap": 25,
            "madvise": 28,
            "exit": 60,
            "gettimeofday": 96,
            "futex": 202,
            "clock_gettime": 228,
            "exit_group": 231,
            "getrandom": 318,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "close": 57,
            "lseek": 62,
            "read": 63,
            "write": 64,
            "fstat": 80,
            "exit": 93,
            "exit_group": 94,
            "futex": 98,
            "clock_gettime": 113,
            "sched_yield": 124,
            "rt_sigaction": 134,
            "rt_sigprocmask": 135,
            "rt_sigreturn": 139,
            "gettimeofday": 169,
            "brk": 214,
            "munmap": 215,
            "mremap": 216,
            "mmap": 222,
            "mprotect": 226,
            "madvise": 233,
            "getrandom": 278,
        },
    ),
}
"""By machine its architecture, and the system calls that computing needs: memory, the two open
pipes, time and exit."""


def enter() -> None:
    """Keep only what a decoder needs. Afterwards nothing can be opened, not even a module."""
    os.nice(NICENESS)
    limits = {
        resource.RLIMIT_CPU: MAX_CPU_SECONDS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 0,  # stdin and stdout stay open
    }
    if sys.platform == "linux":
        limits[resource.RLIMIT_AS] = MAX_MEMORY_BYTES
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    if sys.platform == "linux":
        _filter_system_calls()


def _filter_system_calls() -> None:
    """Refuse every other system call, such as those that reach another process."""
    architecture, system_calls = _SYSTEM_CALLS[platform.machine()]
    numbers = sorted(system_calls.values())
    program = [
        _instruction(_LOAD, _ARCHITECTURE_OFFSET),
        _instruction(_JUMP_IF_EQUAL, architecture, if_true=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER_OFFSET),
        *(
            _instruction(_JUMP_IF_EQUAL, number, if_true=len(numbers) - index)
            for index, number in enumerate(numbers)
        ),
        _instruction(_RETURN, _NOT_PERMITTED),
        _instruction(_RETURN, _ALLOW),
    ]
    instructions = ctypes.create_string_buffer(b"".join(program))
    filter_program = struct.pack("HxxxxxxP", len(program), ctypes.addressof(instructions))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for arguments in (
        (_NO_NEW_PRIVILEGES, 1, 0, 0, 0),
        (_SET_SECCOMP, _FILTER, ctypes.create_string_buffer(filter_program), 0, 0),
    ):
        if prctl(*arguments):
            raise OSError(ctypes.get_errno(), "The kernel refuses the filter of system calls")


def _instruction(code: int, operand: int, *, if_true: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, 0, operand)
