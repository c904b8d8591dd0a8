"""The one thing that prometheus-client only reads from the environment."""

import os
from pathlib import Path


def keep_metrics_in(directory: Path) -> None:
    """Have prometheus-client keep the values of this process in files of this directory."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
