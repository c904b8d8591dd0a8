"""Load: a generator that costs little, what it sends, and the scenarios that judge every answer."""
