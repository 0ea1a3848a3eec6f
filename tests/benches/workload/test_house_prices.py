"""House prices: data read alike whatever its spelling, gradients by finite differences, nets that end alike."""

import csv
import dataclasses
import functools
import io
import lzma

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles.scripted import record, run_of
from doubles.strict_cupy import Array, StrictGpu
from hwbench.analysis.findings import findings
from hwbench.benches.workload import _ames, _mlp, _mlp_gpu, house_prices
from hwbench.measure.verify_output import mismatch
from hwbench.record import store

NETS = (_mlp.ArrayNet, _mlp.NumbaNet)
CUPY = (_mlp_gpu.CupyNet, _mlp_gpu.SendingNet)


def named(kind):
    return kind.__name__


def on_device(kind, device=None):
    """The kind of net, on a device of its own where it wants one."""
    return functools.partial(kind, device=device or StrictGpu()) if kind in CUPY else kind


def shipped():
    """The shipped table: heading and rows."""
    rows = list(csv.reader(io.StringIO(lzma.decompress(_ames.SHIPPED.read_bytes()).decode())))
    return rows[0], rows[1:]


def written(head, rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()


def as_in_the_competition(head, rows):
    """The same table with the competition's spelling: its names, Id in front, NA for what is missing."""
    places = _ames._places(head, "shipped")
    names = [name for name in _ames.COLUMNS if name != _ames.TARGET] + [_ames.TARGET]
    out = [[str(i + 1), *(row[places[name]].strip() or "NA" for name in names)] for i, row in enumerate(rows)]
    return ["Id", *names], out


# --- data -------------------------------------------------------------------------------------------------------------


def test_the_shipped_table_is_whole():
    """2,930 sales of 79 columns and a price, and the attribution lies beside them."""
    table = _ames.sales()
    assert len(table) == 2930
    assert len(table.numbers) + len(table.categories) == 79
    assert 12_000 < table.price.min() < table.price.max() < 800_000
    assert "De Cock" in (_ames.SHIPPED.parent / "README.md").read_text("utf-8")


def test_the_competitions_spelling_gives_the_same_numbers(tmp_path):
    """Names, NA and order of columns make no difference to the encoded matrix."""
    path = tmp_path / "train.csv"
    path.write_text(written(*as_in_the_competition(*shipped())), "utf-8")
    theirs, ours = _ames.sales(str(path)), _ames.sales()
    rows = np.arange(0, 2930, 2)
    assert np.array_equal(theirs.price, ours.price)
    assert np.array_equal(_ames.encode(theirs, rows), _ames.encode(ours, rows))


@pytest.mark.parametrize(
    "missing", [["SalePrice"], ["LotArea"], ["1stFlrSF", "MSZoning", "YrSold"], list(_ames.COLUMNS[5:60])]
)
def test_missing_columns_are_named_in_one_line(missing):
    """The message names the file and every column that is not there."""
    head, rows = as_in_the_competition(*shipped())
    keep = [i for i, name in enumerate(head) if name not in missing]
    with pytest.raises(ValueError, match=r"train\.csv: lacks") as caught:
        _ames.parse(written([head[i] for i in keep], [[row[i] for i in keep] for row in rows]), "train.csv")
    assert "\n" not in str(caught.value)
    assert all(name in str(caught.value) for name in missing)
    assert ("test.csv" in str(caught.value)) == (missing == ["SalePrice"])


def competition_file(path, drop=(), sales=300):
    """Some sales as the competition has them, without the columns to drop."""
    head, rows = as_in_the_competition(*shipped())
    keep = [place for place, name in enumerate(head) if name not in drop]
    path.write_text(written([head[i] for i in keep], [[row[i] for i in keep] for row in rows[:sales]]), "utf-8")
    return path


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


def test_a_misspelt_column_is_named_on_both_sides():
    """What it lacks, and what it has instead."""
    head, rows = as_in_the_competition(*shipped())
    head[head.index("LotArea")] = "Lot_Size"
    with pytest.raises(ValueError, match="lacks LotArea; unknown there: Lot_Size"):
        _ames.parse(written(head, rows), "f")


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("LotArea", "big", "column LotArea holds 'big' in row 2, which is no number"),
        ("LotArea", "-1", "column LotArea holds a negative amount in row 2"),
        ("YearBuilt", "inf", "column YearBuilt holds 'inf' in row 2"),
        ("SalePrice", "0", "column SalePrice holds no price in row 2"),
        ("SalePrice", "NA", "column SalePrice holds no price in row 2"),
    ],
)
def test_a_cell_that_cannot_be_is_told_with_its_place(column, cell, words):
    """Column, row and what stands there."""
    head, rows = as_in_the_competition(*shipped())
    rows[0][head.index(column)] = cell
    with pytest.raises(ValueError, match=words):
        _ames.parse(written(head, rows), "f")


@pytest.mark.parametrize("text", ["", "\n\n", "no table at all", "a,b\n1,2\n", "a,a\n", '"'])
def test_what_is_no_table_of_sales_is_refused(text):
    """Any other text raises ValueError with the file's name, in one line."""
    with pytest.raises(ValueError, match=r"^some\.csv: ") as caught:
        _ames.parse(text, "some.csv")
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    """A missing file, a directory, bytes that are no text and a broken .xz are told apart from a wrong table."""
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "broken.csv.xz").write_bytes(b"not xz")
    unreadable = dict.fromkeys(("none.csv", ""), "cannot be read")
    unreadable |= dict.fromkeys(("bytes.csv", "broken.csv.xz"), "no CSV")
    for name, words in unreadable.items():
        with pytest.raises(ValueError, match=words):
            house_prices.text_of_data(str(tmp_path / name))


def test_the_encoding_learns_from_training_rows_alone():
    """Training columns have mean 0 and variance 1, nothing is missing, and held-out rows change nothing of it."""
    table = _ames.sales()
    train, held_out = _ames.folds(len(table), 5, np.random.default_rng(0))[0]
    x = _ames.encode(table, train)
    numbers = x[train][:, : len(table.numbers)]
    assert np.isfinite(x).all()
    filled = [np.isnan(values[train]).any() for values in table.numbers.values()]
    whole = numbers[:, ~np.array(filled)]
    assert np.allclose(whole.mean(axis=0), 0, atol=1e-9)
    assert np.allclose(whole.std(axis=0), 1)
    assert set(np.unique(x[:, len(table.numbers) :])) == {0.0, 1.0}
    price = table.price.copy()
    moved = _ames.Sales({name: values.copy() for name, values in table.numbers.items()}, table.categories, price)
    for values in moved.numbers.values():
        values[held_out] += 1e3
    assert np.array_equal(_ames.encode(moved, train)[train], x[train])


@settings(max_examples=50, deadline=None)
@given(count=st.integers(5, 200), k=st.integers(2, 5), seed=st.integers(0, 9))
def test_folds_hold_each_row_out_once(count, k, seed):
    """Each row is held out exactly once, and never trained on in that fold."""
    found = _ames.folds(count, k, np.random.default_rng(seed))
    assert sorted(np.concatenate([held for _, held in found])) == list(range(count))
    assert all(sorted([*train, *held]) == list(range(count)) for train, held in found)


# --- the net ----------------------------------------------------------------------------------------------------------


def net_on_a_batch(kind, sizes, rows, seed, dtype="f8"):
    rng = np.random.default_rng(seed)
    theta = _mlp.xavier(sizes, rng)
    theta += rng.normal(0, 0.1, len(theta))  # biases too, so that none of them hides behind a 0
    net = kind(sizes, theta, _mlp.Recipe(batch=rows), np.dtype(dtype))
    x, y = rng.normal(size=(rows, sizes[0])), rng.normal(size=rows)
    x[rng.random(x.shape) < 0.5] = 0  # as one-hot columns are
    net.gather(x.astype(dtype), y.astype(dtype), np.arange(rows))
    return net


@pytest.mark.parametrize("kind", NETS)
@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4).map(lambda widths: (*widths, 1)),
    rows=st.integers(1, 5),
    seed=st.integers(0, 999),
)
def test_gradients_equal_finite_differences(kind, sizes, rows, seed):
    """Each parameter's gradient is the central difference of the loss, for any depth and width."""
    net = net_on_a_batch(kind, sizes, rows, seed)
    net.forward(rows)
    hidden = net.activations[:, : net.layers[-1].place.start]
    net.backward(rows)
    step = 1e-6
    near_a_kink = bool(((hidden != 0) & (np.abs(hidden) < 1e-4)).any())
    for i in range(len(net.theta)):
        kept = net.theta[i]
        losses = []
        for move in (step, -step):
            net.theta[i] = kept + move
            net.forward(rows)
            losses.append(net.loss(rows))
        net.theta[i] = kept
        if not near_a_kink:
            assert net.gradient[i] == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-5, rel=1e-5)


@pytest.mark.parametrize("optimizer", _mlp.OPTIMIZERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("f8", 1e-9), ("f4", 1e-3)])
@pytest.mark.parametrize("kind", NETS + CUPY, ids=named)
@pytest.mark.parametrize("batch", [16, 100, 5000])
def test_all_nets_end_at_the_same_weights(kind, dtype, tolerance, optimizer, batch):
    """After an epoch NumPy, Numba and CuPy, f4 and f8, agree with NumPy in f8, also where the last batch is smaller."""
    values = {"data": "ames", "batch": batch, "dtype": np.dtype("f8"), "optimizer": optimizer}
    fold = house_prices.first_fold("ames")
    expected = house_prices.bench.ask("reference", values, (fold,))
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
    sent = ["send"] if kind is _mlp_gpu.SendingNet else []
    assert list(spent) == ["gather", *sent, "forward", "backward", "update"]


def test_adams_first_step_is_the_rate():
    """Kingma and Ba: corrected moments make the first step rate × sign of the gradient."""
    for kind in NETS:
        net = kind((2, 1), np.zeros(3), _mlp.Recipe(batch=1, decay=0.0), np.dtype("f8"))
        net.gradient[:] = (3.0, -0.2, 1e-3)
        net.update(0.01)
        assert net.theta == pytest.approx([-0.01, 0.01, -0.01], rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(inputs=st.integers(200, 600), outputs=st.integers(200, 600))
def test_xavier_keeps_the_variance_of_the_slides(inputs, outputs):
    """Weights from U(−a, a) with a² = 6 / (in + out) have variance 2 / (in + out); biases start at 0."""
    theta = _mlp.xavier((inputs, outputs), np.random.default_rng(0))
    layer = _mlp.layers((inputs, outputs))[0]
    assert np.var(theta[layer.weights]) == pytest.approx(2 / (inputs + outputs), rel=0.05)
    assert np.abs(theta[layer.weights]).max() <= np.sqrt(6 / (inputs + outputs))
    assert not theta[layer.biases].any()


def test_what_an_epoch_counts():
    """2 operations a multiply-add, three products a layer, less the gradient of the first layer's inputs."""
    assert _mlp.flops((4, 3, 1), 10) == 2 * 10 * (3 * (12 + 3) - 12)


@pytest.mark.parametrize("optimizer", _mlp.OPTIMIZERS)
def test_held_out_prices_are_predicted_within_the_goal(optimizer):
    """The mean log-RMSE over five folds is 0.15 at most, and far better than the spread of prices."""
    errors = house_prices.held_out_errors(_mlp.ArrayNet, "ames", "f4", optimizer)
    assert len(errors) == house_prices.FOLDS
    assert np.mean([curve[-1] for curve in errors]) <= 0.15


@pytest.mark.parametrize("text", ["0", "-4", "x", "", "1.5", "1e2", "99999999", "٣"])
def test_a_batch_that_is_none_is_refused(text):
    """What is no whole number from 1 to 65536 raises ValueError that quotes it."""
    with pytest.raises(ValueError, match="whole number"):
        house_prices.text_of_batch(text)


# --- on a GPU ---------------------------------------------------------------------------------------------------------


def gpu_net(kind, batch=64, device=None):
    """A net on a strict device, the device, and what an epoch takes."""
    device = device or StrictGpu()
    net, epoch = house_prices.made(
        on_device(kind, device), house_prices.first_fold("ames"), batch, np.dtype("f4"), "adam"
    )
    return net, device, epoch


@pytest.mark.parametrize("kind", CUPY, ids=named)
def test_weights_are_drawn_on_the_host(kind):
    """A net on the GPU starts from NumPy's weights, bit for bit, and goes through the rows in NumPy's order."""
    net, _, epoch = gpu_net(kind)
    numpy, its = house_prices.made(_mlp.ArrayNet, house_prices.first_fold("ames"), 64, np.dtype("f4"), "adam")
    assert np.array_equal(net.fetch(net.start), numpy.start)
    for mine, other in zip(epoch, its, strict=True):
        assert np.array_equal(net.fetch(mine) if isinstance(mine, Array) else mine, other)


@pytest.mark.parametrize("kind", CUPY, ids=named)
def test_an_epoch_on_the_gpu_waits_for_nothing_and_sends_what_it_says(kind):
    """Resident data cross once, before; sent ones in every epoch, each row and its price."""
    net, device, epoch = gpu_net(kind)
    waits, sent = device.waits, device.sent
    net.reset()
    net.epoch(*epoch)
    assert device.waits == waits
    rows = 4 * len(epoch[2]) * (net.sizes[0] + 1)
    assert device.sent - sent == (rows if kind is _mlp_gpu.SendingNet else 0)


def test_how_long_the_gpu_works_is_that_of_its_launches_without_the_host():
    """So many launches a step, a microsecond each, for 37 steps of 64 rows; the 41 of NumPy leave room for CuPy's."""
    net, device, epoch = gpu_net(_mlp_gpu.CupyNet)
    before = device.launches
    for phase in net.phases(*epoch[:2], epoch[2][:64], epoch[3]).values():
        phase()
    launches = device.launches - before
    assert _mlp_gpu.busy_seconds(net, epoch) == pytest.approx(37 * launches * 1e-6)
    assert 2 * launches < _mlp_gpu.LAUNCHES


def test_a_gate_that_opened_by_itself_tells_nothing_of_the_work():
    """What waits for the GPU in the middle of a step lets the queue run dry, and the time is the host's again."""
    device = StrictGpu()
    net, _, epoch = gpu_net(_mlp_gpu.CupyNet, device=device)
    timed = device.timed

    def stuck(*given, **more):
        work = timed(*given, **more)

        def timer(loops):
            device.gate_timeouts += 1
            return work.timer(loops)

        return dataclasses.replace(work, timer=timer)

    device.timed = stuck
    assert _mlp_gpu.busy_seconds(net, epoch) is None


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
    numpys = house_prices.held_out_errors(functools.partial(_mlp.ArrayNet), "ames", "f4", "adam")
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
    return [
        record(
            variant, (each,) * 10, bench="workload.house_prices", device="gpu:0" if "cupy" in variant else "cpu",
            params=shown | {"batch": batch}, facts=facts | ({} if busy is None else {"busy_s": busy}),
            counts={"flops": 1.0},
        )
        for batch, each in seconds.items()
    ]  # fmt: skip


def test_findings_tell_the_shares_of_launch_and_transfer():
    """Of 100 ms 90 wait at a batch of 16, of 20 ms half at 1024; sending takes half as long again, and a quarter."""
    told = findings(
        run_of(
            *epochs("numpy", {16: 50e-3, 1024: 40e-3}),
            *epochs("cupy", {16: 100e-3, 1024: 20e-3}, busy=10e-3),
            *epochs("cupy-copies", {16: 150e-3, 1024: 25e-3}),
        ),
        [house_prices.bench],
    )["workload.house_prices"]
    assert told[-3:-1] == [
        "On the GPU an epoch waits for launches 90% of its time in batches of 16, 50% of its time in batches of 1024.",
        "Sending each batch instead of all sales once, it takes 1.5× as long (1.5–1.5) in batches of 16, 1.25× as long "
        "(1.25–1.25) in batches of 1024.",
    ]
    assert told[-1].startswith("CuPy beats NumPy from batch ≈ ")


def test_findings_claim_nothing_of_a_gpu_that_was_not_measured():
    """Without GPU records nothing of one; without its own working time no share of launches; skipped cases are none."""
    cpu = epochs("numpy", {16: 50e-3})
    skipped = record("cupy", (), bench="workload.house_prices", device="gpu", status="skipped", params=cpu[0].params)
    for records, said in (
        ([*cpu, skipped], []),
        (epochs("cupy", {16: 0.1}), []),
        (epochs("cupy", {16: 0.1}, busy="x"), []),
    ):
        told = findings(run_of(*records), [house_prices.bench])["workload.house_prices"]
        assert [line for line in told if "GPU" in line] == said
