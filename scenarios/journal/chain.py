"""The chain of a journal's lines: each ends with a digest of itself and of all before it.

It shows that a line was changed, added or taken away, by a mistake or by hand. It is no signature: whoever
writes a whole new journal can chain that, too.
"""

from hashlib import blake2b
from typing import Final

from scenarios.journal.lines import VERSION

#: What the first line is chained to.
START: Final = ""
_DIGEST_BYTES: Final = 6
_SUM: Final = b',"sum":"'
#: The digest in hexadecimal, and the end of the object.
_TAIL_BYTES: Final = 2 * _DIGEST_BYTES + len(b'"}')


def seal(content: bytes, number: int, previous: str) -> tuple[bytes, str]:
    """A line for the file, and its sum.

    Args:
        content: A JSON object without `v`, `n` and `sum`, and not empty.
        number: Of the line, from 0.
        previous: The sum of the line before; `START` for the first.
    """
    head = b'%s,"v":%d,"n":%d' % (content[:-1], VERSION, number)
    digest = _digest(head, previous)
    return b'%s%s%s"}\n' % (head, _SUM, digest.encode()), digest


def sum_of(line: bytes, previous: str) -> str | None:
    """The sum of a line, without its line end; None if it is not the one that it carries."""
    head, tail = line[: -_TAIL_BYTES - len(_SUM)], line[-_TAIL_BYTES - len(_SUM) :]
    digest = _digest(head, previous)
    return digest if tail == b'%s%s"}' % (_SUM, digest.encode()) else None


def _digest(head: bytes, previous: str) -> str:
    return blake2b(head, key=previous.encode(), digest_size=_DIGEST_BYTES).hexdigest()
