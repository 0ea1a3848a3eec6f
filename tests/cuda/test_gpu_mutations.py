"""What scripts/gpu_mutations.py plants, and how it tells what became of it; the mutants are run by hand."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/gpu_mutations.py"


@pytest.fixture(scope="module")
def mutations():
    spec = importlib.util.spec_from_file_location("gpu_mutations", SCRIPT)
    made = importlib.util.module_from_spec(spec)
    sys.modules["gpu_mutations"] = made  # dataclasses look their module up
    spec.loader.exec_module(made)
    return made


def test_every_kind_is_planted_in_kernels_and_builders(mutations):
    """Sixty and more, each at a place of its own, in sources as they are."""
    found = mutations.mutants()
    kinds = Counter(one.kind for one in found)
    assert len(found) >= 60
    assert {"modifier", "stride", "trip count", "constant", "barrier", "grid", "count", "stream"} <= set(kinds)
    assert len({(one.file, one.start, one.wrong) for one in found}) == len(found)
    for one in found:
        text = (mutations.PACKAGE / one.file).read_text("utf-8")
        assert one.applied(text) != text


def test_a_kernel_that_answers_otherwise_is_noticed_in_a_process_of_its_own(mutations):
    """The check of a broken kernel fails, that of the source as it is does not."""
    sys.path.insert(0, str(mutations.ROOT / "tests"))
    from hwbench.kernels import cuda

    source = cuda.source("device.sync")
    assert mutations.on_cpu("device.sync", source, ["mark", "step"]) == ""
    assert mutations.on_cpu("device.sync", source.replace("*to = *to + 1", "*to = *to + 2"), ["mark", "step"]) == "step"


def test_those_that_live_are_told_with_their_reasons(mutations):
    """A reason is found by file, line and what was planted; without one the table says so."""
    first, second = (mutations.Mutant(file, 11, 0, right, "", "barrier")
                     for file, right in (("benches/device/sync.cu", "__syncthreads();"), ("x.cu", "y")))  # fmt: skip
    told = mutations.table([mutations.Result(first, "lives", ""), mutations.Result(second, "lives", "")])
    assert "| barrier | 2 | 0 | 0 | 2 |" in told
    assert "the barrier is not needed |" in told
    assert told.endswith("| x.cu:11 `y` → `nothing` | NO REASON |")
