"""The stack: what the lab consists of, and the runtimes that start and break it."""
