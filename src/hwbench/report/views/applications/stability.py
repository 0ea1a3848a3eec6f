"""Numerical stability: what became of gradients by layer, how deep a network may be in which type, and its speed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ....record.estimate import estimate
from ....record.model import Record, Run
from ... import format
from ...dataset import Runs
from ...sections import Block, Figure, Key, Panel, Section, Table
from ..gpu import common
from . import charts

GRADIENTS, INITIALIZATION, ACTIVATIONS = "stability.gradients", "stability.initialization", "stability.activations"
DTYPES = {"f2": "c2", "bf16": "c6", "f4": "c1", "f8": "c3"}
SLOTS = ("c1", "c2", "c3", "c4", "c6", "c7")
STRETCH = 4  # layers a cell of the map, where records of their own are all there is
PROPER = (-6, 3)  # log₁₀ of the norms between which the lecture wants gradients
KINDS = {
    "smaller": "c1", "near 1": "line", "larger": "c2", "infinite": "bad", "zero": "ink-2", "not computed": "grid",
}  # fmt: skip
MOST_PANELS = 6  # networks whose speed is drawn; the table has them all
TROUBLES = {
    "overflow": "the gradient overflows",
    "underflow": "the gradient goes below the smallest normal number",
    "forward_overflow": "the outputs overflow",
    "forward_underflow": "the outputs go below the smallest normal number",
}
# (what, lecture, its value by arithmetic, where it was measured)
POWERS = (("1.5¹⁰⁰", "≈ 4 × 10¹⁷", 1.5**100, "orthogonal-1.5"), ("0.8¹⁰⁰", "≈ 2 × 10⁻¹⁰", 0.8**100, "orthogonal-0.8"))


def view(runs: Sequence[Run]) -> Section | None:
    """Maps and charts of the stability benches; None where none was measured."""
    runs = Runs.of(runs)
    found = {
        bench: [p.record for p in runs.by_bench.get(bench, ())] for bench in (GRADIENTS, INITIALIZATION, ACTIVATIONS)
    }
    labels = {id(p.record): runs.labels[p.run] for bench in found for p in runs.by_bench.get(bench, ())}
    if not any(found.values()):
        return None
    blocks: list[Block | None] = [
        _figures_of_the_lecture(found, labels, runs.several),
        _map(found[GRADIENTS]),
        _speed(found[GRADIENTS], labels, runs.several),
        *_variances(found[INITIALIZATION]),
        _taylor(found[ACTIVATIONS], labels, runs.several),
    ]
    intro = [
        "A gradient goes down a network as a product of one matrix a layer. If each stretches it a little it "
        "explodes, if each shrinks it a little "
        "it vanishes; how soon that matters is a question of the floating-point type. The lecture wants gradients "
        "between 10⁻⁶ and 10³; a table below says how deep a network keeps to that.",
        "Every network here has its layers' weights and gradients in the type named, is measured like any other "
        "bench, and what becomes of its "
        "gradient is kept beside its time.",
    ]
    return Section(
        "stability", "Stability", "Numerical stability", intro, [block for block in blocks if block is not None]
    )


# --- reading facts, which in a file may be anything -------------------------------------------------------------------


def numbers_or_gaps(value: Any) -> list[float | None]:
    """A list of numbers in which None (or anything that is no finite number) is a gap; [] for what is no list."""
    if not isinstance(value, list):
        return []
    return [
        float(x) if isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x) else None for x in value
    ]


def _count(record: Record, name: str) -> int | None:
    value = record.facts.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _amount(record: Record, name: str) -> float | None:
    value = record.facts.get(name)
    return (
        float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        else None
    )


def _param(record: Record, name: str) -> str:
    return str(record.params.get(name, ""))


def _chains(records: Iterable[Record]) -> list[Record]:
    """One record a network: in any variant the same becomes of the gradient, and the compiled one is the fastest."""
    return _preferred(records, ("numba", "numpy"))


def _preferred(records: Iterable[Record], variants: Sequence[str]) -> list[Record]:
    """Of records with the same parameters that of the first of these variants, or of any other where none is there."""
    order = {variant: number for number, variant in enumerate(variants)}
    chosen: dict[tuple[str, ...], Record] = {}
    for record in records:
        place = tuple(f"{name}={value}" for name, value in sorted(record.params.items()))
        old = chosen.get(place)
        if old is None or order.get(record.variant, len(order)) < order.get(old.variant, len(order)):
            chosen[place] = record
    return list(chosen.values())


def _power(log10: float | None) -> str:
    """`4.07 × 10¹⁷`; plain digits between 0.01 and 1000."""
    if log10 is None:
        return format.NOTHING
    if -2 <= log10 < 3:
        return format.number(10**log10)
    exponent = math.floor(log10)
    mantissa = f"{10 ** (log10 - exponent):.2f}"
    if mantissa == "10.00":
        mantissa, exponent = "1.00", exponent + 1
    return f"{mantissa} × 10{str(exponent).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _log(value: float | None) -> float | None:
    return math.log10(value) if value is not None and value > 0 else None


# --- the lecture's figures --------------------------------------------------------------------------------------------


def _figures_of_the_lecture(
    found: Mapping[str, Sequence[Record]], labels: Mapping[int, str], several: bool
) -> Table | None:
    rows: list[tuple[str, ...]] = []
    names = list(dict.fromkeys(labels.values()))
    for label in names:
        here = {bench: [r for r in records if labels[id(r)] == label] for bench, records in found.items()}
        told = (
            *_powers(here[GRADIENTS]),
            *_ranges(here[GRADIENTS]),
            *_xavier(here[INITIALIZATION]),
            *_series(here[ACTIVATIONS]),
        )
        rows += [(label, *row) if several else row for row in told]
    if not rows:
        return None
    head = ("figure", "lecture", "by arithmetic", "measured here", "tolerance", "how")
    return Table("The lecture's figures beside those of this run", ("run", *head) if several else head, rows)


def _judged(tolerance: str, *within: bool) -> str:
    """`± 1%: within`, where all of it is."""
    return f"± {tolerance}: {'within' if all(within) else 'outside'}"


def _powers(records: Sequence[Record]) -> Iterable[tuple[str, ...]]:
    for what, lecture, value, init in POWERS:
        fitting = [
            record
            for record in _chains(records)
            if (_param(record, "init"), _param(record, "activation"), _param(record, "remedy"))
            == (init, "identity", "plain")
        ]
        widest = next((dtype for dtype in ("f8", "f4") if any(_param(r, "dtype") == dtype for r in fitting)), "")
        for dtype in (widest, "f2"):
            for record in fitting:
                norms = numbers_or_gaps(record.facts.get("log10_norms"))
                if _param(record, "dtype") == dtype and len(norms) == 101:
                    told = _kept(norms[-1], value) if norms[-1] is not None else _lost(record, value)
                    yield (
                        what,
                        lecture,
                        *told,
                        f"norm of a gradient after 100 layers, {format.value_of('dtype', dtype)}",
                    )


def _kept(log10: float, value: float) -> tuple[str, str, str]:
    """A power that the type holds: norms are kept to 10⁻⁵ of their logarithm."""
    exact = math.log10(value)
    return _power(exact), _power(log10), _judged("0.01%", abs(log10 - exact) < math.log10(1.0001))


def _lost(record: Record, value: float) -> tuple[str, str, str]:
    """Where a gradient left the type's range, and where it has to.

    A unit vector's n numbers have a root mean square of n^-½, and √(2 ln n) times that is the largest of them.
    """
    found = _count(record, "overflow" if value > 1 else "underflow")
    n, end = _count(record, "width") or 0, _amount(record, "largest" if value > 1 else "smallest_normal")
    if found is None or end is None or n < 2 or end <= 0:
        return _power(math.log10(value)), "lost", format.NOTHING
    peak = math.sqrt(2 * math.log(n)) if value > 1 else 1.0
    expected = math.ceil(100 * (math.log(end) + math.log(n) / 2 - math.log(peak)) / math.log(value))
    return f"lost at layer {expected}", f"lost at layer {found}", _judged("2 layers", abs(found - expected) <= 2)


def _ranges(records: Sequence[Record]) -> Iterable[tuple[str, ...]]:
    half = next((record for record in records if _param(record, "dtype") == "f2"), None)
    tiny, top = (None, None) if half is None else (_amount(half, "smallest_normal"), _amount(half, "largest"))
    if tiny is not None:
        yield (
            "float16, smallest normal",
            "6e-5",
            _power(-14 * math.log10(2)),
            _power(_log(tiny)),
            _judged("0", tiny == 2.0**-14),
            "halved until its last bit was lost",
        )
    if top is not None:
        judged = _judged("0", top == 65504)
        yield "float16, largest", "6e4", "65504", f"{top:.0f}", judged, "doubled until it was infinite"


def _xavier(records: Sequence[Record]) -> Iterable[tuple[str, ...]]:
    for record in _preferred(records, ("numpy",)):
        init = _param(record, "init")
        if not init.startswith("xavier") or _param(record, "activation") != "identity":
            continue
        if _param(record, "shape") != "square":
            continue
        gamma, variance, largest = (_amount(record, name) for name in ("gamma", "weight_variance", "largest_weight"))
        if gamma is None or variance is None or gamma <= 0:
            continue
        yield (
            f"{init}, variance",
            "2/(n_in + n_out)",
            f"{gamma:.5f}",
            f"{variance:.5f}",
            _judged("1%", abs(variance / gamma - 1) <= 0.01),  # 4 standard deviations of 20 × 128² draws
            "weights of 20 layers of 128",
        )
        if init == "xavier-uniform" and largest is not None:
            yield (
                f"{init}, largest",
                "√(6/(n_in + n_out))",
                f"{math.sqrt(3 * gamma):.5f}",
                f"{largest:.5f}",
                _judged("0.1%", abs(largest / math.sqrt(3 * gamma) - 1) <= 1e-3),
                "variance of U[-a, a] is a²/3",
            )


SERIES = {
    "sigmoid": ("1/2 + x/4 - x³/48", (0, 1, 3)),
    "tanh": ("x - x³/3", (1, 3)),
    "relu": ("x for x ≥ 0", (1,)),
    "4sigmoid-2": ("x - x³/12", (1, 3)),
}


def _series(records: Sequence[Record]) -> Iterable[tuple[str, ...]]:
    """The expansions in the widest type measured, by NumPy where it was."""
    for activation, (lecture, powers) in SERIES.items():
        fitting = [r for r in _preferred(records, ("numpy",)) if _param(r, "activation") == activation]
        for dtype in ("f8", "f4"):
            record = next((r for r in fitting if _param(r, "dtype") == dtype), None)
            if record is None:
                continue
            measured, stated = (numbers_or_gaps(record.facts.get(name)) for name in ("taylor", "taylor_expected"))
            if len(measured) == 4 and len(stated) == 4:
                texts = [", ".join(_plain(c[k] or 0.0) for k in powers) for c in (stated, measured)]
                how = f"coefficients of a polynomial fitted to {format.value_of('dtype', dtype)}"
                yield f"{activation} near 0", lecture, *texts, _coefficients(record, powers), how
            break


def _span(tolerances: Iterable[float]) -> str:
    """`1e-7 … 5e-6`, or one number."""
    ends = sorted(set(tolerances))
    return " … ".join(f"{end:g}".replace("e-0", "e-") for end in dict.fromkeys((ends[0], ends[-1])))


def _coefficients(record: Record, powers: Sequence[int]) -> str:
    """The tolerances of these coefficients, and whether each keeps its own; those it is too wide for by name."""
    measured, stated, within = (
        numbers_or_gaps(record.facts.get(name)) for name in ("taylor", "taylor_expected", "taylor_tolerance")
    )
    chosen = [
        (k, a, b, t)
        for k, (a, b, t) in enumerate(zip(measured, stated, within, strict=False))
        if k in powers and a is not None and b is not None and t is not None
    ]
    if len(chosen) < len(powers):
        return format.NOTHING
    told = _judged(_span(t for *_, t in chosen), *(abs(a - b) <= t for _, a, b, t in chosen))
    blurred = [f"c{'₀₁₂₃'[k]}" for k, _, b, t in chosen if b and t >= abs(b)]
    return f"{told}; {', '.join(blurred)} not resolved" if blurred else told


# --- the map ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """One network: log₁₀ of the gradient's norm after each of `depths` layers, None where it was lost.

    `infinite`: from where on it is lost upwards.
    """

    name: str
    depths: Sequence[int]
    norms: Sequence[float | None]
    infinite: int | None
    safe: str

    def cells(self) -> Iterable[dict[str, Any]]:
        """Stretches of the row, each up to the depth whose norm it shows."""
        for start, end, value in zip([0, *self.depths], self.depths, self.norms, strict=False):
            lost = "infinite" if self.infinite is not None and end >= self.infinite else "zero"
            yield {
                "row": self.name, "a": start, "b": end, "case": f"{end} layers",
                "kind": _kind(value) if value is not None else lost, "fade": _strength(value),
                "shown": _power(value) if value is not None else f"lost: {lost}",
            }  # fmt: skip

    def shown(self, depth: int) -> str:
        """The norm after so many layers."""
        return _power(dict(zip(self.depths, self.norms, strict=False)).get(depth))


@dataclass(frozen=True)
class _Map:
    """Rows by type, and why a type has none."""

    rows: Mapping[str, Sequence[_Row]]
    lacking: Mapping[str, str] = field(default_factory=dict)


def _kind(log10: float) -> str:
    return "near 1" if abs(log10) <= 0.5 else "larger" if log10 > 0 else "smaller"


def _strength(log10: float | None) -> float:
    """Pale where the lecture wants gradients, full beyond 10²⁰ either way."""
    if log10 is None or abs(log10) <= 0.5 or abs(log10) > 20:
        return 1.0
    return 0.3 if PROPER[0] <= log10 <= PROPER[1] else 0.7


def _map(records: Sequence[Record]) -> Figure | None:
    """Gradient norms by layer: a panel a type, a row for each activation and initialisation, without remedies."""
    grid = next((found for r in records if (found := _grid(r.facts.get("map"))) is not None), None)
    grid = grid or _of_records(records)
    names = list(dict.fromkeys(row.name for rows in grid.rows.values() for row in rows))
    panels, rows_of_table = [], []
    for dtype in DTYPES:
        name, rows, why = format.value_of("dtype", dtype), grid.rows.get(dtype, ()), grid.lacking.get(dtype, "")
        cells = [cell for row in rows for cell in row.cells()]
        if not cells and not why:
            continue
        rows_of_table += [(name, row.name, *(row.shown(k) for k in (1, 10, 20, 50, 100)), row.safe) for row in rows]
        about = f"Norm of the gradient by layer in {name}, for {len(rows)} networks"
        if why:
            cells = [_blank(name, why) for name in names]
        spec = charts.by_layer(
            cells, [row.name for row in rows] or names, KINDS, x_title="layers from the loss", alt_text=about
        )
        panels.append(Panel(name, spec, about, f"Not computed: {why}" if why else ""))
    if not panels:
        return None
    head = ("type", "network", "after 1 layer", "10", "20", "50", "100", "safe depth")
    return Figure(
        "Gradients by layer",
        panels,
        Table("Norm of the gradient, which is 1 at the loss", head, rows_of_table),
        "Each row is a network of 100 layers; the gradient enters on the left with norm 1. Pale is within 10⁻⁶ … 10³, "
        "where the lecture wants it, strong is beyond, full colour beyond 10²⁰ either way. Where the outputs are lost "
        "on the way up, no gradient comes down, and the row is lost from the left on: how deep such a network may be "
        "says the safe depth in the table.",
        [
            Key("vanishing", "c1"),
            Key("between 0.3 and 3", "line"),
            Key("exploding", "c2"),
            Key("lost: infinite or NaN", "bad"),
            Key("lost: all zero", "ink-2"),
        ],
    )


def _blank(row: str, why: str) -> dict[str, Any]:
    return {"row": row, "a": 0, "b": 100, "kind": "not computed", "fade": 1.0, "case": "any layer", "shown": why}


def _grid(told: Any) -> _Map | None:
    """The map that a record keeps of all networks; None where there is none, or none that can be drawn."""
    try:
        names = [f"{activation}, {init}" for activation, init in told["networks"]]
        depths = [int(depth) for depth in told["depths"]]
        rows = {dtype: _rows(told[dtype], names, depths) for dtype in DTYPES if dtype in told}
        lacking = {dtype: str(told["lacking"][dtype]) for dtype in DTYPES if dtype in told["lacking"]}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    fitting = depths == sorted(set(depths)) and len(depths) <= 101 and len(names) <= 100
    return _Map(rows, lacking) if fitting and any(rows.values()) else None


def _rows(told: Any, names: Sequence[str], depths: Sequence[int]) -> list[_Row]:
    columns = (told["log10_norms"], told["overflow"], told["safe_depth"])
    return [
        _Row(name, depths, numbers_or_gaps(norms), overflow and int(overflow), _reached(int(safe), max(depths)))
        for name, norms, overflow, safe in zip(names, *columns, strict=True)
    ]


def _of_records(records: Sequence[Record]) -> _Map:
    """The same from networks that were measured one by one: what an older run has, or a GPU's."""
    plain = [record for record in _chains(records) if _param(record, "remedy") == "plain"]
    rows: dict[str, list[_Row]] = {}
    for record in plain:
        norms = numbers_or_gaps(record.facts.get("log10_norms"))
        depths = [depth for depth in range(1, len(norms)) if depth == 1 or depth % STRETCH == 0 or depth % 10 == 0]
        row = _Row(
            _network(record), depths, [norms[depth] for depth in depths], _count(record, "overflow"), _depths(record)[0]
        )
        if depths:
            rows.setdefault(_param(record, "dtype"), []).append(row)
    return _Map(rows)


def _network(record: Record) -> str:
    return f"{_param(record, 'activation')}, {_param(record, 'init')}"


def _reached(safe: int, layers: int) -> str:
    return f"≥ {layers}" if safe >= layers else f"{safe}"


def _depths(record: Record) -> tuple[str, str]:
    """The safe depth, and which trouble a layer more brings; a run before version 2 does not say."""
    safe, layers = _count(record, "safe_depth"), _count(record, "layers")
    if safe is None or layers is None:
        return format.NOTHING, format.NOTHING
    trouble = record.facts.get("trouble", format.NOTHING)
    said = TROUBLES.get(trouble, format.NOTHING) if isinstance(trouble, str) else "none"
    return _reached(safe, layers), f"{said}, with {safe + 1} layers" if said in TROUBLES.values() else said


# --- speed against safe depth -----------------------------------------------------------------------------------------


def _speed(records: Sequence[Record], labels: Mapping[int, str], several: bool) -> Figure | None:
    """Time a layer over safe depth, a panel for each network that was run in several types or with remedies.

    Of the CPU's variants the fastest, and beside it the GPU's.
    """
    chains = [r for r in _chains_by_run(records, labels) if _count(r, "safe_depth") is not None and _count(r, "layers")]
    networks: dict[str, list[Record]] = {}
    for record in chains:
        networks.setdefault(_network(record), []).append(record)
    networks = {name: found for name, found in networks.items() if len(found) > 2}
    drawn = sorted(networks, key=lambda name: -len(networks[name]))[:MOST_PANELS]
    panels, rows = [], []
    for name, found in networks.items():
        points = [_point(record, labels, several) for record in found]
        high = max(point["y"] for point in points) * 1.6
        low = min(point["y"] for point in points) / 1.6
        layers = max(_count(record, "layers") or 1 for record in found)
        spec = charts.named_points(
            points,
            {format.value_of("dtype", dtype): colour for dtype, colour in DTYPES.items()},
            x_title="layers that are safe",
            y_title="µs a layer",
            x_domain=(-2, layers * 1.04),
            y_domain=(low, high),
            log_x=False,
            alt_text=f"Time a layer over safe depth, {name}",
        )
        if name in drawn:
            panels.append(Panel(name, spec, f"Time a layer over safe depth, {name}"))
        for record in sorted(
            found,
            key=lambda r: (
                _param(r, "remedy") != "plain",
                list(DTYPES).index(_param(r, "dtype")) if _param(r, "dtype") in DTYPES else 9,
            ),
        ):
            row = (
                name,
                format.value_of("dtype", _param(record, "dtype")),
                _param(record, "remedy"),
                _depths(record)[0],
                _proper(record),
                format.number(_layer_time(record), "µs"),
                record.variant,
                _depths(record)[1],
            )
            rows.append((labels[id(record)], *row) if several else row)
    if not panels:
        return None
    head = ("network", "type", "remedy", "safe depth", "within 10⁻⁶ … 10³", "a layer", "variant", "first trouble")
    return Figure(
        "Speed against safe depth",
        panels,
        Table("Time a layer, up and down, and how deep the network may be", ("run", *head) if several else head, rows),
        "A layer costs the time on the y axis, up and down; a network of more layers than its point's loses outputs or "
        "gradients. Right and low is good. "
        "Narrow types are read faster and reach less far; a remedy moves a point right for what it costs in time. "
        "The largest depth tried is 100."
        + (
            " On the GPU each operation of a layer is a launch of its own, by CuPy."
            if any(common.on_gpu(record) for record in chains)
            else ""
        ),
        [
            Key(format.value_of("dtype", dtype), colour)
            for dtype, colour in DTYPES.items()
            if any(_param(r, "dtype") == dtype for r in chains)
        ],
    )


def _proper(record: Record) -> str:
    proper, layers = _count(record, "proper_depth"), _count(record, "layers")
    return format.NOTHING if proper is None or layers is None else _reached(proper, layers)


def _chains_by_run(records: Sequence[Record], labels: Mapping[int, str]) -> list[Record]:
    """For each run and each device one record a network."""
    places = dict.fromkeys((labels[id(record)], record.device) for record in records)
    return [chosen for place in places for chosen in _chains(r for r in records if (labels[id(r)], r.device) == place)]


def _layer_time(record: Record) -> float:
    """Microseconds a layer."""
    return estimate(record.samples).value / (_count(record, "layers") or 1) * 1e6


def _point(record: Record, labels: Mapping[int, str], several: bool) -> dict[str, Any]:
    safe = _count(record, "safe_depth") or 0
    remedy, dtype = _param(record, "remedy"), format.value_of("dtype", _param(record, "dtype"))
    name = dtype if remedy == "plain" else remedy
    about = [*(["GPU"] if common.on_gpu(record) else []), *([labels[id(record)]] if several else [])]
    if about:
        name = f"{name} ({', '.join(about)})"
    seconds = _layer_time(record)
    return {
        "x": safe,
        "y": float(f"{seconds:.5g}"),
        "kind": dtype,
        "label": name,
        "right": safe < 60,
        "fade": 0.45 if record.status == "suspect" else 1.0,
        "case": ", ".join([_network(record), dtype, remedy, *(["GPU"] if common.on_gpu(record) else [])]),
        "more": f"safe for {_depths(record)[0]} layers, {format.number(seconds, 'µs')} each, {_depths(record)[1]}",
    }


# --- variances --------------------------------------------------------------------------------------------------------


def _variances(records: Sequence[Record]) -> list[Figure]:
    numpy = _preferred(records, ("numpy",))
    square = [record for record in numpy if _param(record, "shape") == "square"]
    by_init = {_param(r, "init"): r for r in square if _param(r, "activation") == "identity"}
    by_activation = {
        f"{_param(r, 'activation')}, {_param(r, 'init')}": r
        for r in square
        if _param(r, "init") == "xavier-normal" or (_param(r, "activation"), _param(r, "init")) == ("relu", "he")
    }
    alternating = {f"{_param(r, 'init')}": r for r in numpy if _param(r, "shape") == "alternating"}
    figures = [
        _variance(
            "Variance by layer and initialisation",
            by_init,
            "20 layers of 128 units without activation. Dots were measured, dashed lines are the closed form: n γ a "
            "layer, γ being a weight's variance. "
            "Xavier keeps both at 1, He doubles them, N(0, 0.01) loses a factor of 78 a layer and leaves the chart.",
        ),
        _variance(
            "Variance by layer and activation",
            by_activation,
            "The mean square of outputs and gradients behind an activation. Dashed: theory for infinitely wide "
            "layers. sigmoid's outputs sit around ½ and its "
            "slope of at most ¼ shrinks gradients at every layer; 4 sigmoid - 2 mends that, being x near 0 as tanh "
            "is; relu needs He's factor. "
            "One network of finite width strays from theory, the further the deeper.",
        ),
        _variance(
            "Layers of unlike width",
            alternating,
            "Layers of 64 and 192 units take turns. Outputs want n_in γ = 1 and gradients n_out γ = 1, which cannot "
            "both be; Xavier serves both halfway, "
            "He only outputs behind a relu.",
        ),
    ]
    return [figure for figure in figures if figure is not None]


def _variance(title: str, networks: Mapping[str, Record], text: str) -> Figure | None:
    colours = {name: SLOTS[i % len(SLOTS)] for i, name in enumerate(networks)}
    panels, rows = [], []
    for way, label in (("forward", "outputs"), ("backward", "gradients")):
        points: list[dict[str, Any]] = []
        for name, record in networks.items():
            measured, theory = (numbers_or_gaps(record.facts.get(key)) for key in (way, f"expected_{way}"))
            for layer, (value, expected) in enumerate(zip(measured, theory, strict=False)):
                if value is None or expected is None or value <= 0 or expected <= 0:
                    continue
                points.append(
                    {
                        "series": name,
                        "x": layer,
                        "value": value,
                        "theory": expected,
                        "shown": _power(_log(value)),
                        "expected": _power(_log(expected)),
                    }
                )
            if measured and theory:
                end = -1 if way == "forward" else 0
                rows.append(
                    (
                        label,
                        name,
                        *(
                            _power(_log(v))
                            for v in (
                                measured[len(measured) // 2],
                                theory[len(theory) // 2],
                                measured[end],
                                theory[end],
                            )
                        ),
                    )
                )
        if not points:
            continue
        seen = [value for point in points for value in (point["value"], point["theory"])]
        domain = (max(min(seen) / 2, 1e-9), min(max(seen) * 2, 1e9))
        about = f"Mean square of {label} by layer, {', '.join(networks)}, beside the closed form"
        spec = charts.against_theory(
            points, colours, domain, x_title="layer, the input is 0", y_title=f"mean square of {label}", alt_text=about
        )
        panels.append(Panel(label, spec, about))
    if not panels:
        return None
    head = ("of", "network", "halfway", "theory", "at the end", "theory")
    legend = [Key(name, colour) for name, colour in colours.items()]
    return Figure(
        title,
        panels,
        Table("Mean squares; the end is the last layer for outputs, the first for gradients", head, rows),
        text,
        legend,
    )


def _plain(value: float) -> str:
    """Five decimals, and no minus before a zero."""
    return f"{round(value, 5) + 0.0:.5f}"


# --- expansions -------------------------------------------------------------------------------------------------------


def _taylor(records: Sequence[Record], labels: Mapping[int, str], several: bool) -> Table | None:
    rows = []
    seen = set()
    for record in records:
        case = tuple(_param(record, name) for name in ("activation", "dtype"))
        if (labels[id(record)], record.device, record.variant, *case) in seen:
            continue  # the same function, of more elements
        seen.add((labels[id(record)], record.device, record.variant, *case))
        measured, stated = (numbers_or_gaps(record.facts.get(name)) for name in ("taylor", "taylor_expected"))
        errors = numbers_or_gaps(record.facts.get("cubic_errors"))
        if len(measured) != 4 or len(stated) != 4 or len(errors) != 4:
            continue
        row = (
            _param(record, "activation"),
            format.value_of("dtype", _param(record, "dtype")),
            record.variant,
            *(
                format.NOTHING if a is None or b is None else f"{_plain(a)} ({_plain(b)})"
                for a, b in zip(measured, stated, strict=True)
            ),
            _coefficients(record, range(4)),
            *(format.number(error) if error else "0" for error in (errors[1], errors[3])),
            format.number(_amount(record, "largest_error_eps"), "ε"),
        )
        rows.append((labels[id(record)], *row) if several else row)
    if not rows:
        return None
    head = (
        "activation",
        "type",
        "implementation",
        "c₀",
        "c₁",
        "c₂",
        "c₃",
        "tolerance",
        "off at x = 1/4",
        "off at x = 1",
        "largest error",
    )
    return Table(
        "Expansions at 0: fitted coefficients (Taylor's in brackets), how far the function is from c₀ … c₃ x³, and "
        "the largest rounding error in steps of the type at 1",
        ("run", *head) if several else head,
        rows,
    )
