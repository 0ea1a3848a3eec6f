"""The roofs of a GPU, of a made-up run; which cases give them, and where they are kept."""

from __future__ import annotations

import pytest

from hwbench import catalog
from hwbench.counting import Range
from hwbench.errors import UsageError
from hwbench.placing import engine, gpu_roofs
from hwbench.placing.gpu_roofs import GpuRoofs
from hwbench.record import store
from hwbench.record.model import Case
from made_up.gpu_placed import HBM, L2, gpu_run, made_roofs
from made_up.placed import counts, exactly


def test_levels_and_kernels_have_their_bandwidth():
    """L2 up to twice its size, memory beyond; a load is what `device.stream` calls reading."""
    roofs = made_roofs()
    assert (roofs.levels, roofs.threads) == (["L2", "HBM"], 1)
    assert [roofs.level(size) for size in (L2 / 4, 2 * L2, 2 * L2 + 1, 2**40)] == ["L2", "L2", "HBM", "HBM"]
    assert roofs.slope("load", "HBM").name == "HBM read of gpu:0"
    assert roofs.roof("triad", 2**33).value == pytest.approx(HBM["triad"])
    assert roofs.roof("store", 2**20).level == "L2"


def test_a_peak_is_of_the_type_that_computes():
    """Complex numbers in floats of half their size; whole numbers have no flops, and no peak of floats is theirs."""
    roofs = made_roofs()
    found = [roofs.peak(dtype).value for dtype in ("f4", "c8", "f2", "f8", "c16", "")]
    assert found == [50e12, 50e12, 100e12, 25e12, 25e12, 25e12]
    assert [roofs.peak(dtype) for dtype in ("i4", "i8", "u1", "b1")] == [None] * 4
    with pytest.raises(UsageError, match=r"^f: no roof was measured for arithmetic in 'i8' on 1 thread;"):
        engine.point("f", counts(10**6, dtype="i8", flops=Range(1e6, 1e6)), exactly(1e-3), roofs)


def test_between_the_levels_both_bound_a_working_set():
    """From half of L2 to sixteen times as much; CuPy's own kernel is what is usual."""
    roofs = made_roofs()
    between, beyond = roofs.band("copy", 4 * L2), roofs.band("copy", 16 * L2)
    assert (between.low, between.high) == (pytest.approx(HBM["copy"]), pytest.approx(2 * HBM["copy"]))
    assert (beyond.low, beyond.high) == (pytest.approx(HBM["copy"]), pytest.approx(HBM["copy"]))
    assert roofs.band("copy", 16 * L2, usual=True).value == pytest.approx(0.9 * HBM["copy"], rel=0.01)
    assert roofs.cost("cost.call") == 0


def test_a_run_without_roofs_has_none():
    """No level, no band, no peak."""
    empty = GpuRoofs(gpu_run(records=[]), "gpu:0", {})
    assert (empty.levels, empty.level(1e6), empty.band("load", 1e6), empty.peak("f8")) == ([], "HBM", None, None)


def test_they_are_measured_once(monkeypatch, tmp_path):
    """The request is for the labels and the peaks; what is kept is read, and --refresh measures again."""
    asked, told = [], []

    def execute(request, _observer, _stop):
        asked.append(request)
        return gpu_run(), None

    monkeypatch.setattr(gpu_roofs.session, "execute", execute)
    monkeypatch.setattr(gpu_roofs.roofs, "file", lambda: tmp_path / "setup.json")
    for refresh in (False, False, True):
        assert gpu_roofs.get("gpu:0", told.append, refresh=refresh).levels == ["L2", "HBM"]
    assert (len(asked), told) == (2, ["measuring the roofs of gpu:0 once"] * 2)
    assert store.read(tmp_path / "setup-gpu-0.json").id == gpu_run().id
    bench = catalog.benches()["device.stream"]
    wanted = [asked[0].only(bench, Case(bench.name, "bytes16", "gpu:0", {"size": size})) for size in ("HBM", "8MiB")]
    assert wanted == [True, False]
    assert asked[0].device == "gpu:0"
    assert asked[0].only(catalog.benches()["device.peak"], Case("device.peak", "fma", "gpu:0", {"dtype": "f8"}))


def test_a_gpu_that_cannot_be_measured_is_refused(monkeypatch, tmp_path):
    """With what the cases say."""
    monkeypatch.setattr(gpu_roofs.roofs, "file", lambda: tmp_path / "setup.json")
    monkeypatch.setattr(gpu_roofs.session, "execute", lambda *_: (gpu_run(records=[]), None))
    with pytest.raises(UsageError, match="the roofs of gpu:0 could not be measured: nothing could be measured"):
        gpu_roofs.get("gpu:0", lambda _line: None)
