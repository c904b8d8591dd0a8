"""JSON that every parser accepts: NaN and infinity, which JSON lacks, become null."""

import json
from collections.abc import Mapping
from typing import Any, TextIO

import msgspec


def encode(document: Mapping[str, Any]) -> bytes:
    """The document as UTF-8 on one line."""
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        # Output of other programs that is not UTF-8 was decoded with `surrogateescape`; each such byte
        # becomes a `?`.
        text = json.dumps(msgspec.to_builtins(document), ensure_ascii=False)
        return encode(json.loads(text.encode(errors="replace")))


def write_document(out: TextIO, document: Mapping[str, Any]) -> None:
    """Write one indented document and its line end."""
    out.write(msgspec.json.format(encode(document), indent=2).decode() + "\n")
    out.flush()
