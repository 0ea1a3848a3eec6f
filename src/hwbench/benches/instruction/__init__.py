"""Latency and throughput of single instructions."""
