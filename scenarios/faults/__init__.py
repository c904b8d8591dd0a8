"""Faults on purpose: the language they are given in, their injection, and the receipts that prove them."""
