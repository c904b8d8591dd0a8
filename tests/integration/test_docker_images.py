"""Pulls and builds by a real engine."""

import uuid
from collections.abc import Iterator
from contextlib import closing, suppress

import docker
import pytest
from docker.errors import ImageNotFound

from stack.docker import images as docker_images
from stack.docker import labels as docker_labels
from stack.docker.build_context import DOCKERFILE, context_files
from stack.docker.containers import container_of
from stack.docker.images import DockerImages, own_image
from stack.errors import EnvironmentFault
from stack.settings import StackSettings
from stack.spec.container import COMPOSE_TAG
from stack.spec.events import Advanced, StackEvent, StackNoted
from stack.spec.services import K6
from tests.integration.registry import serving

pytestmark = pytest.mark.docker


@pytest.fixture
def client(engine: str) -> Iterator[docker.DockerClient]:
    with closing(docker.from_env()) as client:
        yield client


def _ensure_images(image: str) -> list[StackEvent]:
    return list(DockerImages(StackSettings.from_env()).ensure(image))


def test_an_image_is_pulled_once_and_its_progress_shown(client: docker.DockerClient) -> None:
    with serving() as image:
        try:
            events = _ensure_images(image)
            assert image in client.images.get(image).tags
            assert _ensure_images(image) == []
        finally:
            with suppress(ImageNotFound):
                client.images.remove(image)
    assert (events[0], events[-1]) == (StackNoted(f"pulling {image}"), StackNoted(f"pulled {image}"))
    progress = [event for event in events if isinstance(event, Advanced)]
    assert progress
    assert progress[-1].done == progress[-1].total
    assert all(0 <= event.done <= event.total for event in progress)


def test_compose_starts_the_image_that_the_lab_runs(client: docker.DockerClient) -> None:
    _ensure_images(own_image())
    stale = f"{docker_images.REPOSITORY}:{COMPOSE_TAG}"
    # An earlier version may have left one like this.
    client.images.get(container_of(K6).image).tag(stale)
    _ensure_images(own_image())
    assert client.images.get(stale).id == client.images.get(own_image()).id


def test_a_layer_that_is_not_what_was_promised_fails_the_pull(client: docker.DockerClient) -> None:
    with serving(spoilt=True) as image:
        with pytest.raises(EnvironmentFault, match=f"the image {image} can't be pulled: .*") as caught:
            _ensure_images(image)
        with pytest.raises(ImageNotFound):
            client.images.get(image)
    assert f"docker pull {image}" in caught.value.hint


def test_an_image_that_the_registry_does_not_have(engine: str) -> None:
    with serving() as image:
        pass
    # Nothing listens there any more.
    with pytest.raises(EnvironmentFault, match=f"the image {image} can't be pulled"):
        _ensure_images(image)


@pytest.fixture
def own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images of the test's own, so it removes none that other tests need."""
    mark = uuid.uuid4().hex[:8]
    monkeypatch.setattr(docker_images, "REPOSITORY", f"write-behind-lab-{mark}")
    monkeypatch.setattr(docker_labels, "CONTEXT", f"labctl.cli.context-{mark}")
    monkeypatch.setattr(docker_labels, "STAGE", f"labctl.stage-{mark}")


def test_builds_leave_one_cache_behind_them(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, own_names: None
) -> None:
    """Each changed context makes another image; replaced images are removed."""
    base, *_ = dict(context_files())[DOCKERFILE].split(b"FROM")
    for number in range(3):
        words = f"FROM ${{BASE}}\nLABEL {docker_labels.STAGE}=build\nRUN echo {number}\n".encode()
        files = {DOCKERFILE: base + words + b"FROM ${BASE}\nRUN true\n", "number": str(number).encode()}
        monkeypatch.setattr(
            "stack.docker.build_context.context_files", lambda files=files: iter(files.items())
        )
        _ensure_images(own_image())
    stages = client.images.list(filters={"label": docker_labels.STAGE, "dangling": True})
    built = client.images.list(filters={"label": docker_labels.CONTEXT})
    try:
        assert len(stages) == 1
        names = {own_image(), f"{docker_images.REPOSITORY}:{COMPOSE_TAG}"}
        assert [set(image.tags) for image in built] == [names]
    finally:
        for image in (*built, *stages):
            client.images.remove(str(image.id), force=True)


def test_a_build_that_fails_ends_with_its_last_words(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, *_ = dict(context_files())[DOCKERFILE].split(b"FROM")
    files = {DOCKERFILE: base + b"FROM ${BASE}\nRUN echo words before the end && false\n"}
    monkeypatch.setattr("stack.docker.build_context.context_files", lambda: iter(files.items()))
    image = own_image()
    with pytest.raises(EnvironmentFault, match="words before the end") as caught:
        _ensure_images(image)
    assert "LABCTL_BUILD_NETWORK" in caught.value.hint
    with pytest.raises(ImageNotFound):
        client.images.get(image)
