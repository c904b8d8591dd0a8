"""The RQ worker that flushes pending writes into PostgreSQL."""
