"""Tells whoever shows the lab what a run does, while it does it: the lab's own page, and Grafana."""
