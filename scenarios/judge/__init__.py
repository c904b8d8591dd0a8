"""The ledger, the final read and the verdict: pure data and pure functions."""
