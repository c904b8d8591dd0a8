"""Run a program as `nobody`: PostgreSQL refuses to run as root.

Run as a file, by root, in place of the program: `python -I -S unprivileged.py NEED PROGRAM [ARGUMENT...]`.
NEED names the right over files that the program keeps, because directories above it may be closed to other
users (a lab in root's home): `none`, `search` (read files and walk through directories), or `override`
(execute closed files too). It is one ambient capability of Linux (capabilities(7)), not root's power over the
rest.
"""

import ctypes
import os
import sys
from typing import Final

NOBODY: Final = 65534

_PR_CAPBSET_READ: Final = 23
_PR_SET_KEEPCAPS: Final = 8
_PR_SET_SECUREBITS: Final = 28
_SECBIT_NO_SETUID_FIXUP: Final = 1 << 2
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_RAISE: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522
_DAC_OVERRIDE: Final = 1
_DAC_READ_SEARCH: Final = 2
#: What serves each need, best first.
_CHOICES: Final = {
    "none": (),
    "search": (_DAC_READ_SEARCH, _DAC_OVERRIDE),
    "override": (_DAC_OVERRIDE,),
}


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def become_nobody(need: str) -> None:
    """Give up root for good, except for the one right that is needed.

    Raises:
        OSError: the system does not allow it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    kept = next((cap for cap in _CHOICES[need] if libc.prctl(_PR_CAPBSET_READ, cap, 0, 0, 0) == 1), None)
    if kept is None and need != "none":
        raise PermissionError("this root lacks the capabilities DAC_READ_SEARCH and DAC_OVERRIDE")
    if kept is not None:
        _check(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
        # access(2), which initdb uses to find postgres, ignores the capabilities of all users but root unless
        # this bit is set. A root that may not set it goes on: that does no harm where everybody may execute
        # the programs.
        libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    if kept is not None:
        mask = 1 << kept
        data = (_Data * 2)(_Data(mask, mask, mask), _Data(0, 0, 0))
        _check(libc.capset(ctypes.byref(_Header(_CAPABILITY_VERSION_3, 0)), data))
        _check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, kept, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def main(argv: list[str]) -> int:
    need, *program = argv
    try:
        become_nobody(need)
        os.execv(program[0], program)
    except OSError as error:
        sys.stderr.write(f"can't run {program[0]} as nobody: {error}\n")
    return 126


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
