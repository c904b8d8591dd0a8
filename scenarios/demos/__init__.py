"""The runbook's parts as demos, a file each."""
