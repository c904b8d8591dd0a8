"""What the lab tells of itself: metrics, traces, logs."""
