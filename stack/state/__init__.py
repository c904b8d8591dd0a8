"""What is remembered of a lab, on disk."""
