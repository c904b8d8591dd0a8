"""What the lab's page shows while the lab runs: samples, marks of runs, and the stream that carries both."""
