"""Expanding benches to cases, narrowing them from the command line, and what is said of names that do not exist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles.scripted import ScriptedDevice, scripted_bench
from hwbench.bench import Bench, Sweep, Threads
from hwbench.errors import UsageError
from hwbench.measurement import cases
from hwbench.measurement.cases import groups
from hwbench.record.model import key

SPREAD = ScriptedDevice().spread


def expand(*chosen: Bench, **more):
    return groups(chosen, devices={"cpu": "cpu"}, spread=SPREAD, **more)


def labels(found):
    return [case.label.partition("/")[2] for group in found for case in group.cases]


def test_every_combination_is_a_case_and_a_contrast_a_group(benches):
    """2 sizes × 2 dtypes are four contrasts of two variants."""
    found = expand(benches["access.steps"])
    assert [len(group.cases) for group in found] == [2] * 4
    assert labels(found)[:3] == ["fast [L1, f8]", "slow [L1, f8]", "fast [L1, f4]"]
    assert [len(group.cases) for group in expand(benches["access.steps"], preset="quick")] == [2, 2]


def test_sweeps_and_threads_are_spread_out_and_counted_once(benches):
    """The sweep's cases come after the grid's, and a case of both is one case."""
    found = labels(expand(benches["sweep.sizes"]))
    assert found[:4] == ["loop [L1, 1]", "simd [L1, 1]", "loop [L1, 2]", "simd [L1, 2]"]
    assert found[4:7] == ["simd [4KiB, 1]", "simd [6KiB, 1]", "simd [8KiB, 1]"]
    assert len(found) == len(set(found))


def test_axes_taken_together_are_one_group():
    """Where a speed-up is asked for, all thread counts are measured interleaved."""
    bench = scripted_bench({"a": 1.0, "b": 1.0}, axes={"size": ("L1", "L2"), "threads": (1, 2)}, together=("threads",))
    assert [len(group.cases) for group in expand(bench)] == [4, 4]


def test_params_narrow_and_set_axes(benches):
    """A value of the standard set narrows to it; another size or thread count is measured instead."""
    steps = benches["access.steps"]
    assert labels(expand(steps, params={"size": ["L2"], "dtype": ["f4"]})) == ["fast [L2, f4]", "slow [L2, f4]"]
    assert labels(expand(steps, params={"size": ["3MB"], "dtype": ["f8"]}))[0] == "fast [3000000B, f8]"
    assert labels(expand(benches["sweep.sizes"], params={"size": ["L1"], "threads": ["2"]})) == [
        "loop [L1, 2]",
        "simd [L1, 2]",
    ]


def test_one_size_written_twice_is_one_case(benches):
    """4096, 4KiB and 4096 B are the same case, under the name that a sweep would give it."""
    found = expand(benches["access.steps"], params={"size": ["4096", "4KiB", "4096 B"], "dtype": ["f8"]})
    assert labels(found) == ["fast [4KiB, f8]", "slow [4KiB, f8]"]


def test_a_value_from_the_command_line_is_the_bench_s_own(benches):
    """`share=0.5` is the number that the axis states, not the text."""
    [group] = expand(benches["access.share"], params={"share": ["0.5"]})
    assert group.cases[0].params == {"share": 0.5}
    plain = {key(case) for group in expand(benches["access.share"]) for case in group.cases}
    assert key(group.cases[0]) in plain


def test_a_bench_without_the_axis_is_left_out(benches):
    """`--param dtype=f8` measures what has a dtype."""
    assert {group.bench.name for group in expand(*benches.values(), params={"dtype": ["f8"]})} == {"access.steps"}


def test_a_size_that_no_bench_takes_is_refused():
    """What one of several takes is measured; the others skip their cases."""
    small = scripted_bench({"a": 1.0}, axes={"size": ("L1",)}, least=4096)
    large = scripted_bench({"a": 1.0}, axes={"size": ("L1",)}, least=2**20)
    assert len(expand(small, large, params={"size": ["4KiB"]})) == 2
    with pytest.raises(UsageError, match="size: '100' is too small; give 4 KiB at least"):
        expand(small, large, params={"size": ["100"]})


def test_axes_that_no_bench_has_together_are_named():
    """Each is had by a selected bench: the message says by which."""
    one, two = (scripted_bench({"a": 1.0}, name=name, axes={axis: (1,)}) for name, axis in (("x.a", "n"), ("x.b", "k")))
    with pytest.raises(UsageError, match=r"no selected bench has both axes n and k \(n: x.a; k: x.b\); measure them"):
        expand(one, two, params={"n": ["1"], "k": ["1"]})


def test_variants_are_narrowed(benches):
    """Only the named variants, wherever they are."""
    found = expand(*benches.values(), variants=["fast"])
    assert {case.variant for group in found for case in group.cases} == {"fast"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"params": {"sise": ["L1"]}}, "no selected bench has an axis 'sise'; did you mean size?"),
        ({"params": {"dtype": ["f16"]}}, "axis 'dtype' has no value 'f16'; known: f8, f4"),
        (
            {"params": {"size": ["L9"]}},
            "size: 'L9' is not a quantity such as 24KiB, 3MB or 1e6, nor one of L1, L2, L3, DRAM",
        ),
        (
            {"params": {"size": ["1e30"]}},
            "size: '1e30' is too large; name a quantity such as 24KiB, or one of L1, L2, L3, DRAM",
        ),
        ({"params": {"size": ["0"]}}, "size: '0' is not at least 1 byte"),
        ({"params": {"size": ["-5"]}}, "'-5' is not a quantity"),
        ({"params": {"size": ["1e400"]}}, "'1e400' is too large"),
        ({"params": {"threads": ["0"]}}, "axis 'threads' has no value '0'"),
        ({"params": {"threads": ["-1"]}}, "axis 'threads' has no value '-1'"),
        ({"params": {"threads": ["²"]}}, "axis 'threads' has no value '²'"),
        ({"params": {"threads": ["٣"]}}, "axis 'threads' has no value '٣'"),
        ({"params": {"threads": ["9" * 5000]}}, "axis 'threads' has no value"),
        ({"params": {"share": ["0.7"]}}, "axis 'share' has no value '0.7'"),
        ({"variants": ["fats"]}, "no selected bench has a variant 'fats'; did you mean fast?"),
        ({"params": {"dtype": ["f8"], "share": ["0.5"]}}, "no selected bench has both axes dtype and share"),
    ],
)
def test_what_does_not_exist_is_told_with_the_nearest(benches, more, message):
    """Axes, values and variants: one line, nothing measured."""
    with pytest.raises(UsageError) as error:
        expand(*benches.values(), **more)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"), [("0", "n: '0' is not at least 1"), ("x", "n: 'x' is not a quantity"), ("1e400", "too large")]
)
def test_counts_of_elements_are_quantities(text, message):
    """`n=1e6` is a million; 0, words and the endless are refused."""
    bench = scripted_bench({"a": 1.0}, axes={"n": (10,)})
    assert expand(bench, params={"n": ["1e6"]})[0].cases[0].params == {"n": 1_000_000}
    with pytest.raises(UsageError, match=message):
        expand(bench, params={"n": [text]})


def test_variants_of_another_device_have_no_cases():
    """A GPU's variant is measured on a GPU only; a bench of which nothing is left is no group."""
    bench = scripted_bench({"a": 1.0}, axes={"n": (1,)})
    bench.variant("cupy", on="gpu")(lambda: None)
    assert labels(expand(bench)) == ["a [1]"]
    both = groups([bench], devices={"cpu": "cpu", "gpu:0": "gpu"}, spread=SPREAD)
    assert [case.device for group in both for case in group.cases] == ["cpu", "gpu:0"]
    with pytest.raises(UsageError, match="nothing to measure on cpu"):
        expand(bench, variants=["cupy"])


AXIS = st.one_of(
    st.lists(st.sampled_from(["L1", "L2", "4KiB", "x", 1, 2, 0.5]), min_size=1, max_size=4).map(tuple),
    st.just((Threads(), 1)), st.just((Sweep(4096, "L1", 2), "L1")),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), AXIS, max_size=3), st.integers(1, 3), st.data())
def test_expansion_has_each_combination_exactly_once(axes, variants, data):
    """Whatever the axes: no case twice, every variant in every group, groups uniform but for what is taken together."""
    together = tuple(data.draw(st.lists(st.sampled_from([*axes, "none"]), unique=True)))
    bench = scripted_bench({f"v{i}": 1.0 for i in range(variants)}, axes=axes, together=together)
    found = expand(bench)
    keys = [key(case) for group in found for case in group.cases]
    expected = variants
    for values in axes.values():
        expected *= len(cases.plain_values(values, SPREAD))
    assert len(keys) == len(set(keys)) == expected
    for group in found:
        apart = {tuple((a, v) for a, v in case.params.items() if a not in together) for case in group.cases}
        assert len(apart) == 1
        assert {case.variant for case in group.cases} == set(bench.variants)


def test_every_further_gpu_has_groups_of_its_own():
    """The telemetry of a group is that of the host and one GPU."""
    bench = scripted_bench({"numpy": 1.0}, axes={"n": (1,)})
    bench.variant("cupy", on="gpu")(lambda: None)
    found = groups([bench], devices={"cpu": "cpu", "gpu:0": "gpu", "gpu:1": "gpu"}, spread=SPREAD)
    assert [[case.device for case in group.cases] for group in found] == [["cpu", "gpu:0"], ["gpu:1"]]
