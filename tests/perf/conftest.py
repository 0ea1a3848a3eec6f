"""What tests of this folder share with those that `hwbench adopt` writes."""

from hwbench.suites.perf import contrasts, pytest_benchmark_update_machine_info

__all__ = ["contrasts", "pytest_benchmark_update_machine_info"]
