"""How the command line works: options, context, signals, the session of one command."""
