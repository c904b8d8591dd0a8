"""Errors of the operating system in words, and what a person can do about them."""

import errno
from typing import Final

from stack.spec.hints import labctl

_SPACE: Final = "free some space there (`df -h`, and `df -i` for the number of files), or name a directory "
_ELSEWHERE: Final = "name a state directory elsewhere in LABCTL_HOME"
#: What to do, by errno.
_HINTS: Final = {
    errno.ENOSPC: f"{_SPACE}on another disk in LABCTL_HOME",
    errno.EDQUOT: f"{_SPACE}beyond the quota in LABCTL_HOME",
    errno.EROFS: f"the file system is read-only: {_ELSEWHERE}",
    errno.EACCES: f"give this user the permission (`ls -ld` shows who has it), or {_ELSEWHERE}",
    errno.EPERM: f"give this user the permission (a container or a namespace may forbid it), or {_ELSEWHERE}",
    errno.ENOTDIR: f"a part of that path is a file: {_ELSEWHERE}",
    errno.EISDIR: f"there is a directory in the way: move it, or {_ELSEWHERE}",
    errno.EEXIST: f"something is in the way there: move it, or {_ELSEWHERE}",
    errno.ELOOP: f"that path is a loop of symbolic links: {_ELSEWHERE}",
    errno.ENAMETOOLONG: f"that path is too long: {_ELSEWHERE}",
    errno.ENOLCK: f"its file system has no locks (a network drive?): {_ELSEWHERE}",
    errno.ENOSYS: f"its file system, or this system, can't do it: {_ELSEWHERE}",
    errno.EOPNOTSUPP: f"its file system can't do it: {_ELSEWHERE}",
    errno.EFBIG: f"allow larger files in this shell (`ulimit -f unlimited`), or {_ELSEWHERE}",
    errno.EIO: f"the disk or the network drive fails: {_ELSEWHERE}",
    errno.ESTALE: f"the network drive was remounted: try again, or {_ELSEWHERE}",
    errno.ENOENT: f"it may have been removed: try again from another working directory, or {_ELSEWHERE}",
    errno.EMFILE: "allow more open files in this shell (`ulimit -n 1024`), then try again",
    errno.ENFILE: "the whole machine has too many open files: end some programs, then try again",
    errno.EAGAIN: "allow more processes (`ulimit -u`; in a container, its limit of pids), then try again",
    errno.ENOMEM: "end some programs, or give this machine or container more memory, then try again",
}
_DEFAULT: Final = f"{labctl('doctor')} checks the machine; otherwise {_ELSEWHERE}"


def hint_for(error: OSError) -> str:
    """The hint for an error of the operating system: what to do next."""
    return _HINTS.get(error.errno or 0, _DEFAULT)


def explain(error: OSError, at: object = "") -> str:
    """The error in words, with its subject: "/x: Permission denied"."""
    where = error.filename if isinstance(error.filename, str) else at
    return f"{where}: {error.strerror or error}" if where else str(error.strerror or error)
