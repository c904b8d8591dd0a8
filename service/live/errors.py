"""What can go wrong beside the write path, behind the lab's page."""

from service.writebehind.errors import WriteBehindError


class InvalidMark(WriteBehindError):
    """The mark is not valid; the message says why."""


class InvalidFault(WriteBehindError):
    """What was asked for is not a fault that the page can inject; the message says why."""


class HistoryUnavailable(WriteBehindError):
    """The history can't be read or written, for example because the disk is full."""
