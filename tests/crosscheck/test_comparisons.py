"""What is compared with what."""

import types
from contextlib import ExitStack

import pytest

from hwbench.bench import Skip
from hwbench.crosscheck import comparisons
from hwbench.host.opencl_probe import Found, OpenCls


def test_every_comparison_has_a_case_of_ours(device):
    """Names are unlike, variants exist, and each tool is there."""
    found = comparisons.cells(device, "4K", None)
    assert len({cell.name for cell in found}) == len(found)
    assert all(cell.variant in cell.bench.variants for cell in found)
    assert {cell.tool for cell in found} - {comparisons.OWN} == {
        "likwid-bench", "clock", "C loop", "C threads", "C, empty region", "C with OpenMP", "STREAM", "mbw",
        "clpeak",
    }  # fmt: skip
    assert set(comparisons.KERNELS[0][3]) < set(comparisons.LEVELS)


def test_what_is_not_selected_is_a_sample_with_nearly_every_tool_and_level(device):
    """Less than six in ten: caches on one thread, memory on all, a chase at each level."""
    found = comparisons.cells(device, "4K", None)
    sampled = [cell for cell in found if cell.sampled]
    assert len(sampled) <= 0.6 * len(found)
    # clpeak takes minutes where OpenCL runs on the CPU: who wants it names it.
    assert {cell.tool for cell in sampled} == {cell.tool for cell in found} - {"clpeak", comparisons.OWN}
    for test in ("load", "store", "copy", "stream", "chase.c"):
        assert {cell.params["size"] for cell in sampled if cell.test == test} == set(comparisons.LEVELS)
    assert {cell.variant for cell in sampled if cell.test == "bounce.c"} == {"store", "exchange"}


@pytest.mark.parametrize(("rate", "units"), [(1.0, 1), (1.98, 2)])
def test_the_peak_is_compared_with_what_its_units_do_at_the_clock(device, monkeypatch, rate, units):
    """Units are as many as the peak takes; each sample of the other side is of a clock found beside as many."""
    cell = next(cell for cell in comparisons.cells(device, "4K", None) if cell.tool == "clock")
    if reason := cell.bench.lacks(cell.variant, {"chains": 12}):
        pytest.skip(str(reason))
    lanes = int(cell.variant) // 64
    asked = []

    class Scripted:
        """At 1 GHz, with so many multiply-adds a cycle."""

        def __init__(self, _device, bench, _variant, values, _seconds):
            self.clock = bench is not cell.bench
            self.counts = {"flops": 2e9}
            if self.clock:
                asked.append(values["units"])

        def __call__(self):
            return 7 * 2048 / 1e9 if self.clock else 2e9 / (2 * lanes * rate * 1e9)

    monkeypatch.setattr(comparisons, "Ours", Scripted)
    with ExitStack() as stack:
        pair = cell.prepare(cell, device, device.resolve(cell.params), 0.01, stack)
    assert pair.theirs() / pair.ours() == pytest.approx(rate / units)
    assert asked == [1, 2][:units]
    assert pair.facts == {"threads": 1, "units": units}
    assert f"{units} unit" in pair.command


def test_opencl_on_this_cpu_is_compared_with_the_cpus_kernels(device, monkeypatch):
    """Each with its counterpart, by the same bytes or operations; a device that is another is compared with none."""
    cpu, card = (Found(place=(0, 0), name=kind, platform="p", type=kind, doubles=True) for kind in ("CPU", "GPU"))
    monkeypatch.setattr(comparisons.opencl_probe, "probe", lambda: OpenCls("ok", devices=(card, cpu)))
    cells = [cell for cell in comparisons.cells(device, "4K", None) if cell.tool == comparisons.OWN]
    assert {cell.params["device"] for cell in cells} == {"opencl:1"}
    assert [(cell.params.get("kernel") or cell.params["dtype"], cell.test.partition("/")[0]) for cell in cells] == [
        ("read", "stream.load"), ("write", "stream.store"), ("copy", "stream.copy"), ("triad", "stream.triad"),
        ("f4", "peak.fma"), ("f8", "peak.fma"),
    ]  # fmt: skip

    class Scripted:
        """Ours moves 100 bytes a second, the CPU's kernel 50; a call of it moves 10."""

        def __init__(self, on, bench, _variant, values, _seconds):
            self.own = on is device
            assert values["dtype"] if self.own else values["size"] == 64
            self.counts = {"bytes": 10.0 if self.own else 1000.0}

        def __call__(self):
            return 0.2 if self.own else 10.0

    on_card = types.SimpleNamespace(resolve=lambda params: params | {"size": 64})
    monkeypatch.setattr(comparisons, "OpenClDevice", lambda number, found: on_card)
    monkeypatch.setattr(comparisons, "Ours", Scripted)
    with ExitStack() as stack:
        pair = cells[2].prepare(cells[2], device, {}, 0.1, stack)
    assert (pair.ours(), pair.theirs(), pair.facts) == (10.0, 20.0, {"device": "CPU (this CPU)"})
    assert pair.command.startswith("stream.copy/simd dtype=f8 threads=")


def test_what_cannot_run_here_is_skipped_with_the_reason(device, tmp_path, monkeypatch):
    """A tool that is missing; a level or a width that this machine has not."""
    monkeypatch.setenv("PATH", str(tmp_path))
    cell = next(cell for cell in comparisons.cells(device, "4K", None) if cell.tool == "mbw")
    with pytest.raises(Skip, match="mbw is not installed"):
        comparisons.skippable(cell, device)
