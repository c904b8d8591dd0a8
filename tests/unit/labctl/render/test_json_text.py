"""Documents for programs."""

import io
import json
import math

from labctl.render.json_text import encode, write_document


def test_numbers_that_json_lacks_become_null() -> None:
    assert json.loads(encode({"p99": math.nan, "rates": [math.inf, -math.inf, 1.5]})) == {
        "p99": None,
        "rates": [None, None, 1.5],
    }


def test_bytes_that_are_not_utf8_become_question_marks() -> None:
    text = b"caf\xe9 \xc3\xa9".decode(errors="surrogateescape")
    assert json.loads(encode({"output": [text], "p99": math.nan})) == {"output": ["caf? é"], "p99": None}


def test_a_document_is_indented_and_keeps_its_order() -> None:
    out = io.StringIO()
    write_document(out, {"schema": 1, "b": [], "a": {"é": True}})
    assert out.getvalue() == '{\n  "schema": 1,\n  "b": [],\n  "a": {\n    "é": true\n  }\n}\n'
