"""The limits of a product are those of its columns."""

import re
from importlib.resources import files

from service.writebehind import limits

SCHEMA = (files("service.writebehind") / "schema.sql").read_text()


def _type_of(column: str) -> str:
    found = re.search(rf"^    {column} +(\w+(\([\d, ]+\))?)", SCHEMA, re.MULTILINE)
    assert found
    return found[1]


def test_they_are_those_of_the_columns() -> None:
    digits = round(limits.MAX_PRICE * 10**limits.DECIMALS)
    assert _type_of("id") == f"varchar({limits.MAX_ID})"
    assert _type_of("name") == f"varchar({limits.MAX_NAME})"
    assert _type_of("price") == f"numeric({len(str(digits))}, {limits.DECIMALS})"
    assert set(str(digits)) == {"9"}
    assert _type_of("quantity") == "integer"
    assert (limits.MIN_QUANTITY, limits.MAX_QUANTITY) == (-0x8000_0000, 0x7FFF_FFFF)
