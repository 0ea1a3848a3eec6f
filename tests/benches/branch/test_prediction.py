"""Branches: the same elements in two orders, the share that is taken, and the price of a misprediction."""

import re

import msgspec
import numpy as np
import pytest

from hwbench.benches.branch import prediction
from inspection import listing
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

BENCH = prediction.bench
VARIANTS = ("sorted", "shuffled", "branch-free")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("n", [1, 2, 1000, 2**14])
@pytest.mark.parametrize("variant", VARIANTS)
def test_all_add_the_same(variant, n, share):
    """Every variant gives NumPy's sum of the elements from the threshold on."""
    assert verdict(BENCH, variant, {"n": n, "share": share}) == ""


@pytest.mark.parametrize("variant", VARIANTS)
def test_passes_do_not_add_up(variant):
    """Many passes give the sum of one: each begins anew."""
    work, (a,) = work_of(BENCH, variant, {"n": 100, "share": 0.5})
    assert work.repeat(7) == work.call() == prediction.reference(a)


def test_another_threshold_is_caught(monkeypatch):
    """A kernel that leaves out the elements at the threshold gives another sum."""
    monkeypatch.setattr(prediction, "add_if", lambda address, n, passes: prediction.add_either(address, n - 1, passes))
    assert "differs" in verdict(BENCH, "shuffled", {"n": 64, "share": 1.0})


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999, 1.0])
def test_the_share_is_exact(share):
    """So many elements are from the threshold on, and the record says which share that is."""
    work, (a,) = work_of(BENCH, "shuffled", {"n": 1000, "share": share})
    assert int((a >= prediction.THRESHOLD).sum()) == round(1000 * share)
    assert work.facts["taken"] == pytest.approx(share)


def test_shuffled_is_in_random_order():
    """The outcomes of neighbours are independent: a change of way in half of the steps, in sorted order one."""
    a = prediction.elements(np.random.default_rng(1), 2**16, 0.5)
    taken = a >= prediction.THRESHOLD
    assert 0.48 < (taken[1:] != taken[:-1]).mean() < 0.52
    ordered = np.sort(a) >= prediction.THRESHOLD
    assert (ordered[1:] != ordered[:-1]).sum() == 1


@pytest.mark.parametrize("text", ["-0.1", "1.1", "nan", "inf", "half", ""])
def test_what_is_no_share_is_refused(text):
    """A share lies between 0 and 1; anything else is named in one line."""
    with pytest.raises(ValueError, match="is no share between 0 and 1"):
        prediction.share_of(text)
    assert prediction.share_of("0.3") == 0.3


def made_up(*rows, clock=None):
    read = reading(BENCH, [(v, {"share": p, "n": 1000}, ns * 1e-6) for v, p, ns in rows], {"items": 1000})
    telemetry = {"clock_hz": [clock] * 10} if clock else {}
    read.records = [
        msgspec.structs.replace(r, facts={"taken": r.params["share"]}, telemetry=telemetry) for r in read.records
    ]
    return read


def test_the_price_is_what_a_wrong_guess_adds():
    """At one half every second branch is mispredicted: 3 ns more an element are 6 ns each, 24 cycles at 4 GHz."""
    rows = (("sorted", 0.5, 1.0), ("shuffled", 0.5, 4.0), ("branch-free", 0.5, 2.0))
    read = made_up(*rows, ("sorted", 0.0, 1.0), ("shuffled", 0.0, 1.0), clock=4e9)
    assert said(spread(read)) == [
        "A mispredicted branch costs 6.00 ns (…), 24.0 cycles at 4.00 GHz during this case: with 50% of the branches "
        "taken in random order, the loop (1 thread) is 4.00× slower than over sorted data (…).",
        "The branch-free loop (1 thread) is 2.00× faster than the mispredicted branch (…) and 2.00× slower than the "
        "predicted branch (…).",
    ]
    assert [one.endswith(STOLEN) for one in said(doubt(read, "branch-free"))] == [False, True]


def test_without_a_clock_no_cycles_are_told():
    """At one tenth the better guess is wrong for one in ten: 0.5 ns more an element are 5 ns each."""
    [told] = said(spread(made_up(("sorted", 0.1, 1.0), ("shuffled", 0.1, 1.5))))
    assert told.startswith("A mispredicted branch costs 5.00 ns (…): with 10% of the branches taken")


def test_a_branch_that_never_changes_has_no_price():
    """With nothing mispredicted there is nothing to say."""
    assert list(BENCH.hooks["finding"](made_up(("sorted", 0.0, 1.0), ("shuffled", 0.0, 1.0)))) == []


# --- machine code -----------------------------------------------------------------------------------------------------


@listing.needs_x86
def test_the_branch_stays_and_the_other_kernel_has_none():
    """One byte is loaded an element; the first kernel jumps around its addition, the second only back to its start."""
    jumping, free = (
        listing.assembly(k, None, (listing.INT, listing.INT, listing.INT))
        for k in (prediction.add_if, prediction.add_either)
    )
    for code in (jumping, free):
        assert listing.count(code, r"^movz?x?bl\s+\(") == 1, "no vectors, not unrolled"
    [body] = [body for body in listing.loops(free) if listing.count(body, r"^movz?x?bl\s+\(")]
    assert listing.count(body, r"^j") == 1
    start = next(i for i, line in enumerate(jumping) if re.match(r"movz?x?bl\s+\(", line))
    around = jumping[start : start + 5]
    assert [line.split()[0][0] for line in around].count("j") == 1, around
    assert listing.count(jumping, r"^(cmov|sar|sbb|set)") == 0


def test_arm_keeps_the_branch_too():
    """On AArch64 the first kernel tests and branches, the second masks or selects."""
    jumping, free = (
        listing.for_arm(k, None, (listing.INT, listing.INT, listing.INT))
        for k in (prediction.add_if, prediction.add_either)
    )
    assert listing.count(jumping, r"^tbn?z\s+w\d+, #(7|31)|^b\.(lt|ge|lo|hs|mi|pl|le|gt)") >= 1
    [body] = [body for body in listing.loops(free) if listing.count(body, r"^ldr\w*b\s")]
    assert listing.count(body, r"^(b\.|cb|tb)") == 1
