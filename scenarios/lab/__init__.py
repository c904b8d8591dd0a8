"""What a scenario works with: one lab's API, databases and ledger."""
