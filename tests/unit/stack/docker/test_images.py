"""What is reported about a download."""

from collections.abc import Iterator
from typing import Any

import pytest

from stack.docker import build_context as docker_context
from stack.docker.build_context import context_files
from stack.docker.images import own_image, progress
from stack.errors import EnvironmentFault
from stack.spec.events import Advanced


def _layer(name: str, current: int, total: int, status: str = "Downloading") -> dict[str, Any]:
    detail = {"current": current, "total": total}
    return {"status": status, "id": name, "progressDetail": detail}


def test_layers_are_told_as_one() -> None:
    messages: Iterator[dict[str, Any]] = iter(
        [
            {"status": "Pulling from library/redis"},
            _layer("a", 5_000_000, 10_000_000),
            _layer("a", 5_100_000, 10_000_000),
            _layer("b", 0, 10_000_000),
            {"status": "Download complete", "id": "a"},
            _layer("b", 10_000_000, 10_000_000),
            _layer("a", 9_000_000, 10_000_000, "Extracting"),
        ]
    )
    assert list(progress(messages, "redis:8")) == [
        Advanced("MB of redis:8 downloaded", 5, 10),
        Advanced("MB of redis:8 downloaded", 5, 20),
        Advanced("MB of redis:8 downloaded", 15, 20),
        Advanced("MB of redis:8 unpacked", 9, 10),
        Advanced("MB of redis:8 unpacked", 10, 10),
    ]


def test_an_error_in_the_stream_is_no_success() -> None:
    messages = iter([{"error": "manifest unknown"}])
    with pytest.raises(EnvironmentFault, match="redis:8 can't be pulled: manifest unknown"):
        list(progress(messages, "redis:8"))


def test_the_tag_is_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another byte in any file makes another image; the same bytes need no second build."""
    files = dict(context_files())
    tags = {own_image()}
    for changed in ({}, *({name: content + b"#"} for name, content in files.items())):
        content = files | changed
        monkeypatch.setattr(docker_context, "context_files", content.items)
        tags.add(own_image())
    assert len(tags) == 1 + len(files)
    assert all(tag.startswith("write-behind-lab:") for tag in tags)
