"""The benches: one topic a file. A file put here is found by the command line, asv, pytest-benchmark and the report."""
