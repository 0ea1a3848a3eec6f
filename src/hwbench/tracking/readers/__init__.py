"""One reader for each source of results: runs of hwbench, asv's results, pytest-benchmark's files."""
