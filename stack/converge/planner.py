"""From what should be and what is to what must be done. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from stack.converge.plan import Node, Plan
from stack.spec.container import COMPOSE_TAG
from stack.spec.runtime import Observed, Snapshot
from stack.spec.service import ServiceSpec
from stack.spec.validate import memory_bytes

Specs = Mapping[str, ServiceSpec]

_UNKNOWN: Final = "it does not answer, so what waits in it is unknown"
_QUIET: Final = "nothing may be acknowledged while redis drains"


def plan_up(specs: Specs, snapshot: Snapshot, only: Collection[str] | None = None) -> Plan:
    """What brings services to where they should be.

    Images come first, because they may take minutes; then ends what has to, so that its ports are free; then
    comes what containers need, and at last the services, each after those that it depends on.

    Args:
        specs: All services that the lab should have, by short name.
        snapshot: What is there.
        only: Bring up these alone; None: all, and stop those that the lab should not have.
    """
    wanted = {name: spec for name, spec in specs.items() if only is None or name in only}
    images = _images(wanted, snapshot)
    drains = only is None and _is_outdated(wanted.get("redis"), snapshot.services.get("redis"))
    ends = _drain(snapshot) if drains else []
    if only is None:
        ends += [
            Node(verb="stop", name=name, cause="the lab has it no more")
            for name, seen in snapshot.services.items()
            if name not in specs and seen.pid is not None
        ]
    services = [
        _action(spec, snapshot, _missing(spec, wanted, snapshot), is_drained=drains)
        for spec in wanted.values()
    ]
    ends += [
        Node(verb="clear", name=node.name, cause="it has died")
        for node in services
        if (seen := snapshot.services.get(node.name)) is not None and seen.state == "died"
    ]
    check = _check(services, wanted, snapshot)
    supplies = _supplies(wanted, snapshot)
    first = _in_layers(images, ends, check, supplies)
    return Plan.of([*first, *_linked(services, wanted, first)])


def plan_down(specs: Specs, snapshot: Snapshot, *, keep_data: bool) -> Plan:
    """What takes a lab away; with `keep_data`, what is in Redis alone goes to PostgreSQL first.

    Args:
        specs: All services that a lab can have.
        snapshot: What is there.
        keep_data: Whether the volumes stay.
    """
    redis = snapshot.services.get("redis")
    first = _drain(snapshot, best_effort=True) if keep_data and _lives(redis) else []
    done = {node.name for node in first if node.verb == "stop"}
    known = [name for name in specs if name in snapshot.services]
    others = [name for name, seen in snapshot.services.items() if name not in specs and _lives(seen)]
    names = [name for name in (*known, *others) if name not in done]
    stops = [replace(node, after=(*node.after, *_keys(first))) for node in _stops(names, specs, snapshot)]
    cause = "its data stays" if keep_data else "with all its data"
    remove = Node(verb="remove", kind="lab", cause=cause, after=_keys((*first, *stops)))
    return Plan.of([*first, *stops, remove])


def plan_stop(specs: Specs, services: Sequence[str], snapshot: Snapshot) -> Plan:
    """What ends these services in good order, each before those that it depends on."""
    return Plan.of(_stops([name for name in services if name in snapshot.services], specs, snapshot))


def _stops(names: Sequence[str], specs: Specs, snapshot: Snapshot) -> list[Node]:
    nodes = {name: _stop(name, snapshot.services[name]) for name in names}
    users = {
        name: [user for user in names if user in specs and name in specs[user].depends_on] for name in names
    }
    return [
        replace(node, after=tuple(nodes[user].key for user in users[name])) for name, node in nodes.items()
    ]


def _stop(name: str, seen: Observed) -> Node:
    return Node(verb="stop", name=name, cause="" if _lives(seen) else "it does not run")


def _drain(snapshot: Snapshot, *, best_effort: bool = False) -> list[Node]:
    """Bring what is in Redis alone to PostgreSQL, while nothing more is acknowledged."""
    stops = [Node(verb="stop", name="api", cause=_QUIET)] if _lives(snapshot.services.get("api")) else []
    thaws = [
        Node(verb="thaw", name=name, cause="it is paused, and needed for the drain", after=_keys(stops))
        for name in ("redis", "worker")
        if (seen := snapshot.services.get(name)) is not None and seen.state == "paused"
    ]
    if snapshot.unwritten is None:
        cause = _UNKNOWN
    else:
        cause = (
            f"{writes(snapshot.unwritten)} in it alone" if snapshot.unwritten else "nothing waits in it yet"
        )
    first = [*stops, *thaws]
    return [
        *first,
        Node(verb="drain", name="redis", cause=cause, after=_keys(first), best_effort=best_effort),
    ]


def _images(specs: Specs, snapshot: Snapshot) -> list[Node]:
    by_name = {spec.container.image: spec for spec in specs.values() if spec.container}
    nodes = (_image(image, by_name[image].program == "python", snapshot.images) for image in sorted(by_name))
    return [node for node in nodes if node is not None]


def _image(image: str, is_own: bool, images: Mapping[str, str]) -> Node | None:
    if not is_own:
        missing = image not in images
        return Node(verb="pull", kind="image", name=image, cause="it is not here") if missing else None
    repository = image.rpartition(":")[0]
    if image not in images:
        earlier = any(name.startswith(f"{repository}:") for name in images)
        cause = "context changed" if earlier else "it is not here"
        return Node(verb="build", kind="image", name=image, cause=cause)
    if images.get(f"{repository}:{COMPOSE_TAG}") != images[image]:
        return Node(verb="tag", kind="image", name=image, cause="compose would start another one")
    return None


def _supplies(specs: Specs, snapshot: Snapshot) -> list[Node]:
    """The network and the volumes that containers need and that are not there."""
    containers = [spec.container for spec in specs.values() if spec.container]
    volumes = dict.fromkeys(
        mount.source for each in containers for mount in each.mounts if mount.kind == "volume"
    )
    nodes = [Node(verb="create", kind="network")] if containers and not snapshot.network else []
    return [
        *nodes,
        *(Node(verb="create", kind="volume", name=name) for name in volumes if name not in snapshot.volumes),
    ]


def _check(services: Iterable[Node], specs: Specs, snapshot: Snapshot) -> list[Node]:
    """The ports of what is to start, but for those that the lab's own services hold."""
    starting = [node.name for node in services if node.verb in ("start", "replace")]
    own = {seen.port for seen in snapshot.services.values() if seen.pid is not None}
    ports = tuple(
        (name, port) for name in starting if (port := specs[name].port) is not None and port not in own
    )
    cause = f"free ports: {', '.join(f'{port} for {name}' for name, port in ports)}" if ports else ""
    check = Node(verb="check", kind="machine", cause=cause, services=tuple(starting), ports=ports)
    return [check] if starting else []


def _action(spec: ServiceSpec, snapshot: Snapshot, missing: tuple[str, ...], *, is_drained: bool) -> Node:
    seen = snapshot.services.get(spec.name)
    node = Node(verb="start", name=spec.name, waits_for=missing)
    if seen is None or seen.state in ("missing", "removed"):
        return node
    if is_drained and spec.name == "api" and _lives(seen):
        return replace(node, cause="it was stopped while redis drained")
    if seen.state == "stopped":
        return replace(node, cause="it was stopped")
    if seen.state == "died":
        return replace(node, verb="replace", cause=seen.detail or "it has died")
    if seen.spec_hash != spec.hash():
        return replace(node, verb="replace", cause=_difference(spec, seen, snapshot.unwritten))
    if seen.state == "paused":
        return replace(node, verb="resume", cause="it was paused")
    if cause := _tuning(spec, snapshot):
        return replace(node, verb="tune", cause=cause)
    return replace(node, verb="keep")


def _tuning(spec: ServiceSpec, snapshot: Snapshot) -> str:
    """Which options of a running service change; empty if they are as they should be, or not known."""
    has = snapshot.redis_options
    changes = [
        f"{name} becomes {value}"
        for name, value in spec.tuned
        if name in has and memory_bytes(value) != memory_bytes(has[name])
    ]
    return ", ".join(changes)


def _difference(spec: ServiceSpec, seen: Observed, unwritten: int | None) -> str:
    """In what a service differs from its specification, as far as can be seen."""
    waiting = ""
    if spec.name == "redis" and unwritten is None:
        waiting = f"; {_UNKNOWN}"
    elif spec.name == "redis" and unwritten:
        waiting = f"; {writes(unwritten)} to drain first"
    if spec.container and seen.image and seen.image != spec.container.image:
        return f"image changed from {seen.image} to {spec.container.image}{waiting}"
    if seen.port != spec.port:
        return f"port changed from {seen.port} to {spec.port}{waiting}"
    return f"settings changed{waiting}"


def _missing(spec: ServiceSpec, wanted: Specs, snapshot: Snapshot) -> tuple[str, ...]:
    """The services that it needs to become healthy, but that are not running."""
    return tuple(
        name
        for name in spec.depends_on
        if name not in wanted and ((seen := snapshot.services.get(name)) is None or seen.state != "running")
    )


def _in_layers(*layers: list[Node]) -> list[Node]:
    """Each node after all of the layer before that has any."""
    before: tuple[str, ...] = ()
    nodes: list[Node] = []
    for layer in layers:
        nodes += (replace(node, after=(*before, *node.after)) for node in layer)
        before = _keys(layer) or before
    return nodes


def _linked(services: Sequence[Node], specs: Specs, first: Sequence[Node]) -> list[Node]:
    """The services after all that comes first and after what they depend on; the schema after PostgreSQL."""
    needed_by_others = {key for node in first for key in node.after}
    before = tuple(node.key for node in first if node.key not in needed_by_others)
    keys: dict[str, tuple[str, ...]] = {node.name: (node.key,) for node in services}
    schema: list[Node] = []
    if "postgres" in keys:
        schema = [Node(verb="apply", kind="schema", cause="adds what is missing", after=keys["postgres"])]
        keys["postgres"] += _keys(schema)
    nodes: list[Node] = []
    for node in services:
        needed = (key for name in specs[node.name].depends_on for key in keys.get(name, ()))
        nodes.append(replace(node, after=(*before, *needed)))
    return nodes + schema


def writes(count: int) -> str:
    """`1 write`, `12 writes`."""
    return f"{count:,} {'write' if count == 1 else 'writes'}"


def _is_outdated(spec: ServiceSpec | None, seen: Observed | None) -> bool:
    """Whether a service runs that has to be started anew."""
    return spec is not None and seen is not None and seen.pid is not None and seen.spec_hash != spec.hash()


def _lives(seen: Observed | None) -> bool:
    return seen is not None and seen.pid is not None


def _keys(nodes: Iterable[Node]) -> tuple[str, ...]:
    return tuple(node.key for node in nodes)
