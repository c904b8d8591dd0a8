"""Where the files that come with this package lie on this machine."""

from importlib.resources import files
from pathlib import Path


def asset_path(source: str) -> Path:
    """A file or directory below stack/."""
    return Path(str(files("stack")), source).resolve()


def compose_file() -> Path:
    """compose.yaml as it was delivered, beside what it mounts."""
    return asset_path("compose.yaml")
