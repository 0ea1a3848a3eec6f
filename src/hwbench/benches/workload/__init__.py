"""TODO benches.workload."""
