"""Run a command that the kernel kills at the first socket that could leave the machine: sealed.py COMMAND ...

The filter (seccomp, Linux) needs no privilege and is inherited by every child; sockets within the machine stay allowed.
Imports nothing of the package, so that it is the command alone that is looked at.
"""

import ctypes
import os
import platform
import struct
import subprocess
import sys
from typing import NamedTuple


class Machine(NamedTuple):
    """How the kernel names a machine, and its number of the system call `socket`."""

    audit: int
    socket: int


MACHINES = {"x86_64": Machine(0xC000003E, 41), "aarch64": Machine(0xC00000B7, 198)}
_LOAD, _EQUALS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_IO_URING_SETUP, _OTHER_NUMBERS, _AF_UNIX = 425, 0x40000000, 1
_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2


def refusal() -> str | None:
    """Why no command can be sealed here; None where it can."""
    if sys.platform != "linux":
        return "needs Linux's seccomp"
    if platform.machine() not in MACHINES:
        return f"the numbers of system calls of {platform.machine()} are not known here"
    ended = subprocess.run([sys.executable, __file__, sys.executable, "-c", ""], capture_output=True, check=False)
    return "this kernel takes no seccomp filter" if ended.returncode else None


def seal() -> None:
    """Kill this process, and whatever it becomes or starts, when it asks for a socket that is not within the machine.

    Rings of system calls (io_uring), and calls by the numbers of another machine, would pass a filter by: they are
    killed too.

    Raises:
        OSError: the kernel takes no filter.
    """
    machine = MACHINES[platform.machine()]
    steps = (
        (_LOAD, 0, 0, _MACHINE),
        (_EQUALS, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 5, 0, _OTHER_NUMBERS),
        (_EQUALS, 4, 0, _IO_URING_SETUP),
        (_EQUALS, 0, 2, machine.socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUALS, 0, 1, _AF_UNIX),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _KILL),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    control = ctypes.CDLL(None, use_errno=True).prctl
    control.argtypes = ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong
    for option, kind, address in ((_SET_NO_NEW_PRIVILEGES, 1, None), (_SET_SECCOMP, _FILTER, program)):
        if control(option, kind, address, 0, 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    seal()
    os.execv(sys.argv[1], sys.argv[1:])
