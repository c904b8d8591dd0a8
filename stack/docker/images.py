"""Images: pulled if they are missing, built if the files that they are built from have changed."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final

from stack.docker import labels
from stack.docker.build_context import DOCKERFILE, context_archive, context_hash
from stack.docker.engine import connect, map_docker_errors
from stack.errors import EnvironmentFault
from stack.settings import StackSettings
from stack.spec.container import COMPOSE_TAG
from stack.spec.events import Advanced, StackEvents, StackNoted

if TYPE_CHECKING:
    from docker import APIClient

#: The image of the API and the worker; its tag is the hash of its context.
REPOSITORY: Final = "write-behind-lab"
_MB: Final = 1_000_000
#: The engine's words for the steps of a layer, and ours.
_MOVES: Final = {"Downloading": "downloaded", "Extracting": "unpacked"}
#: The engine's announcement of a step of a build.
_STEP: Final = re.compile(r"Step (\d+)/(\d+) :")
_BUILT: Final = "steps of the build"
#: Number of last lines that the error of a failed build shows.
_TAIL: Final = 12


def own_image() -> str:
    """Name and tag of the image that this version of the lab needs."""
    return f"{REPOSITORY}:{context_hash()}"


def images_by_name(client: "APIClient", images: Collection[str]) -> dict[str, str]:
    """The ids of these images, by name, as far as they exist, and of earlier versions of the lab's own image.
    One request to the engine.
    """
    wanted = sorted({image.rpartition(":")[0] for image in images})
    # The stubs know only one value per filter.
    filters: Any = {"reference": wanted}
    existing = client.images(filters=filters) if wanted else []
    return {name: str(each["Id"]) for each in existing for name in each.get("RepoTags") or ()}


class DockerImages:
    """Provides the images of services."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings

    def ensure(self, image: str) -> StackEvents:
        """Pull or build an image if it is missing, and let compose find the lab's own one.

        Raises:
            EnvironmentFault: it can't be pulled, or the build failed.
        """
        is_own = image.startswith(f"{REPOSITORY}:")
        with closing(connect(self._settings, patient=True)) as client:
            is_new = not _is_there(client, image)
            if is_new:
                yield from self._build(client, image) if is_own else _pull(client, image)
            if is_own:
                _tag_for_compose(client, image)
            if is_own and is_new:
                _forget_older(client, image)

    def _build(self, client: "APIClient", image: str) -> StackEvents:
        what = "the image of api and worker"
        yield StackNoted(f"building {what}: this takes a minute, once")
        lines: list[str] = []
        steps, error = 1, ""
        with map_docker_errors(f"{what} can't be built"):
            for message in client.build(
                fileobj=context_archive(),
                custom_context=True,
                dockerfile=DOCKERFILE,
                tag=image,
                rm=True,
                forcerm=True,
                decode=True,
                network_mode=self._settings.build_network or None,
                labels={labels.CONTEXT: image.partition(":")[2]},
            ):
                # Go on after an error, for the lines that follow it.
                error = error or str(message.get("error", ""))
                text = str(message.get("stream", "")).strip()
                if text:
                    lines.append(text)
                if step := _STEP.match(text):
                    steps = int(step[2])
                    yield Advanced(_BUILT, int(step[1]) - 1, steps)
        if error:
            raise _failed_build(lines, error)
        yield Advanced(_BUILT, steps, steps)
        yield StackNoted(f"built {image}, {_details(client, image)['Size'] / _MB:.0f} MB")


def _failed_build(lines: list[str], error: str) -> EnvironmentFault:
    tail = "\n".join(f"  {line}" for line in lines[-_TAIL:])
    return EnvironmentFault(
        f"the image of api and worker can't be built: {error.strip()}; the build ends with:\n{tail}",
        hint="without a package index, LABCTL_BUILD_NETWORK=host lends the build this machine's network",
    )


def _is_there(client: "APIClient", image: str) -> bool:
    from docker.errors import ImageNotFound

    with map_docker_errors(f"the image {image} can't be looked up"), suppress(ImageNotFound):
        _details(client, image)
        return True
    return False


def _details(client: "APIClient", image: str) -> Mapping[str, Any]:
    inspect: Any = client.inspect_image  # without types in the stubs
    details: Mapping[str, Any] = inspect(image)
    return details


def _pull(client: "APIClient", image: str) -> StackEvents:
    repository, _, tag = image.rpartition(":")
    yield StackNoted(f"pulling {image}")
    with map_docker_errors(f"the image {image} can't be pulled", hint=_pull_hint(image)):
        yield from progress(client.pull(repository, tag=tag, stream=True, decode=True), image)
    yield StackNoted(f"pulled {image}")


def _pull_hint(image: str) -> str:
    return f"see that `docker pull {image}` works; without a network, use --runtime local"


def progress(messages: Iterator[Mapping[str, Any]], image: str) -> Iterator[Advanced]:
    """The progress of a pull in MB, from what the engine reports about each layer.

    Raises:
        EnvironmentFault: the engine reports an error in the stream.
    """
    #: Bytes done and bytes in all, by step and by layer.
    layers: dict[str, dict[str, tuple[int, int]]] = {status: {} for status in _MOVES}
    last: Advanced | None = None
    error = ""
    for message in messages:
        error = error or str(message.get("error", ""))
        detail = message.get("progressDetail") or {}
        status = str(message.get("status"))
        if status not in _MOVES or not detail.get("total"):
            continue
        layers[status][str(message["id"])] = (int(detail["current"]), int(detail["total"]))
        done, total = (sum(each) // _MB for each in zip(*layers[status].values(), strict=True))
        now = Advanced(f"MB of {image} {_MOVES[status]}", done, total)
        if now != last:
            last = now
            yield now
    if error:
        raise EnvironmentFault(f"the image {image} can't be pulled: {error}", hint=_pull_hint(image))
    if last is not None and last.done < last.total:
        yield Advanced(last.label, last.total, last.total)


def _tag_for_compose(client: "APIClient", image: str) -> None:
    """Let `docker compose up SERVICE` start the version that runs in this lab. Compose does not rebuild an
    image that exists, and an earlier version would not understand what this one keeps in Redis.
    """
    with map_docker_errors(f"the image {image} can't be tagged"):
        client.tag(image, REPOSITORY, COMPOSE_TAG)


def _forget_older(client: "APIClient", newest: str) -> None:
    """Remove the images of earlier versions, unless a container uses them."""
    from docker.errors import APIError

    kept = {newest, f"{REPOSITORY}:{COMPOSE_TAG}"}

    for image in client.images(name=REPOSITORY, filters={"label": labels.CONTEXT}):
        for name in image.get("RepoTags") or ():
            if name not in kept:
                with suppress(APIError):
                    client.remove_image(name)
    # Images that have lost their names: those that a build under the same name replaced, and stages;
    # of the stages, only the newest is useful, as the cache of the next build.
    lost = client.images(filters={"label": labels.CONTEXT, "dangling": True})
    stages = client.images(filters={"label": labels.STAGE, "dangling": True})
    stages.sort(key=lambda image: int(image["Created"]), reverse=True)
    for image in [*lost, *stages[1:]]:
        with suppress(APIError):
            client.remove_image(image["Id"])
