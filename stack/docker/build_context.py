"""The build context of the API's and the worker's image: the same in a checkout and in an installation."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

#: Path in the build context and in a checkout.
DOCKERFILE: Final = "stack/assets/Dockerfile"
_FILES: Final = (DOCKERFILE, "stack/assets/requirements.txt")
_PACKAGES: Final = ("service", "worker")
_DIGITS: Final = 16


def context_files() -> Iterator[tuple[str, bytes]]:
    """The path in the context and the content of every file, in a fixed order."""
    root = Path(str(files("stack"))).parent
    for name in _FILES:
        yield name, (root / name).read_bytes()
    for package in _PACKAGES:
        directory = Path(str(files(package)))
        for path in sorted(directory.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{package}/{path.relative_to(directory).as_posix()}", path.read_bytes()


def context_hash() -> str:
    """A digest of the whole context, which tags the image: the same content is not built twice."""
    digest = hashlib.sha256()
    for name, content in context_files():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:_DIGITS]


def context_archive() -> io.BytesIO:
    """The context as a tar file. Equal contents give equal bytes: it has no times and no owners."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in context_files():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    archive.seek(0)
    return archive
