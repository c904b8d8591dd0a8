"""What is watched while a scenario runs: Redis' memory, rows as they arrive, the live settings."""
