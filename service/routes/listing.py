"""What the routes that list things have in common."""

from flask import request

from service.writebehind.errors import InvalidQuery
from service.writebehind.limits import DEFAULT_LISTED, MAX_LISTED


def asked_limit() -> int:
    """How many things this request asks for at most.

    Raises:
        InvalidQuery: its `limit` is not a whole number in the range.
    """
    text = request.args.get("limit", str(DEFAULT_LISTED))
    digits = text.lstrip("0")
    # Python refuses to read numbers of thousands of digits.
    if not (text.isascii() and digits.isdigit() and len(digits) < 9 and int(digits) <= MAX_LISTED):
        raise InvalidQuery({"limit": f"must be a whole number from 1 to {MAX_LISTED}, not {text!r}"})
    return int(digits)
