"""What the service says when it refuses something (RFC 9457), as a person reads it."""

import json


def in_words(body: str) -> str:
    """`title: detail` of a problem document; any other text as it is."""
    try:
        problem = json.loads(body)
    except ValueError:
        return body
    match problem:
        case {"title": str(title), "detail": str(detail)}:
            return f"{title}: {detail}"
        case _:
            return body
