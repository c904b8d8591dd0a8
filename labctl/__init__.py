"""labctl: the command line, and the only part that knows Rich and Typer."""
