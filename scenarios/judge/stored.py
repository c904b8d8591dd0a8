"""Decodes what Redis holds. It may hold anything, written by anyone."""

import json
from collections.abc import Mapping
from typing import Any

from scenarios.judge.final_read import StoredValue


def decode(text: str) -> dict[str, Any] | None:
    """The JSON object in the text; None if it is not one."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def held(content: Mapping[str, Any] | None) -> StoredValue:
    """A document or an entry as a version and a value."""
    if content is None:
        return StoredValue(version=0, value=None)
    return StoredValue(version=version_in(content), value=None if content.get("deleted") else content)


def version_in(content: Mapping[str, Any]) -> int:
    """The version; 0, which no write has, if the document is not one of the service's."""
    version = content.get("version")
    return version if isinstance(version, int) and not isinstance(version, bool) else 0


def letter(content: Mapping[str, Any]) -> tuple[str, StoredValue]:
    """The product of a dead letter, and the write that it holds: the letter's version, its entry's value."""
    entry = content.get("entry")
    value = entry if isinstance(entry, dict) else {}
    deleted = bool(value.get("deleted"))
    return str(content.get("id")), StoredValue(version=version_in(content), value=None if deleted else value)


def backlog_member(member: str) -> tuple[str, StoredValue] | None:
    """A product's older entry, `<id>:<version>:<entry>`; None if it is not one."""
    product, _, rest = member.partition(":")
    _, _, entry = rest.partition(":")
    content = decode(entry)
    return (product, held(content)) if content is not None else None
