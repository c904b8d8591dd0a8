"""JSON documents in the bodies of requests."""

from typing import TypeVar

import msgspec

from service.writebehind.errors import WriteBehindError

T = TypeVar("T")


def parse(decoder: msgspec.json.Decoder[T], body: bytes, invalid: type[WriteBehindError]) -> T:
    """The document in a request's body.

    Args:
        decoder: Knows what it looks like.
        invalid: What is raised if it is not like that; the message says why.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"the body is not valid JSON: {error}") from error
