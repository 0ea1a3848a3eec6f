"""Benches under other tools: pytest-benchmark and asv. `hwbench adopt` writes the few lines that a project needs."""
