"""From what is to what should be: plan, execute, wait until healthy."""
