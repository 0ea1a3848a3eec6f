"""Tests lie where the source lies: `src/hwbench/a/b.py` has its tests in `tests/a/test_b.py`, and none is left over."""

from __future__ import annotations

from pathlib import Path

import pytest

import hwbench

PACKAGE = Path(hwbench.__file__).parent
TESTS = Path(__file__).parent
# Modules without a file of their own, each with where they are tested.
ELSEWHERE = {
    "__main__.py": "end_to_end/test_command.py starts it",
    "protocols.py": "mypy checks it: it has no behaviour",
}
# Tests of several modules: the whole command, a folder, files of other projects, kernels without a device.
WHOLE = (
    "benches/test_blas_threads",
    "benches/test_gpu",
    "benches/test_marks",
    "browser",
    "cuda",
    "devices/test_gpu_contrasts",
    "end_to_end",
    "gpu",
    "perf",
    "tracking/test_compare",
    "tracking/readers/test_foreign",
)
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_its_tests(module):
    """A module's tests bear its name, in the folder of its name."""
    if str(module) in ELSEWHERE:
        return
    path = TESTS / module.parent / f"test_{module.name.removeprefix('_')}"
    assert path.exists(), f"no {path.relative_to(TESTS.parent)}"


def test_no_tests_are_left_over():
    """A file of tests below a package's folder names one of its modules."""
    packages = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    left = []
    for path in TESTS.rglob("test_*.py"):
        place = path.relative_to(TESTS)
        if place.parts[0] not in packages or str(place).startswith(WHOLE):
            continue
        name = place.name.removeprefix("test_")
        if not any((PACKAGE / place.parent / one).exists() for one in (name, f"_{name}")):
            left.append(str(place))
    assert not left


def test_what_is_listed_as_tested_elsewhere_exists():
    """The list of exceptions goes with the source."""
    assert {str(module) for module in MODULES} >= set(ELSEWHERE)
