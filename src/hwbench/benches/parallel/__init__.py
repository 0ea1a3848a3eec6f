"""Threads: how loops scale, what starting one costs, false sharing, SMT."""
