"""Every bench under pytest-benchmark.

`pytest tests/perf --benchmark-only` measures: variants of one contrast in one group, rates and shares of the machine's
limits in `extra_info`. Without that option each case is built, checked against its reference and called once.
"""

from __future__ import annotations

import pytest

from hwbench.suites import perf

GROUPS = {}
CASES = [
    pytest.param(
        case, id=str(case), marks=pytest.mark.xdist_group(f"contrast {GROUPS.setdefault(id(case.group), len(GROUPS))}")
    )
    for case in perf.cases()
]


@perf.timed
@pytest.mark.parametrize("case", CASES)
def test_bench(benchmark, request, contrasts, case):
    """The variant gives the reference answer, and its times are recorded where measuring was asked for."""
    perf.check(benchmark, request, contrasts, case)
