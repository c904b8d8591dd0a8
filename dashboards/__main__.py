"""Prints the dashboard that Grafana is given: its output is kept in the repository.

Example:
    python -m dashboards > stack/assets/grafana/provisioning/dashboards/write-behind.json
"""

import sys

from dashboards.write_behind import render

sys.stdout.write(render())
