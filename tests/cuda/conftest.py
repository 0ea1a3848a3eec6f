"""The kernels' tests need NVIDIA's compiler and g++, which the tox environment `gpu` has; no GPU, no driver.

Elsewhere they are skipped with the reason. With HWBENCH_NO_SKIPS in the environment they fail instead.
"""

from __future__ import annotations

import os

import pytest

from doubles import on_cpu
from inspection import nvrtc, sass


def pytest_runtest_setup() -> None:
    lacking = nvrtc.lacking() or sass.lacking() or on_cpu.lacking()
    if lacking and os.environ.get("HWBENCH_NO_SKIPS"):
        pytest.fail(lacking, pytrace=False)
    if lacking:
        pytest.skip(lacking)


def pytest_itemcollected(item: pytest.Item) -> None:
    """One process takes a file, whose kernels it compiles once; what nvcc builds goes to whichever is free."""
    if "nvcc_builds" not in item.name:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))
