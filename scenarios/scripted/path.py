"""Tells scenario files from demos, without reading any."""


def is_path(word: str) -> bool:
    """Whether a word is meant as the path of a scenario file, and not as a demo's name."""
    return "/" in word or word.endswith((".yaml", ".yml"))
