"""A whole workload: predicting house prices, the task with which the lecture closes its first half.

2,930 sales in Ames, Iowa (`data/README.md`), 79 columns encoded as about 340 numbers, a multilayer perceptron with two
hidden layers of 32 units, trained on the logarithm of the price. One call is one epoch over four fifths of the sales;
the other fifth is held out, each in turn, and gives the error: the root mean square of log price, as the competition
scores.

An epoch of small batches is many short steps: each pays for calls from Python to NumPy and for an update of all
weights, however few its rows. An epoch of large batches is a few long products, which BLAS computes near the peak; with
fewer steps it learns less. Training uses a batch in between.

On a GPU a step is some sixty launches, whatever the batch: in a small one each launch has little to do, and the GPU
waits for the next. Its variants state how long of an epoch the GPU works (`busy_s`), and what sending each batch costs
beside sending all sales once.

All variants do the same steps on the same batches and must end at the same weights. Products by zero count like others.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ...bench import Bench, Work
from ...protocols import Array, Cpu, Gpu, Results, Values
from ...record import phrases, text
from ...record.estimate import estimate
from ...record.model import Record
from .._gpu import cublas
from . import _ames, _mlp
from ._mlp import Epoch, Kind, N, Net
from ._mlp_gpu import CupyNet, SendingNet, busy_seconds
from ._mlp_numba import NumbaNet

FOLDS = 5
SEED = 157  # of folds, weights and the order of rows: the same on every machine


def text_of_data(text: str) -> str:
    """`ames`, or a CSV file with the shipped table's columns; ValueError names those that it lacks."""
    _ames.sales(text)
    return text if text == _ames.OWN else str(Path(text).expanduser())


def text_of_batch(text: str) -> int:
    """A batch size."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65536):
        raise ValueError(f"'{text}' is no whole number from 1 to 65536")
    return int(text)


bench = Bench(
    "workload.house_prices",
    question="How long is an epoch of a small network, where does its time go, and how good are its predictions?",
    axes={"data": (_ames.OWN,), "batch": (16, 64, 1024), "dtype": ("f4",), "optimizer": ("adam",)},
    baseline="numpy",
    measures="training",
    version=2,
    core=False,
    quick={"batch": (64,)},
    full={"batch": (8, 16, 32, 64, 128, 256, 512, 1024, 2048), "dtype": ("f4", "f8"), "optimizer": ("adam", "sgd")},
    # Adam divides by the root of the mean squared gradient: where that is small, a rounding error becomes a step.
    # Measured up to 4e-5 in f4; a wrong gradient or update shows at 1e-1.
    tolerance=1e-3,
    free={"data": text_of_data, "batch": text_of_batch},
)


@functools.lru_cache(maxsize=2)
def five_folds(data: str) -> tuple[_mlp.Fold, ...]:
    """The folds of a table, each encoded by what its own training rows say."""
    table = _ames.sales(data)
    price = np.log(table.price)
    found = []
    for train, held_out in _ames.folds(len(table), FOLDS, np.random.default_rng(SEED)):
        mean, deviation = price[train].mean(), price[train].std()
        if not deviation > 0:
            raise ValueError(f"{data}: all prices are the same")
        found.append(
            _mlp.Fold(_ames.encode(table, train), (price - mean) / deviation, train, held_out, float(deviation))
        )
    return tuple(found)


@functools.lru_cache(maxsize=16)
def held_out_errors(kind: Kind[Net], data: str, dtype: str, optimizer: str) -> tuple[tuple[float, ...], ...]:
    """For each fold the log-RMSE on its held-out sales after each epoch, trained by the optimizer's own recipe."""
    recipe = _mlp.RECIPES[optimizer]
    return tuple(
        tuple(_mlp.train(kind, fold, recipe, np.dtype(dtype), SEED + number)[1])
        for number, fold in enumerate(five_folds(data))
    )


@bench.inputs
def first_fold(data: str) -> _mlp.Fold:
    """The first of the five folds, float64."""
    return five_folds(data)[0]


def made(kind: Kind[N], fold: _mlp.Fold, batch: int, dtype: np.dtype, optimizer: str) -> tuple[N, Epoch]:
    """A net with the weights that all variants start from, and the arguments of its `epoch`."""
    from dataclasses import replace

    recipe = replace(_mlp.RECIPES[optimizer], batch=min(batch, len(fold.train)))
    sizes = (fold.x.shape[1], *recipe.hidden, 1)
    rng = np.random.default_rng(SEED)
    net = kind(sizes, _mlp.xavier(sizes, rng), recipe, dtype)
    return net, (*net.keep(fold.x.astype(dtype), fold.y.astype(dtype), rng.permutation(fold.train)), recipe.rate)


@bench.reference
def weights(fold: _mlp.Fold, batch: int, optimizer: str) -> Array:
    """All weights after one epoch, by NumPy in float64."""
    net, epoch = made(_mlp.ArrayNet, fold, batch, np.dtype("f8"), optimizer)
    net.epoch(*epoch)
    found: Array = net.theta
    return found


@bench.counts
def counts(fold: _mlp.Fold, optimizer: str) -> dict[str, float]:
    """The multiply-adds of an epoch without those of the updates, which depend on the batch."""
    sizes = (fold.x.shape[1], *_mlp.RECIPES[optimizer].hidden, 1)
    return {"flops": _mlp.flops(sizes, len(fold.train)), "items": len(fold.train), "calls": 1}


@bench.memory
def memory() -> int:
    """Five folds of 8 MB each in float64, and a net."""
    return 64 << 20


def training(net: Net, epoch: Epoch) -> Callable[[], None]:
    """One epoch from the first weights."""

    def call() -> None:
        net.reset()
        net.epoch(*epoch)

    return call


def learnt(net: Net, epoch: Epoch, errors: tuple[tuple[float, ...], ...], fold: _mlp.Fold) -> Values:
    """Facts: the net's errors by fold, and where the time of an epoch goes."""
    curves = np.array(errors)
    net.epoch(*epoch)  # compiles, and warms the caches before phases are timed
    net.timed_epoch(*epoch)
    spent = [net.timed_epoch(*epoch) for _ in range(3)]
    return {
        "fold_rmse": curves[:, -1], "rmse": float(curves[:, -1].mean()), "curve": curves.mean(axis=0),
        "phases_s": {phase: float(np.median([one[phase] for one in spent])) for phase in spent[0]},
        "rows": len(fold.train), "sales": len(fold.y), "columns": fold.x.shape[1], "parameters": len(net.theta),
        "steps": -(-len(fold.train) // net.recipe.batch),
        "recipe_batch": _mlp.RECIPES[net.recipe.optimizer].batch,
    }  # fmt: skip


def on_cpu(kind: Kind[Net], fold: _mlp.Fold, data: str, batch: int, dtype: np.dtype, optimizer: str) -> Work:
    """The work of a net of this kind on the CPU."""
    net, epoch = made(kind, fold, batch, dtype, optimizer)
    facts = learnt(net, epoch, held_out_errors(kind, data, dtype.str[1:], optimizer), fold)
    return Work(training(net, epoch), output=lambda: net.theta, facts=facts)


@bench.variant("numpy")
def in_numpy(device: Cpu, fold: _mlp.Fold, data: str, batch: int, dtype: np.dtype, optimizer: str) -> Work:
    """NumPy: BLAS on one thread for the products, a pass over memory for each operation in between."""
    built: list[Work] = []
    # The phases of an epoch, which are facts, are timed on one thread as the epochs are.
    device.blas(lambda: built.append(on_cpu(_mlp.ArrayNet, fold, data, batch, dtype, optimizer)), 1).call()
    [one] = built
    work: Work = device.blas(one.call, 1, output=one.output, facts=one.facts)
    return work


@bench.variant("numba")
def in_numba(fold: _mlp.Fold, data: str, batch: int, dtype: np.dtype, optimizer: str) -> Work:
    """Numba: an epoch in one call, loops that skip the zeros of one-hot columns."""
    return on_cpu(NumbaNet, fold, data, batch, dtype, optimizer)


@functools.cache
def kind_on(kind: Kind[CupyNet], device: Gpu) -> Kind[CupyNet]:
    """A kind of net on one GPU, always the same object: `held_out_errors` caches by it."""
    return functools.partial(kind, device=device)


def on_gpu(
    kind: Kind[CupyNet], device: Gpu, fold: _mlp.Fold, data: str, batch: int, dtype: np.dtype, optimizer: str
) -> Work:
    """The work of a net of this kind on a GPU, timed by the host; one wait at the end of a sample."""
    cublas(device)
    net, epoch = made(kind_on(kind, device), fold, batch, dtype, optimizer)
    # The place of the data changes no weight, so one training gives the errors of both kinds.
    errors = held_out_errors(kind_on(CupyNet, device), data, dtype.str[1:], optimizer)
    facts = learnt(net, epoch, errors, fold) | {"transfers": kind is SendingNet}
    if kind is CupyNet:
        facts["busy_s"] = busy_seconds(net, epoch)
    made_work: Work = device.host_timed(
        training(net, epoch), output=lambda: net.fetch(net.theta), sync="end", facts=facts
    )
    return made_work


@bench.variant("cupy", on="gpu", inputs="host")
def in_cupy(device: Gpu, fold: _mlp.Fold, data: str, batch: int, dtype: np.dtype, optimizer: str) -> Work:
    """CuPy: NumPy's steps on the GPU, where all sales lie."""
    return on_gpu(CupyNet, device, fold, data, batch, dtype, optimizer)


@bench.variant("cupy-copies", on="gpu", inputs="host")
def in_cupy_with_copies(device: Gpu, fold: _mlp.Fold, data: str, batch: int, dtype: np.dtype, optimizer: str) -> Work:
    """CuPy: the same steps, but the host keeps the sales, gathers each batch and sends it."""
    return on_gpu(SendingNet, device, fold, data, batch, dtype, optimizer)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What an epoch costs in small and in large batches and where it goes, the GPU, and how good predictions are."""
    timed = [record for record in results.records if record.timed and record.facts.get("fold_rmse")]
    if not timed:
        return
    yield from _epochs([r for r in timed if r.params["dtype"] == "f4" and r.variant != "cupy-copies"])
    yield from _on_the_gpu(results)
    best = min(timed, key=lambda record: record.facts["rmse"])
    folds, curve, error = best.facts["fold_rmse"], best.facts["curve"], best.facts["rmse"]
    spread = f"{text.amount(min(folds))}–{text.amount(max(folds))}"
    yield (
        f"Held-out log-RMSE: {text.amount(error)}, the mean of {phrases.counted(len(folds), 'fold')} ({spread}), after "
        f"{phrases.counted(len(curve), 'epoch')} in batches of {best.facts['recipe_batch']}; a typical prediction is "
        f"{text.share(np.exp(error) - 1)} off."
    )


def _epochs(records: Sequence[Record]) -> Iterator[str]:
    """What an epoch costs each variant in the smallest and the largest batch, and what takes most of the fastest."""
    if not records:
        return
    batches = sorted({int(record.params["batch"]) for record in records})
    told = []
    for batch in dict.fromkeys((batches[0], batches[-1])):
        own = sorted((r for r in records if r.params["batch"] == batch), key=_seconds)
        each = [phrases.Item(f"{r.variant} {text.seconds(estimate(r.samples))}", (r,)) for r in own]
        told.append(f"{phrases.entries(each)} in batches of {batch}")
    fastest = min((r for r in records if r.params["batch"] == batches[0]), key=_seconds)
    parts = fastest.facts["phases_s"]
    most = max(parts, key=parts.get)
    share = f"{fastest.variant} spends {text.share(parts[most] / sum(parts.values()))} of an epoch on {_ON[most]}"
    yield f"Time of an epoch (float32): {'; '.join(told)}. In batches of {batches[0]} {share}."


def _seconds(record: Record) -> float:
    return float(np.median(record.samples))


def waiting(record: Record) -> float | None:
    """The share of an epoch in which the GPU has nothing to do; None where it was not measured."""
    busy = record.facts.get("busy_s")
    if not isinstance(busy, int | float) or not busy >= 0:
        return None
    return max(0.0, 1 - busy / float(np.median(record.samples)))


def _on_the_gpu(results: Results) -> Iterator[str]:
    """How much of an epoch is waiting for launches, and what sending adds, for the smallest batch and the largest."""
    own = [r for r in results.records if r.variant == "cupy" and r.timed and r.params["dtype"] == "f4"]
    own.sort(key=lambda record: record.params["batch"])
    idle, sent = [], []
    for record in own[:1] + own[1:][-1:]:
        batches = f"in batches of {record.params['batch']}"
        share = waiting(record)
        if share is not None:
            idle.append(phrases.Item(f"{text.share(share)} of an epoch {batches}", (record,)))
        copies = results.find("cupy-copies", **record.params)
        if copies is not None:
            ratio = phrases.compared(results.versus(copies, record))
            sent.append(phrases.Item(f"{ratio} {batches}", (copies, record)))
    told = []
    if idle:
        told.append(f"the GPU waits for launches during {phrases.entries(idle)}")
    if sent:
        told.append(f"sending each batch instead of all sales once: {phrases.entries(sent)}")
    if told:
        yield f"CuPy: {'; '.join(told)}."


_ON = {
    "gather": "gathering batches",
    "send": "sending batches",
    "forward": "the forward pass",
    "backward": "the backward pass",
    "update": "updating weights",
}
