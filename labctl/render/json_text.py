"""JSON that every parser accepts."""

import json
import math
from collections.abc import Mapping
from typing import Any, TextIO


def encode(document: Mapping[str, Any], *, indent: int | None = None) -> str:
    """The document as JSON text. NaN and infinity, which JSON lacks, become null; sets become
    sorted lists."""
    return json.dumps(_plain(document), indent=indent, ensure_ascii=False, allow_nan=False)


def write_document(out: TextIO, document: Mapping[str, Any]) -> None:
    """Write one indented document and its line end."""
    out.write(encode(document, indent=2) + "\n")
    out.flush()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_plain(inner) for inner in value), key=str)
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
