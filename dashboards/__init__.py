"""The lab's Grafana dashboards, as code: `python -m dashboards` prints the one there is."""
