"""What the lab consists of. Imports nothing else of the stack."""
