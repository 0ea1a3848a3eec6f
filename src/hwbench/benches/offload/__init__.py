"""TODO benches.offload."""
