"""The limits of what clients may send and ask for. A product's are those of its columns in schema.sql: what
PostgreSQL would refuse is refused before the acknowledgement, not found out after it."""

from typing import Annotated, Final

from msgspec import Meta

#: A larger body is refused unread. A product is well under 4 KiB, even with every character escaped.
MAX_BODY_BYTES: Final = 16_384
#: The most products that one answer lists, and how many it lists unless asked for another number.
MAX_LISTED: Final = 1_000
DEFAULT_LISTED: Final = 100
#: How many queued products and dead letters are shown.
SHOWN_ITEMS: Final = 20
SHOWN_LETTERS: Final = 100

MAX_ID: Final = 36
ID_PATTERN: Final = f"[A-Za-z0-9._-]{{1,{MAX_ID}}}"
MAX_NAME: Final = 255
#: numeric(10, 2)
MAX_PRICE: Final = 99_999_999.99
DECIMALS: Final = 2
#: int4
MIN_QUANTITY: Final = -(2**31)
MAX_QUANTITY: Final = 2**31 - 1

ProductId = Annotated[str, Meta(pattern=f"^{ID_PATTERN}$")]
# The decoder checks what it has a keyword for; `entry.parse_product` checks the rest, with words of its own.
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME, extra_json_schema={"pattern": "^[^\\u0000]*$"})]
Price = Annotated[
    float, Meta(ge=0, le=MAX_PRICE, extra_json_schema={"multipleOf": round(10**-DECIMALS, DECIMALS)})
]
Quantity = Annotated[int, Meta(ge=MIN_QUANTITY, le=MAX_QUANTITY)]
#: JSON has one kind of number: 1.0 and 1e2 are whole ones as well.
SentQuantity = Quantity | Annotated[float, Meta(ge=MIN_QUANTITY, le=MAX_QUANTITY)]
Limit = Annotated[int, Meta(ge=1, le=MAX_LISTED)]
