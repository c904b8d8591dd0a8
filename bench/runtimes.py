"""Both runtimes side by side: what a write costs on each, and how long a lab takes to come and go."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median

from bench.figures import Figure, ratio_of
from bench.load import Load, post_load
from stack.docker.engine import answers, connect
from stack.docker.images import own_image
from stack.docker.labels import own_filter
from stack.factory import open_lab
from stack.lab import Lab
from stack.settings import StackSettings
from stack.spec.runtime import RuntimeKind

_PAIRS = 7
_SECONDS = 1.5
_MB = 1_000_000


def docker_life(home: Path) -> Iterator[Figure]:
    """`up` of the four core services, `up` again, `down`, and what is left; images are not timed."""
    lab = open_lab("bench-life", "docker", home=home)
    # Pulls and builds are not timed.
    list(lab.up(observability=False))
    list(lab.down())
    ups, agains, downs, left = [], [], [], 0
    for _ in range(3):
        ups.append(_seconds(lab, "up"))
        agains.append(_seconds(lab, "up"))
        downs.append(_seconds(lab, "down"))
        left += _objects(lab.name)
    yield Figure("Docker: up, core four, from nothing", median(ups), "s", "≤", 15)
    yield Figure("Docker: up, when all runs already", median(agains), "s", "≤", 1.5)
    yield Figure("Docker: down", median(downs), "s", "≤", 12)
    yield Figure("Docker: objects left by three downs", left, "", "≤", 0)
    yield Figure("Docker: image of api and worker", _image_size() / _MB, "MB")


def side_by_side(home: Path) -> Iterator[Figure]:
    """POST /products on both, back to back, on one connection and on eight."""
    with ExitStack() as labs:
        ports = {kind: labs.enter_context(_api_of(home, kind)) for kind in ("local", "docker")}
        for connections in (1, 8):
            loads: dict[str, list[Load]] = {kind: [] for kind in ports}
            for _ in range(_PAIRS):
                for kind, port in ports.items():
                    loads[kind].append(post_load(port, connections=connections, seconds=_SECONDS))
            p50 = {kind: [load.p50_ms for load in each] for kind, each in loads.items()}
            p99 = {kind: median(load.p99_ms for load in each) for kind, each in loads.items()}
            figure = ratio_of(
                f"POST p50, Docker ÷ local, {connections} connection{'s'[: connections > 1]}",
                p50["docker"],
                p50["local"],
                unit="ms",
            )
            yield figure.with_detail(f"p99 {p99['docker']:.2f} and {p99['local']:.2f} ms")


def has_engine() -> bool:
    return bool(answers(StackSettings.from_env()))


@contextmanager
def _api_of(home: Path, kind: RuntimeKind) -> Iterator[int]:
    """A running lab; yields the port of its API."""
    lab = open_lab(f"bench-{kind}", kind, home=home)
    try:
        list(lab.up(observability=False))
        yield int(lab.urls()["api"].rpartition(":")[2])
    finally:
        list(lab.down())


def _seconds(lab: Lab, verb: str) -> float:
    begun = time.perf_counter()
    list(lab.up(observability=False) if verb == "up" else lab.down())
    return time.perf_counter() - begun


def _objects(lab: str) -> int:
    """How many containers, networks and volumes of a lab there are."""
    own = own_filter(lab)
    with closing(connect(StackSettings.from_env())) as client:
        volumes = client.volumes(filters=own)["Volumes"] or []
        return len([*client.containers(all=True, filters=own), *client.networks(filters=own), *volumes])


def _image_size() -> int:
    with closing(connect(StackSettings.from_env())) as client:
        return int(client.images(name=own_image())[0]["Size"])
