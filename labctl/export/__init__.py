"""Runs and demos as something to run without labctl's narration: a script, or a notebook."""
