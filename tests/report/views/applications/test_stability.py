"""The lecture's view of stability: cells, depths and figures are those of the facts; a hostile file breaks nothing."""

import json
import math

import msgspec
import pytest

from hwbench.record.model import Cache, Cpu, Machine, Memory, Record, Run
from hwbench.report.sections import Figure, Table
from hwbench.report.views.applications import charts
from hwbench.report.views.applications.stability import view as stability_view

MACHINE = Machine(
    name="box",
    cpu=Cpu(model="CPU", arch="x86_64", logical=2, physical=2, caches=[Cache(1, 32768, 64, 1)]),
    memory=Memory(total=2**34),
)


def chain(
    factor, dtype, init, *, activation="identity", remedy="plain", safe=100, seconds=2e-4, variant="numba",
    device="cpu", **facts,
):  # fmt: skip
    norms = [round(k * math.log10(factor), 5) for k in range(101)]
    for k in range(safe + 1, 101):
        norms[k] = None
    found = {
        "layers": 100,
        "width": 128,
        "log10_norms": norms,
        "log10_forward": norms,
        "safe_depth": safe,
        "overflow": None,
        "underflow": None,
        "dead": None,
        "forward_overflow": None,
        "forward_underflow": None,
        "forward_dead": None,
        "trouble": None if safe == 100 else "overflow" if factor > 1 else "underflow",
        "proper_depth": min(safe, 17),
        "smallest_normal": 2.0**-14,
        "largest": 65504.0,
    }
    if safe < 100:
        found["overflow" if factor > 1 else "dead"] = safe + 1
        found["underflow"] = None if factor > 1 else safe + 1
    return Record(
        bench="stability.gradients",
        version=1,
        variant=variant,
        device=device,
        params={"activation": activation, "init": init, "dtype": dtype, "remedy": remedy},
        status="ok",
        loops=1,
        samples=[seconds] * 10,
        counts={"bytes": 1e6, "flops": 1e6},
        facts=found | facts,
    )


def variance(init, activation="identity", shape="square", variant="numpy", rate=0.5):
    values = [rate**t for t in range(21)]
    return Record(
        bench="stability.initialization",
        version=1,
        variant=variant,
        device="cpu",
        params={"init": init, "activation": activation, "shape": shape, "dtype": "f4"},
        status="ok",
        loops=1,
        samples=[1e-3] * 10,
        counts={"flops": 1e6},
        facts={
            "forward": [v * 1.01 for v in values],
            "expected_forward": values,
            "backward": values[::-1],
            "expected_backward": values[::-1],
            "weight_variance": 0.0078,
            "gamma": 0.0078125,
            "largest_weight": 0.1531,
        },
    )


def activation(name="sigmoid", dtype="f4", **facts):
    return Record(
        bench="stability.activations",
        version=1,
        variant="numpy",
        device="cpu",
        params={"activation": name, "dtype": dtype, "n": 4096},
        status="ok",
        loops=1,
        samples=[1e-5] * 10,
        counts={"items": 4096},
        facts={
            "taylor": [0.5, 0.25, -1e-9, -0.0208334],
            "taylor_expected": [0.5, 0.25, 0.0, -1 / 48],
            "taylor_tolerance": [1e-5] * 4,
            "steps": [0.125, 0.25, 0.5, 1.0],
            "cubic_errors": [0.0, 2e-6, 6e-5, 1.8e-3],
            "largest_error_eps": 1.0,
        }
        | facts,
    )


def networks():
    return [
        chain(1.5, "f2", "orthogonal-1.5", safe=24, seconds=1e-4),
        chain(1.5, "f4", "orthogonal-1.5"),
        chain(1.5, "f8", "orthogonal-1.5", seconds=4e-4),
        chain(1.5, "f8", "orthogonal-1.5", seconds=9e-4, variant="numpy"),
        chain(1.0, "f2", "orthogonal-1.5", remedy="normalised", seconds=1.3e-4),
        *(chain(0.5, "f2", "he", activation=name, safe=12) for name in ("relu", "sigmoid", "tanh")),
    ]


def run_of(records, name="box"):
    return Run(
        id=f"{name}-1",
        started="2026-01-01T00:00:00Z",
        machine=msgspec.structs.replace(MACHINE, name=name),
        records=records,
    )


def block(section, title):
    return next(
        block for block in section.blocks if title in (getattr(block, "title", ""), getattr(block, "caption", ""))
    )


def data_of(spec):
    """The data of a chart, colours by their names again."""
    rows = [row for rows in spec["datasets"].values() for row in rows]
    return [row | ({"kind": spec["usermeta"].get(row["kind"])} if "kind" in row else {}) for row in rows]


def test_no_stability_no_section():
    """A run without these benches, or with failed cases alone, has no section."""
    failed = Record(
        bench="stability.gradients", version=1, variant="numba", device="cpu", params={}, status="error", reason="x"
    )
    assert stability_view([run_of([])]) is None
    assert stability_view([run_of([failed])]) is None


def test_the_lectures_figures_stand_beside_the_measured():
    """The table holds 1.5¹⁰⁰ as lectured, computed and measured, float16's loss of it and range, Xavier and Taylor."""
    section = stability_view([run_of([*networks(), variance("xavier-uniform"), activation()])])
    table = block(section, "The lecture's figures beside those of this run")
    rows = {row[0]: [r for r in table.rows if r[0] == row[0]] for row in table.rows}
    assert [row[2:5] for row in rows["1.5¹⁰⁰"]] == [
        ("4.07 × 10¹⁷", "4.07 × 10¹⁷", "± 0.01%: within"),
        ("lost at layer 31", "lost at layer 25", "± 2 layers: outside"),
    ]
    assert rows["1.5¹⁰⁰"][0][1:3] == ("≈ 4 × 10¹⁷", "4.07 × 10¹⁷")
    assert rows["float16, smallest normal"][0][3] == "6.10 × 10⁻⁵"
    assert rows["float16, largest"][0][3:5] == ("65504", "± 0: within")
    assert rows["xavier-uniform, variance"][0][2:5] == ("0.00781", "0.00780", "± 1%: within")
    assert rows["xavier-uniform, largest"][0][2:5] == ("0.15309", "0.15310", "± 0.1%: within")
    assert rows["sigmoid near 0"][0][2:4] == ("0.50000, 0.25000, -0.02083", "0.50000, 0.25000, -0.02083")
    assert rows["sigmoid near 0"][0][4] == "± 1e-5: within"


def judged(title, *records):
    """The column of judgements of a table, by the first cell of its row."""
    table = block(stability_view([run_of(list(records))]), title)
    return {row[0]: row[table.head.index("tolerance")] for row in table.rows}


def test_figures_beyond_their_tolerance_are_said_to_be():
    """A power off by 1%, float16 with another range, weights of another variance, a wrong coefficient: outside, all."""
    half = chain(1.5, "f2", "orthogonal-1.5", safe=24, smallest_normal=2.0**-15, largest=65472.0)
    single = chain(1.5 * 1.01**0.01, "f4", "orthogonal-1.5")
    weights = variance("xavier-uniform")
    weights = msgspec.structs.replace(
        weights, facts=weights.facts | {"weight_variance": 0.0080, "largest_weight": 0.16}
    )
    wrong = activation(taylor=[0.5, 0.25, 0.0, -0.0210])
    found = judged("The lecture's figures beside those of this run", half, single, weights, wrong)
    assert len(found) == 6
    assert all(told.endswith(": outside") for told in found.values())


def test_what_a_type_cannot_resolve_is_said():
    """A tolerance as large as the coefficient judges nothing."""
    record = activation(dtype="f4", taylor_tolerance=[5e-2] * 4)
    found = judged("The lecture's figures beside those of this run", record)
    assert found["sigmoid near 0"] == "± 0.05: within; c₃ not resolved"


def test_the_map_of_single_records_has_a_cell_for_every_stretch():
    """Cells cover 0 to 100 without gap, grow stronger with the norm, and tell lost ones by how they were lost."""
    section = stability_view([run_of(networks())])
    figure = block(section, "Gradients by layer")
    assert [panel.title for panel in figure.panels] == ["float16", "float32", "float64"]
    cells = [cell for cell in data_of(figure.panels[0].spec) if cell["row"] == "identity, orthogonal-1.5"]
    assert [cell["a"] for cell in cells] == [0, *(cell["b"] for cell in cells)][:-1]
    assert cells[-1]["b"] == 100
    assert {cell["kind"] for cell in cells if cell["a"] >= 24} == {"infinite"}
    kept = [cell for cell in cells if 4 <= cell["b"] <= 24]
    assert {cell["kind"] for cell in kept} == {"larger"}
    assert [cell["fade"] for cell in kept] == [0.3 if cell["b"] <= 17 else 0.7 for cell in kept]  # 1.5¹⁷ ≈ 10³
    zero = [cell for cell in data_of(figure.panels[0].spec) if cell["row"] == "relu, he" and cell["b"] > 12]
    assert {cell["kind"] for cell in zero} == {"zero"}
    assert {row[0] for row in figure.table.rows} == {"float16", "float32", "float64"}


def grid():
    """Two networks in three types: one stretches by 10 a layer, of the other everything is lost on the way up."""
    column = {"log10_norms": [[1, 10, None], [None] * 3], "overflow": [11, None], "safe_depth": [10, 20]}
    whole = {"log10_norms": [[1, 10, 100], [-0.2, -2.1, -20.5]], "overflow": [None, None], "safe_depth": [100, 100]}
    return {
        "networks": [["identity", "he"], ["relu", "he"]], "depths": [1, 10, 100],
        "lacking": {"bf16": "bf16 needs the package ml_dtypes"}, "f2": column, "f4": whole, "f8": whole,
    }  # fmt: skip


def test_the_map_has_a_panel_for_every_type():
    """All networks in each type, whatever was timed; the type that cannot be had says why."""
    section = stability_view([run_of([*networks(), chain(1.5, "f4", "orthogonal-1.5", remedy="clipped", map=grid())])])
    figure = block(section, "Gradients by layer")
    assert [panel.title for panel in figure.panels] == ["float16", "bfloat16", "float32", "float64"]
    assert figure.panels[1].note == "Not computed: bf16 needs the package ml_dtypes"
    for panel in figure.panels:
        assert {cell["row"] for cell in data_of(panel.spec)} == {"identity, he", "relu, he"}
    half = {(cell["row"], cell["b"]): cell["kind"] for cell in data_of(figure.panels[0].spec)}
    assert [half["identity, he", depth] for depth in (1, 10, 100)] == ["larger", "larger", "infinite"]
    assert {half["relu, he", depth] for depth in (1, 10, 100)} == {"zero"}
    rows = {(row[0], row[1]): row[2:] for row in figure.table.rows}
    assert rows["float16", "relu, he"] == (*["–"] * 5, "20")
    assert rows["float64", "relu, he"] == ("0.631", "7.94 × 10⁻³", "–", "–", "3.16 × 10⁻²¹", "≥ 100")


@pytest.mark.parametrize("part", ["networks", "depths", "lacking", "f2"])
@pytest.mark.parametrize("junk", [None, "x", [], {}, [[1]], [None], 1e308, True, {"log10_norms": [1], "overflow": 2}])
def test_a_strange_map_breaks_nothing(part, junk):
    """The networks that were timed are drawn in its place."""
    record = chain(1.5, "f4", "orthogonal-1.5", map=grid() | {part: junk})
    for panel in block(stability_view([run_of([*networks(), record])]), "Gradients by layer").panels:
        json.dumps(panel.spec, allow_nan=False)


def test_six_networks_have_a_panel_of_speeds():
    """Those with the most types and remedies; the table has every one."""
    inits = [f"orthogonal-{number}" for number in range(9)]
    records = [
        chain(1.5, dtype, init, remedy=remedy)
        for number, init in enumerate(inits)
        for remedy in ("plain", "clipped")[: 1 + (number > 2)]
        for dtype in ("f2", "f4", "f8")
    ]
    figure = block(stability_view([run_of(records)]), "Speed against safe depth")
    assert [panel.title for panel in figure.panels] == [f"identity, {init}" for init in inits[3:]]
    assert {row[0] for row in figure.table.rows} == {f"identity, {init}" for init in inits}


def test_speed_stands_against_safe_depth():
    """A point lies at its safe depth and its microseconds a layer; of two variants the compiled one is drawn."""
    section = stability_view([run_of(networks())])
    figure = block(section, "Speed against safe depth")
    points = {point["case"]: point for point in data_of(figure.panels[0].spec) if "case" in point}
    half = points["identity, orthogonal-1.5, float16, plain"]
    assert (half["x"], half["y"]) == (24, pytest.approx(1.0))
    assert points["identity, orthogonal-1.5, float64, plain"]["y"] == pytest.approx(4.0)
    assert points["identity, orthogonal-1.5, float16, normalised"]["label"] == "normalised"
    rows = {(row[1], row[2]): row for row in figure.table.rows}
    assert rows["float16", "plain"][3:6] == ("24", "17", "1.00 µs")
    assert rows["float32", "plain"][3] == "≥ 100"
    assert rows["float16", "plain"][7] == "the gradient overflows, with 25 layers"
    assert rows["float32", "plain"][7] == "none"


def on_gpu():
    """The plain network in three types on a GPU, 50 µs a layer whatever the type."""
    return [
        chain(1.5, dtype, "orthogonal-1.5", safe=safe, seconds=5e-3, variant="cupy", device="gpu:0")
        for dtype, safe in (("f2", 24), ("f4", 100), ("f8", 100))
    ]


def test_a_gpus_layers_stand_beside_the_cpus():
    """A point and a row of its own for each type; the map has each network once."""
    section = stability_view([run_of([*networks(), *on_gpu()])])
    figure = block(section, "Speed against safe depth")
    points = {point["case"]: point for point in data_of(figure.panels[0].spec) if "case" in point}
    assert points["identity, orthogonal-1.5, float16, plain"]["y"] == pytest.approx(1.0)
    assert points["identity, orthogonal-1.5, float16, plain, GPU"]["y"] == pytest.approx(50.0)
    assert points["identity, orthogonal-1.5, float16, plain, GPU"]["label"] == "float16 (GPU)"
    cupy = [row for row in figure.table.rows if row[6] == "cupy"]
    assert [(row[1], row[3], row[5]) for row in cupy] == [
        ("float16", "24", "50.0 µs"), ("float32", "≥ 100", "50.0 µs"), ("float64", "≥ 100", "50.0 µs"),
    ]  # fmt: skip
    assert "launch of its own, by CuPy" in figure.text
    alone = stability_view([run_of(networks())])
    for title in ("Gradients by layer", "The lecture's figures beside those of this run"):
        tables = [getattr(block(one, title), "table", block(one, title)) for one in (section, alone)]
        assert tables[0].rows == tables[1].rows
    assert "GPU" not in block(alone, "Speed against safe depth").text


def test_a_run_of_a_gpu_alone_has_its_figures():
    """What became of the numbers is told by whoever computed it."""
    records = [*on_gpu(), msgspec.structs.replace(variance("xavier-uniform", variant="cupy"), device="gpu:0")]
    section = stability_view([run_of(records)])
    table = block(section, "The lecture's figures beside those of this run")
    assert {"1.5¹⁰⁰", "float16, largest", "xavier-uniform, variance"} <= {row[0] for row in table.rows}
    assert block(section, "Variance by layer and initialisation").panels


def test_an_implementation_has_one_row_of_expansions_however_many_elements():
    """A GPU computes one function in few elements and in many."""
    cupy = msgspec.structs.replace(activation(), variant="cupy", device="gpu:0")
    many = msgspec.structs.replace(cupy, params=cupy.params | {"n": 1 << 24})
    section = stability_view([run_of([activation(), cupy, many])])
    (table,) = [one for one in section.blocks if getattr(one, "caption", "").startswith("Expansions at 0")]
    assert [row[2] for row in table.rows] == ["numpy", "cupy"]


def test_variances_stand_beside_their_closed_form():
    """Dots and dashed line of a layer are its measured and expected mean square, and the table holds both ends."""
    section = stability_view([run_of([variance("xavier-normal"), variance("he", rate=2.0)])])
    figure = block(section, "Variance by layer and initialisation")
    assert [panel.title for panel in figure.panels] == ["outputs", "gradients"]
    dots = [row for row in data_of(figure.panels[0].spec) if row["case"] == "xavier-normal"]
    assert {row["x"] for row in dots} == set(range(21))
    assert all(row["value"] == pytest.approx(1.01 * row["theory"]) for row in dots)
    assert figure.table.rows[1][:2] == ("outputs", "he")
    assert figure.table.rows[1][4:] == ("1.06 × 10⁶", "1.05 × 10⁶")


def test_several_runs_stand_side_by_side():
    """With two runs every row of the tables says whose it is."""
    section = stability_view([run_of([*networks(), activation()], "a"), run_of(networks(), "b")])
    table = block(section, "The lecture's figures beside those of this run")
    assert table.head[0] == "run"
    assert {row[0].partition(",")[0] for row in table.rows} == {"a", "b"}


HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "junk", [None, HOSTILE, [HOSTILE], {"a": 1}, True, -5, 1e308, [[1]], [None] * 101, [True] * 101, [1e400] * 3]
)
def test_strange_facts_break_nothing(junk):
    """Facts of any type, and parameters that are markup, give a section or none, and no exception."""
    names = {"map"} | set(chain(1.5, "f2", "he").facts) | set(variance("he").facts) | set(activation().facts)
    records = [
        msgspec.structs.replace(record, facts=dict.fromkeys(names, junk))
        for record in (*networks(), variance("xavier-uniform"), activation())
    ]
    records += [
        msgspec.structs.replace(record, params=dict.fromkeys(record.params, HOSTILE))
        for record in (*networks(), variance("he"), activation())
    ]
    records.append(msgspec.structs.replace(networks()[0], params={}))
    section = stability_view([run_of(records)])
    if section is not None:
        for part in section.blocks:
            assert isinstance(part, Figure | Table)
            for panel in getattr(part, "panels", ()):
                json.dumps(panel.spec, allow_nan=False)


def test_labels_keep_their_distance():
    """Labels of one side are at least a line apart, empty ones take no room, and none is below its point."""
    points = [
        {"y": 1.0, "right": True, "label": "a"},
        {"y": 1.01, "right": True, "label": "b"},
        {"y": 1.0, "right": False, "label": "c"},
        {"y": 1.02, "right": True, "label": ""},
    ]
    placed = {point["label"]: point for point in charts.spaced(points, (0.1, 10.0), 260, line=13)}
    apart = math.log10(placed["b"]["at"] / placed["a"]["at"])
    assert apart == pytest.approx(2 * 13 / 260, rel=1e-3)
    assert placed["c"]["at"] == pytest.approx(1.0)
    assert placed[""]["at"] == pytest.approx(1.02)
