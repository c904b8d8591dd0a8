"""Scenarios: scripted, narrated measurements of a lab. They yield events and never print."""
