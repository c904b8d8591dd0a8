"""Where compose.yaml lies; importing what writes it would take longer than printing it."""

from importlib.resources import files
from pathlib import Path


def compose_file() -> Path:
    """The file as it was delivered, beside what it mounts."""
    return Path(str(files("stack")), "compose.yaml")
