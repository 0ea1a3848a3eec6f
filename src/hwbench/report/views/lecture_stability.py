"""Numerical stability: what became of gradients by layer, how deep a network may be in which type, and its speed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...model import Record, Run
from ...stats import estimate
from .. import gpu, words
from ..sections import Block, Figure, Key, Panel, Section, Table
from ..source import Runs
from . import lecture_charts

GRADIENTS, INITIALIZATION, ACTIVATIONS = "stability.gradients", "stability.initialization", "stability.activations"
DTYPES = {"f2": "c2", "bf16": "c6", "f4": "c1", "f8": "c3"}
SLOTS = ("c1", "c2", "c3", "c4", "c6", "c7")
STRETCH = 4  # layers a cell of the map
FEW = 4  # networks: a type with fewer stays in the table, where another has a map of more
BINS = ((0.5, 0.0), (2, 0.25), (5, 0.45), (10, 0.65), (20, 0.85), (math.inf, 1.0))  # |log₁₀ ‖g‖| up to …: how strong
KINDS = {"smaller": "c1", "near 1": "line", "larger": "c2", "infinite": "bad", "zero": "ink-2"}
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
        "between 10⁻⁶ and 10³.",
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
        return words.NOTHING
    if -2 <= log10 < 3:
        return words.number(10**log10)
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
    head = ("figure", "lecture", "by arithmetic", "measured here", "how")
    return Table("The lecture's figures beside those of this run", ("run", *head) if several else head, rows)


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
                if _param(record, "dtype") != dtype or len(norms) != 101:
                    continue
                shown = _power(norms[-1]) if norms[-1] is not None else f"lost at layer {_lost(record)}"
                yield (
                    what,
                    lecture,
                    _power(math.log10(value)),
                    shown,
                    f"norm of a gradient after 100 layers, {words.value_of('dtype', dtype)}",
                )


def _lost(record: Record) -> str:
    """Where a gradient left the type's range for good."""
    depths = [depth for depth in (_count(record, "overflow"), _count(record, "dead")) if depth is not None]
    return str(min(depths)) if depths else words.NOTHING


def _ranges(records: Sequence[Record]) -> Iterable[tuple[str, ...]]:
    half = next((record for record in records if _param(record, "dtype") == "f2"), None)
    tiny, top = (None, None) if half is None else (_amount(half, "smallest_normal"), _amount(half, "largest"))
    if tiny is not None:
        yield (
            "float16, smallest normal",
            "6e-5",
            _power(-14 * math.log10(2)),
            _power(_log(tiny)),
            "halved until its last bit was lost",
        )
    if top is not None:
        yield "float16, largest", "6e4", "65504", f"{top:.0f}", "doubled until it was infinite"


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
            f"{init}, variance of a weight",
            "2/(n_in + n_out)",
            f"{gamma:.5f}",
            f"{variance:.5f}",
            "all weights of 20 layers of 128",
        )
        if init == "xavier-uniform" and largest is not None:
            yield (
                f"{init}, largest weight",
                "√(6/(n_in + n_out))",
                f"{math.sqrt(3 * gamma):.5f}",
                f"{largest:.5f}",
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
            tolerance = _amount(record, "taylor_tolerance")
            if len(measured) == 4 and len(stated) == 4 and tolerance is not None:
                texts = [", ".join(f"{round(c[k] or 0.0, 6) + 0.0:.6f}" for k in powers) for c in (stated, measured)]
                how = f"coefficients of a polynomial fitted to {words.value_of('dtype', dtype)}, to ± {tolerance:g}"
                yield f"{activation} near 0", lecture, *texts, how
            break


# --- the map ----------------------------------------------------------------------------------------------------------


def _map(records: Sequence[Record]) -> Figure | None:
    """Gradient norms by layer: a panel a type, a row for each activation and initialisation, without remedies."""
    plain = [record for record in _chains(records) if _param(record, "remedy") == "plain"]
    panels, rows_of_table = [], []
    most = max((len({_network(r) for r in plain if _param(r, "dtype") == dtype}) for dtype in DTYPES), default=0)
    for dtype in DTYPES:
        here = [record for record in plain if _param(record, "dtype") == dtype]
        rows = list(dict.fromkeys(_network(record) for record in here))
        cells = [cell for record in here for cell in _cells(record)]
        if not cells:
            continue
        name = words.value_of("dtype", dtype)
        for record in here:
            norms = numbers_or_gaps(record.facts.get("log10_norms"))
            picked = [_power(norms[k]) if k < len(norms) else words.NOTHING for k in (1, 10, 20, 50, 100)]
            rows_of_table.append((name, _network(record), *picked, *_depths(record)))
        if len(rows) < FEW <= most:
            continue
        spec = lecture_charts.by_layer(
            cells,
            rows,
            KINDS,
            x_title="layers from the loss",
            alt_text=f"Norm of the gradient by layer in {name}, for {len(rows)} networks",
        )
        panels.append(Panel(name, spec, f"Norm of the gradient by layer in {name}, for {len(rows)} networks"))
    if not panels:
        return None
    head = ("type", "network", "after 1 layer", "10", "20", "50", "100", "safe depth", "first trouble")
    return Figure(
        "Gradients by layer",
        panels,
        Table("Norm of the gradient, which is 1 at the loss", head, rows_of_table),
        "Each row is a network of 100 layers; the gradient enters on the left with norm 1. The stronger the colour, "
        "the further it is from 1: "
        "full colour is beyond 10²⁰ either way. A network trains where its row stays without colour, at every layer.",
        [
            Key("vanishing", "c1"),
            Key("between 0.3 and 3", "line"),
            Key("exploding", "c2"),
            Key("lost: infinite or NaN", "bad"),
            Key("lost: all zero", "ink-2"),
        ],
    )


def _network(record: Record) -> str:
    return f"{_param(record, 'activation')}, {_param(record, 'init')}"


def _cells(record: Record) -> Iterable[dict[str, Any]]:
    norms = numbers_or_gaps(record.facts.get("log10_norms"))
    overflow = _count(record, "overflow")
    for k in range(0, len(norms) - 1, STRETCH):
        value = norms[k]
        if value is None:
            kind, fade = ("infinite" if overflow is not None and k >= overflow else "zero"), 1.0
        else:
            fade = next(strength for bound, strength in BINS if abs(value) <= bound)
            kind = "near 1" if fade == 0 else "larger" if value > 0 else "smaller"
        yield {
            "row": _network(record),
            "a": k,
            "b": min(k + STRETCH, len(norms) - 1),
            "kind": kind,
            "fade": fade or 1.0,
            "case": f"{k} layers",
            "shown": _power(value) if value is not None else f"lost: {kind}",
        }


def _depths(record: Record) -> tuple[str, str]:
    """The safe depth, and which trouble comes first."""
    safe, layers = _count(record, "safe_depth"), _count(record, "layers")
    named = {
        "overflow": "the gradient overflows",
        "underflow": "the gradient goes below the smallest normal number",
        "forward_overflow": "the outputs overflow",
    }
    troubles = [(depth, said) for name, said in named.items() if (depth := _count(record, name)) is not None]
    first = min(troubles, default=None)
    shown = words.NOTHING if safe is None else f"{safe}" if first or layers is None else f"≥ {layers}"
    return shown, f"{first[1]} at layer {first[0]}" if first else "none"


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
    panels, rows = [], []
    for name, found in networks.items():
        points = [_point(record, labels, several) for record in found]
        high = max(point["y"] for point in points) * 1.6
        low = min(point["y"] for point in points) / 1.6
        layers = max(_count(record, "layers") or 1 for record in found)
        spec = lecture_charts.named_points(
            points,
            {words.value_of("dtype", dtype): colour for dtype, colour in DTYPES.items()},
            x_title="layers that are safe",
            y_title="µs a layer",
            x_domain=(-2, layers * 1.04),
            y_domain=(low, high),
            log_x=False,
            alt_text=f"Time a layer over safe depth, {name}",
        )
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
                words.value_of("dtype", _param(record, "dtype")),
                _param(record, "remedy"),
                _depths(record)[0],
                words.number(_layer_time(record), "µs"),
                record.variant,
                _depths(record)[1],
            )
            rows.append((labels[id(record)], *row) if several else row)
    if not panels:
        return None
    head = ("network", "type", "remedy", "safe depth", "a layer", "variant", "first trouble")
    return Figure(
        "Speed against safe depth",
        panels,
        Table("Time a layer, up and down, and how deep the network may be", ("run", *head) if several else head, rows),
        "A layer costs the time on the y axis, up and down; to the right of its point a network of this kind loses "
        "gradients. Right and low is good. "
        "Narrow types are read faster and reach less far; a remedy moves a point right for what it costs in time. "
        "The largest depth tried is 100."
        + (
            " On the GPU each operation of a layer is a launch of its own, by CuPy."
            if any(gpu.on_gpu(record) for record in chains)
            else ""
        ),
        [
            Key(words.value_of("dtype", dtype), colour)
            for dtype, colour in DTYPES.items()
            if any(_param(r, "dtype") == dtype for r in chains)
        ],
    )


def _chains_by_run(records: Sequence[Record], labels: Mapping[int, str]) -> list[Record]:
    """For each run and each device one record a network."""
    places = dict.fromkeys((labels[id(record)], record.device) for record in records)
    return [chosen for place in places for chosen in _chains(r for r in records if (labels[id(r)], r.device) == place)]


def _layer_time(record: Record) -> float:
    """Microseconds a layer."""
    return estimate(record.samples).value / (_count(record, "layers") or 1) * 1e6


def _point(record: Record, labels: Mapping[int, str], several: bool) -> dict[str, Any]:
    safe = _count(record, "safe_depth") or 0
    remedy, dtype = _param(record, "remedy"), words.value_of("dtype", _param(record, "dtype"))
    name = dtype if remedy == "plain" else remedy
    about = [*(["GPU"] if gpu.on_gpu(record) else []), *([labels[id(record)]] if several else [])]
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
        "case": ", ".join([_network(record), dtype, remedy, *(["GPU"] if gpu.on_gpu(record) else [])]),
        "more": f"safe for {_depths(record)[0]} layers, {words.number(seconds, 'µs')} each, {_depths(record)[1]}",
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
        spec = lecture_charts.against_theory(
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
            words.value_of("dtype", _param(record, "dtype")),
            record.variant,
            *(
                words.NOTHING if a is None or b is None else f"{_plain(a)} ({_plain(b)})"
                for a, b in zip(measured, stated, strict=True)
            ),
            *(words.number(error) if error else "0" for error in (errors[1], errors[3])),
            words.number(_amount(record, "largest_error_eps"), "ε"),
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
