"""What is watched while a scenario runs: Redis's memory, rows as they arrive, the live settings."""
