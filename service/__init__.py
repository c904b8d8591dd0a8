"""The Flask API of the lab."""
