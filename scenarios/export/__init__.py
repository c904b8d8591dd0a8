"""The demos and loads as shell commands that a person could type, step by step."""
