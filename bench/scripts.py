"""What a write costs Redis, whose single thread all writes share: write.lua against a script that does only
the minimum."""

from collections.abc import Iterator, Sequence
from typing import Any

import hiredis
import redis

from bench.figures import Figure, ratio_of
from service.writebehind.entry import Product, product_head, timestamp
from service.writebehind.scripts.runner import Scripts
from service.writebehind.scripts.script import Script, load
from service.writebehind.scripts.writing import NOT_LOOKED, Operation, write
from service.writebehind.settings import Settings
from stack.lab import Lab

_WRITES = 10_000
_CHUNK = 200
_PAIRS = 7
_FLOOR = b"""#!lua
redis.call('TIME')
redis.call('SET', KEYS[1], ARGV[3], 'EX', 3600)
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('RPUSH', KEYS[3], ARGV[1])
return {'ok', ARGV[3], 0}
"""


class _Recorded(Scripts):
    """Records the keys and arguments of each call instead of making it."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(redis_url)
        self.calls: list[tuple[str | bytes | int, ...]] = []

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        self.calls.append((len(keys), *keys, *args))
        return [b"ok", b"", 0]


def script_cost(lab: Lab) -> Iterator[Figure]:
    """Redis' CPU time for a create and for an update of a pending product, in µs, pipelined and without a
    worker."""
    list(lab.stop("worker"))
    url = lab.urls()["redis"]
    with redis.Redis.from_url(url) as client:
        ours, floor = (str(_text(client.script_load(body))) for body in (load("write"), _FLOOR))
        cost: dict[str, list[float]] = {"floor": [], "create": [], "update": []}
        for _ in range(_PAIRS):
            creates, updates = _commands(url, "create"), _commands(url, "update")
            client.flushall()
            cost["floor"].append(_run(client, floor, creates))
            client.flushall()
            cost["create"].append(_run(client, ours, creates))
            cost["update"].append(_run(client, ours, updates))
        client.flushall()
    list(lab.start("worker"))
    for what, name, most in (("a create", "create", 2.5), ("an update", "update", 4.0)):
        title = f"Redis' time for {what} ÷ SET, HSET, RPUSH, TIME"
        yield ratio_of(title, cost[name], cost["floor"], "≤", most, unit="µs")


def _commands(url: str, operation: Operation) -> list[tuple[str | bytes | int, ...]]:
    """Keys and arguments of the writes, as the service makes them."""
    scripts = _Recorded(url)
    settings, now = Settings(max_pending=100_000_000), timestamp()
    for n in range(_WRITES):
        product = f"00000000-0000-4000-8000-{n:012d}"
        write(
            scripts,
            operation,
            product,
            product_head(product, Product("Demo Widget", 29.99, 100)),
            now=now,
            known=NOT_LOOKED,
            policy="",
            settings=settings,
        )
    scripts.close()
    return scripts.calls


def _run(client: "redis.Redis", sha: str, calls: Sequence[tuple[str | bytes | int, ...]]) -> float:
    """Redis' CPU time per call, in µs."""
    connection: Any = client.connection_pool.make_connection()
    connection.connect()
    pack: Any = hiredis.pack_command
    packed = [pack(("EVALSHA", sha, *call)) for call in calls]
    before = _processor_seconds(client)
    for first in range(0, len(packed), _CHUNK):
        chunk = packed[first : first + _CHUNK]
        connection.send_packed_command([b"".join(chunk)], check_health=False)
        for _ in chunk:
            if connection.read_response()[0] != b"ok":
                raise RuntimeError("Redis did not take a write")
    spent = _processor_seconds(client) - before
    connection.disconnect()
    return 1e6 * spent / len(calls)


def _processor_seconds(client: "redis.Redis") -> float:
    info: Any = client.info("cpu")
    return float(info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"])


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
