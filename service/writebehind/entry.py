"""Products, documents and entries: what is written, cached and kept pending (see lua/entry.lua)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from service.writebehind.errors import InvalidProduct
from service.writebehind.limits import DECIMALS, ID_PATTERN, MAX_ID, Name, Price, Quantity, SentQuantity

_ID: Final = re.compile(ID_PATTERN)
_TAIL: Final = re.compile(rb',"queued_at":(\d+),"attempts":(\d+)[^}]*}$')
_TRACE: Final = re.compile(rb',"traceparent":"([\da-f-]+)"}$')
_TRACEPARENT: Final = re.compile(r"[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}")
#: An entry that says more than this is junk.
_MOST_WRITES: Final = 1_000_000_000
_VERSION: Final = re.compile(rb',"version":(\d{1,16})}$')


class Product(msgspec.Struct, frozen=True):
    """What is written. Further members are ignored."""

    name: Name
    price: Price
    quantity: Quantity


class _Sent(msgspec.Struct, frozen=True):
    """A product as a client may send it."""

    name: Name
    price: Price
    quantity: SentQuantity


_decoder: Final = msgspec.json.Decoder(_Sent)
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`$")
_AT: Final = re.compile(r"(.*) - at `\$\.(\w+)`$")
#: What the decoder says of a value, and how a person would put it.
_WORDINGS: Final = (
    (re.compile(r"Expected `str` of length >= 1"), "must not be empty"),
    (re.compile(r"Expected `str` of length <= (\d+)"), r"must have at most \1 characters"),
    (re.compile(r"Expected `\w+` >= (\S+?)(\.0)?"), r"must be at least \1"),
    (re.compile(r"Expected `\w+` <= (\S+?)(\.0)?"), r"must be at most \1"),
    (re.compile(r"Expected `str`, got `(\w+)`"), r"must be text, not \1"),
    (re.compile(r"Expected `[\w| ]+`, got `str`"), "must be a number, not text"),
    (re.compile(r"Expected `[\w| ]+`, got `(\w+)`"), r"must be a number, not \1"),
)


def parse_product(body: bytes) -> Product:
    """Decode and check a request body.

    Raises:
        InvalidProduct: the value breaks a rule.
        ValueError: the body is not JSON.
    """
    try:
        sent = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidProduct(_explain(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"the body is not valid JSON: {error}") from error
    quantity = int(sent.quantity)
    if "\x00" in sent.name:
        raise InvalidProduct({"name": "must not contain the NUL character"})
    if round(sent.price, DECIMALS) != sent.price:
        raise InvalidProduct({"price": "must not have more than two decimal places"})
    if quantity != sent.quantity:
        raise InvalidProduct({"quantity": f"must be a whole number, not {sent.quantity}"})
    return Product(sent.name, sent.price, quantity)


def _explain(message: str) -> dict[str, str]:
    """A decoder's message as {field: reason}."""
    if missing := _MISSING.fullmatch(message):
        return {missing[1]: "is required"}
    if at := _AT.fullmatch(message):
        return {at[2]: _in_words(at[1])}
    return {"body": message}


def _in_words(message: str) -> str:
    for pattern, words in _WORDINGS:
        if match := pattern.fullmatch(message):
            return match.expand(words)
    return message


def check_id(product_id: str) -> str:
    """The id.

    Raises:
        InvalidProduct: it is not 1 to 36 of the characters A-Z a-z 0-9 . _ -
    """
    if not _ID.fullmatch(product_id):
        raise InvalidProduct({"id": f"must be 1 to {MAX_ID} of the characters A-Z a-z 0-9 . _ -"})
    return product_id


def timestamp(moment: datetime | None = None) -> str:
    """A moment, by default now, as ISO 8601 in UTC with microseconds."""
    moment = moment or datetime.now(UTC)
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def product_head(product_id: str, product: Product) -> bytes:
    """The beginning of a document, to which the script adds times and version."""
    # Adding zero turns -0.0, which JSON allows, into 0.0.
    return b'{"id":"%b","name":%b,"price":%b,"quantity":%d' % (
        product_id.encode(),
        msgspec.json.encode(product.name),
        msgspec.json.encode(product.price + 0.0),
        product.quantity,
    )


def tombstone_head(product_id: str) -> bytes:
    """The beginning of the document of a deleted product."""
    return b'{"id":"%b","deleted":true' % product_id.encode()


def finish(head: bytes, *, created_at: str, updated_at: str, version: int) -> bytes:
    """A complete document, as the write script builds it."""
    return b'%b,"created_at":"%b","updated_at":"%b","version":%d}' % (
        head,
        created_at.encode(),
        updated_at.encode(),
        version,
    )


def version_of(document: bytes) -> int:
    """The version of a document; 0 if it is not a document."""
    tail = _VERSION.search(document)
    return int(tail[1]) if tail else 0


def is_tombstone(document: bytes) -> bool:
    """Whether a document or entry says that its product is deleted."""
    # Inside a JSON string every quote is escaped, so this cannot be part of a name.
    return b'"deleted":true' in document


def with_source(document: bytes, source: str) -> bytes:
    """The document as the API returns it."""
    return b'%b,"source":"%b"}' % (document[:-1], source.encode())


def source_of(answer: bytes) -> str:
    """The source that `with_source` added.

    >>> source_of(with_source(b'{"id":"a"}', "cache"))
    'cache'
    """
    return answer[:-2].rpartition(b'"')[2].decode()


def to_document(entry: bytes) -> bytes:
    """The document in a pending entry."""
    return _TAIL.sub(b"}", entry)


def attempts_of(entry: bytes) -> int:
    """Failed attempts to flush an entry."""
    tail = _TAIL.search(entry)
    return int(tail[2]) if tail else 0


def queued_at_of(entry: bytes) -> int:
    """When the product's first unpersisted write came, in µs of lab time; 0 if it is not an entry."""
    tail = _TAIL.search(entry)
    return int(tail[1]) if tail else 0


def checked_writes(value: object) -> int:
    """The number of writes that an entry says it stands for; 1 if it is not such a number."""
    return value if type(value) is int and 0 <= value <= _MOST_WRITES else 1


def trace_of(entry: bytes) -> str:
    """The traceparent of the entry's write; '' if it was not traced."""
    trace = _TRACE.search(entry) if entry.endswith(b'"}') else None
    return checked_trace(trace[1].decode()) if trace else ""


def checked_trace(value: object) -> str:
    """A W3C traceparent; '' for anything else."""
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A write that was given up: the element of the dead letter queue."""

    id: str
    version: int
    #: The pending entry; text if it was not JSON.
    entry: Any
    error: str
    attempts: int
    dead_lettered_at: str

    @classmethod
    def of(cls, product_id: str, version: int, entry: bytes, *, error: str, attempts: int) -> "DeadLetter":
        try:
            content = msgspec.json.decode(entry)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            content = entry.decode(errors="replace")
        return cls(product_id, version, content, error, attempts, timestamp())

    def encode(self) -> bytes:
        return msgspec.json.encode(self)
