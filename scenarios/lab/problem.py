"""A problem document (RFC 9457) of the service, as a person reads it."""

import json


def in_words(body: str) -> str:
    """`title: detail` of a problem document; any other text unchanged."""
    try:
        problem = json.loads(body)
    except ValueError:
        return body
    match problem:
        case {"title": str(title), "detail": str(detail)}:
            return f"{title}: {detail}"
        case _:
            return body
