"""workload.house_prices: nets that end alike, prices within the goal, files on the command line, and its findings."""

import functools

import msgspec
import numpy as np
import pytest

from doubles.scripted import record, run_of
from doubles.strict_cupy import StrictGpu
from hwbench.analysis.findings import findings
from hwbench.benches.workload import _ames, _mlp, house_prices
from hwbench.benches.workload._mlp_gpu import SendingNet
from hwbench.measurement.verify_output import mismatch
from hwbench.record import store
from hwbench.record.reasons import because
from made_up.gpu_records import spread
from made_up.house_sales import competition_file
from made_up.nets import CUPY, NETS, named, on_device


def test_a_file_of_the_competition_runs_by_the_command_line(command, tmp_path):
    """`--param data=FILE` measures it: exit 0, a record with the file's name, its sales and an error for each fold."""
    path = competition_file(tmp_path / "train.csv")
    done = command(
        "run", "workload.house_prices", "--preset", "quick", "--variant", "numpy", "--device", "cpu",
        "--param", f"data={path}", "--out", tmp_path / "out", "--no-report",
    )  # fmt: skip
    assert done.code == 0, done.err
    [told] = store.read(store.newest(tmp_path / "out")).records
    assert told.status in ("ok", "suspect")
    assert (told.params["data"], told.facts["sales"]) == (str(path), 300)
    assert len(told.facts["fold_rmse"]) == 5


@pytest.mark.parametrize("missing", [["SalePrice"], list(_ames.COLUMNS[5:60])])
def test_wrong_columns_end_a_run_with_one_line(command, tmp_path, missing):
    """Exit 2 before anything is measured; the line names the file and every column that it lacks, however many."""
    path = competition_file(tmp_path / "train.csv", missing)
    done = command("run", "workload.house_prices", "--param", f"data={path}", "--out", tmp_path / "out")
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert f"{path}: lacks {', '.join(missing)}" in done.err
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_read_is_refused():
    """The axis names it as reading does."""
    with pytest.raises(ValueError, match=r"none\.csv: cannot be read"):
        house_prices.text_of_data("none.csv")
    assert house_prices.text_of_data("ames") == "ames"


@pytest.mark.parametrize("text", ["0", "-4", "x", "", "1.5", "1e2", "99999999", "٣"])
def test_a_batch_that_is_none_is_refused(text):
    """What is no whole number from 1 to 65536 raises ValueError that quotes it."""
    with pytest.raises(ValueError, match="whole number"):
        house_prices.text_of_batch(text)


@functools.cache
def reference(batch, optimizer):
    """The values of a case, its fold, and the weights at which NumPy ends in f8."""
    values = {"data": "ames", "batch": batch, "dtype": np.dtype("f8"), "optimizer": optimizer}
    fold = house_prices.first_fold("ames")
    return values, fold, house_prices.bench.ask("reference", values, (fold,))


@pytest.mark.parametrize("optimizer", _mlp.OPTIMIZERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("f8", 1e-9), ("f4", 1e-3)])
@pytest.mark.parametrize("kind", NETS + CUPY, ids=named)
@pytest.mark.parametrize("batch", [16, 100, 5000])
def test_all_nets_end_at_the_same_weights(kind, dtype, tolerance, optimizer, batch):
    """After an epoch NumPy, Numba and CuPy, f4 and f8, agree with NumPy in f8, also where the last batch is smaller."""
    values, fold, expected = reference(batch, optimizer)
    net, epoch = house_prices.made(on_device(kind), fold, batch, np.dtype(dtype), optimizer)
    net.epoch(*epoch)
    assert mismatch(net.fetch(net.theta), expected, values, 1.0, tolerance) == ""
    assert mismatch(net.fetch(net.start), expected, values, 1.0, 1e-2) != ""  # an epoch does change the weights


@pytest.mark.parametrize("kind", NETS + CUPY, ids=named)
def test_phases_timed_one_by_one_are_the_epoch(kind):
    """The epoch that is timed phase by phase ends at the same weights as the one that is timed as a whole."""
    fold = house_prices.first_fold("ames")
    net, epoch = house_prices.made(on_device(kind), fold, 64, np.dtype("f4"), "adam")
    net.epoch(*epoch)
    whole = net.fetch(net.theta).copy()
    net.reset()
    assert np.array_equal(net.fetch(net.theta), net.fetch(net.start))
    spent = net.timed_epoch(*epoch)
    assert np.array_equal(net.fetch(net.theta), whole)
    sent = ["send"] if kind is SendingNet else []
    assert list(spent) == ["gather", *sent, "forward", "backward", "update"]


@pytest.mark.parametrize("optimizer", _mlp.OPTIMIZERS)
def test_held_out_prices_are_predicted_within_the_goal(optimizer):
    """The mean log-RMSE over five folds is 0.15 at most, and far better than the spread of prices."""
    errors = house_prices.held_out_errors(_mlp.ArrayNet, "ames", "f4", optimizer)
    assert len(errors) == house_prices.FOLDS
    assert np.mean([curve[-1] for curve in errors]) <= 0.15


SHORT = functools.partial(_mlp.ArrayNet)  # errors are kept by kind of net: those of two epochs under one of their own


@pytest.mark.parametrize("variant", ["cupy", "cupy-copies"])
def test_gpu_variants_say_how_good_they_are_and_where_their_time_goes(variant, monkeypatch):
    """Errors of nets that the GPU trained, which are NumPy's; phases; of the resident one how long the GPU works."""
    monkeypatch.setitem(_mlp.RECIPES, "adam", _mlp.Recipe(epochs=2))  # as for fifteen, in less time
    device = StrictGpu()
    values = {"data": "ames", "batch": 1024, "dtype": np.dtype("f4"), "optimizer": "adam", "device": device}
    fold = house_prices.first_fold("ames")
    work = house_prices.bench.build(variant, values, (fold,))
    expected = house_prices.bench.ask("reference", values, (fold,))
    work.call()
    assert mismatch(work.output(), expected, values, 1.0, house_prices.bench.tolerance) == ""
    numpys = house_prices.held_out_errors(SHORT, "ames", "f4", "adam")
    np.testing.assert_allclose(work.facts["fold_rmse"], [curve[-1] for curve in numpys], rtol=1e-3)
    assert len(work.facts["curve"]) == 2
    assert work.facts["transfers"] is (variant == "cupy-copies")
    assert ("send" in work.facts["phases_s"]) is (variant == "cupy-copies")
    assert ("busy_s" in work.facts) is (variant == "cupy")
    assert house_prices.bench.variants[variant].on == "gpu"


def epochs(variant, seconds, busy=None, **params):
    """Records of an epoch by batch size; `busy` of it the GPU works."""
    facts = {"fold_rmse": [0.12, 0.13], "rmse": 0.125, "curve": [0.2, 0.125], "recipe_batch": 64, "phases_s": {
        "gather": 1.0, "send": 0.0, "forward": 4.0, "backward": 2.0, "update": 1.0}}  # fmt: skip
    shown = {"data": "ames", "dtype": "f4", "optimizer": "adam"} | params
    kind = {
        "bench": "workload.house_prices",
        "device": "gpu:0" if "cupy" in variant else "cpu",
        "counts": {"flops": 1.0},
    }
    facts |= {} if busy is None else {"busy_s": busy}
    rows = [
        record(variant, (each,) * 10, params=shown | {"batch": n}, facts=facts, **kind) for n, each in seconds.items()
    ]
    return [spread(one) for one in rows]


def told(*records):
    return findings(run_of(*records), [house_prices.bench]).get("workload.house_prices", [])


def test_findings_tell_the_shares_of_launch_and_transfer():
    """Of 100 ms 90 wait at a batch of 16, of 20 ms half at 1024; sending takes half as long again, and a quarter."""
    rows = [
        *epochs("numpy", {16: 50e-3, 1024: 40e-3}),
        *epochs("cupy", {16: 100e-3, 1024: 20e-3}, busy=10e-3),
        *epochs("cupy-copies", {16: 150e-3, 1024: 25e-3}),
    ]
    epoch, gpu, error = told(*rows)
    assert epoch.startswith("Time of an epoch (float32): numpy 50.0")
    assert "; cupy 20.0" in epoch
    assert epoch.endswith(" in batches of 1024. In batches of 16 numpy spends 50% of an epoch on the forward pass.")
    assert gpu.startswith(
        "CuPy: the GPU waits for launches during 90% of an epoch in batches of 16 and 50% of an epoch in batches of "
        "1024; sending each batch instead of all sales once: 1.51× slower (1.48–1.52)"
    )
    assert gpu.endswith(") in batches of 1024.")
    assert error == (
        "Held-out log-RMSE: 0.125, the mean of 2 folds (0.120–0.130), after 2 epochs in batches of 64; a typical "
        "prediction is 13% off."
    )


def test_findings_of_one_variant_and_one_batch():
    """No list, no second batch; other precisions than f4 have their error alone."""
    epoch, _ = told(*epochs("numba", {64: 10e-3}))
    assert epoch.startswith("Time of an epoch (float32): numba 10.0")
    assert epoch.endswith(") in batches of 64. In batches of 64 numba spends 50% of an epoch on the forward pass.")
    [error] = told(*epochs("numpy", {64: 10e-3}, dtype="f8"))
    assert error.startswith("Held-out log-RMSE: ")


def test_disturbed_epochs_are_marked():
    """Each time that a suspect record gave; an error of prediction is no time."""
    slow = [
        msgspec.structs.replace(one, status="suspect", reasons=[because("gpu_low_clock")])
        for one in epochs("cupy", {16: 0.1}, busy=0.01)
    ]
    epoch, gpu, error = told(*epochs("numpy", {16: 50e-3}), *slow)
    assert " (suspect: the GPU's clock was low) in batches of 16." in epoch
    assert gpu.endswith("in batches of 16 (suspect: the GPU's clock was low).")
    assert "suspect" not in error


def test_findings_claim_nothing_of_a_gpu_that_was_not_measured():
    """Without GPU records nothing of one; without its own working time no share of launches; skipped cases are none."""
    cpu = epochs("numpy", {16: 50e-3})
    skipped = record("cupy", (), bench="workload.house_prices", device="gpu", status="skipped", params=cpu[0].params)
    for records in ([*cpu, skipped], epochs("cupy", {16: 0.1}), epochs("cupy", {16: 0.1}, busy="x")):
        assert not [line for line in told(*records) if "GPU" in line]
