"""The commands of labctl, a file each."""
