"""The figures of a run, computed from its journal: named, with units, and with their uncertainty."""
