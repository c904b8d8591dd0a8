"""Recorded runs: how a run is recorded, stored and shown again."""
