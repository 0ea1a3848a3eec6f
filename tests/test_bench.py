"""How benches are written: functions get what they name, and mistakes are told to whoever makes them."""

import math
import re

import numpy as np
import pytest

from doubles.scripted import scripted_work
from hwbench.bench import Bench, Work, supply
from hwbench.record.model import Answer, BenchInfo
from hwbench.record.reasons import Reason


def test_functions_get_axes_by_name_and_inputs_in_order():
    """`b` and `x` are no axes, so they are the first and second input."""

    def build(b, size, x, device):
        return (b, size, x, device)

    assert supply(build, {"size": 8, "device": "d", "n": 3}, ("in1", "in2")) == ("in1", 8, "in2", "d")


def test_defaults_are_left_alone():
    """A parameter with a default that nothing answers keeps it."""
    assert supply(lambda a, b=5: (a, b), {"a": 1}) == (1, 5)


def test_a_parameter_that_nothing_answers_is_named():
    """A misspelt axis is a TypeError that says which function asks for what."""

    def build(sise):
        return sise

    with pytest.raises(TypeError, match=r"test_bench\..*build asks for 'sise', which is no axis and no input"):
        supply(build, {"size": 1})


def test_a_builder_must_give_work():
    """A forgotten return is told as such."""
    bench = Bench("a.b", question="?", axes={}, baseline="x")
    bench.variant("x")(lambda: None)
    with pytest.raises(TypeError, match=r"a\.b/x built NoneType, not Work"):
        bench.build("x", {})


def test_a_missing_hook_is_named():
    """A bench without a reference says so, and does not pass as checked."""
    with pytest.raises(TypeError, match=r"a\.b has no @reference"):
        Bench("a.b", question="?", axes={}, baseline="x").ask("reference", {})


@pytest.mark.parametrize(
    ("counts", "message"),
    [({"bytes": 1, "words": 2}, "counts words; known are bytes"), ({"flops": math.nan}, "nan flops"),
     ({"bytes": -1}, "-1 bytes"), ({"hops": math.inf}, "inf hops")],
)  # fmt: skip
def test_counts_that_are_no_amount_of_work_are_refused(counts, message):
    """Unknown names, NaN and negative amounts would make a run file that cannot be read."""
    bench = Bench("a.b", question="?", axes={}, baseline="x")
    bench.counts(lambda: counts)
    with pytest.raises(ValueError, match=message):
        bench.count({})


def test_counts_become_floats_and_may_be_none():
    """NumPy's integers are numbers like any other; a bench without counts has none."""
    bench = Bench("a.b", question="?", axes={}, baseline="x")
    assert bench.count({}) == {}
    bench.counts(lambda a: {"bytes": np.int64(a.nbytes)})
    assert bench.count({}, (np.zeros(4),)) == {"bytes": 32.0}
    assert type(bench.count({}, (np.zeros(4),))["bytes"]) is float


def test_inputs_are_always_a_tuple():
    """One array, several or none: builders get them in order."""
    bench = Bench("a.b", question="?", axes={}, baseline="x")
    assert bench.make_inputs({}) == ()
    bench.inputs(lambda: 1)
    assert bench.make_inputs({}) == (1,)
    bench.inputs(lambda: (1, 2))
    assert bench.make_inputs({}) == (1, 2)


def test_presets_override_axes_and_quick_leaves_the_sweeps_out():
    """Standard is the axes and every sweep; quick the axes with its own values, without sweeps; full has all."""
    bench = Bench("a.b", question="?", axes={"size": ("L1", "L2"), "n": (1,)}, baseline="x",
                  sweeps=({"n": (1, 2), "variant": "x"},), full_sweeps=({"n": (3,), "variant": "y"},),
                  quick={"size": ("L1",)}, full={"n": (9,)})  # fmt: skip
    bench.variant("x")(lambda: scripted_work(1.0))
    bench.variant("y")(lambda: scripted_work(1.0))
    assert bench.grids("quick") == [{"variant": ("x", "y"), "size": ("L1",), "n": (1,)}]
    assert bench.grids("standard") == [
        {"variant": ("x", "y"), "size": ("L1", "L2"), "n": (1,)},
        {"variant": "x", "size": ("L1", "L2"), "n": (1, 2)},
    ]
    assert [(grid["variant"], grid["n"]) for grid in bench.grids("full")] == [
        (("x", "y"), (9,)), ("x", (1, 2)), ("y", (3,)),
    ]  # fmt: skip


def test_a_variant_says_what_it_needs_and_is():
    """`needs` is asked with the axis values; the summary is the docstring's first line."""
    bench = Bench("a.b", question="?", axes={}, baseline="x")

    @bench.variant("x", needs=lambda size: Reason("needs_cpus", "needs more") if size > 1 else None)
    def x() -> Work:
        """Do it.

        More.
        """
        return Work(lambda: 1)

    assert bench.variants["x"].summary == "Do it."
    assert bench.lacks("x", {"size": 2}) == Reason("needs_cpus", "needs more")
    assert bench.lacks("x", {"size": 1}) is None
    assert bench.topic == "a"


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"measures": "laod"}, "a.b measures 'laod', which nothing reads; did you mean 'load'?"),
        ({"measures": "9"}, "a.b measures '9', which nothing reads; known are load, "),
        ({"leading": "bits"}, "a.b leads with 'bits'; known are bytes, "),
        ({"where": {"order": "random"}}, "a.b has no axis 'order', which where= names"),
        ({"words": {"variant": "way"}}, "a.b has no axis 'variant', which words= names"),
    ],
)
def test_a_declaration_that_nothing_can_read_is_an_error_where_the_bench_is_defined(declared, said):
    """One line: which bench, what is wrong, and what is known."""
    with pytest.raises(ValueError, match=re.escape(said)):
        Bench("a.b", question="?", axes={"n": (1,)}, baseline="x", **declared)


def test_a_bench_tells_a_run_file_what_it_declares():
    """Variants in their order, and each axis with its name in words."""
    bench = Bench(
        "a.b", question="?", axes={"n": (1,), "k": (1,)}, baseline="x", limit="load", measures="load",
        where={"variant": "x", "k": 1}, leading="bytes", words={"k": "stride, elements"},
        answers=(Answer("depth", "d"),),
    )  # fmt: skip
    bench.variant("x")(lambda: Work(print))
    assert bench.info == BenchInfo(
        "?",
        "x",
        "load",
        "load",
        {"variant": "x", "k": 1},
        "bytes",
        ["x"],
        {"n": "n", "k": "stride, elements"},
        [Answer("depth", "d")],
    )
