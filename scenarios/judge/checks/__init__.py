"""The checks that a verdict is made of: pure functions of one case, a file each."""
