"""The journal: all that happened in one run, as JSON Lines, written as the run goes and judged from again."""
