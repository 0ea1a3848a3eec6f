"""The page as a file: complete in itself, inert whatever the runs hold, small, and written whole or not at all."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import altair
import jsonschema_rs
import msgspec
import pytest

from hwbench import catalog, errors, report
from hwbench.record import store
from hwbench.record.model import Record, Run
from hwbench.report import page
from hwbench.report.sections import Figure, Section
from hwbench.report.views import VIEWS
from hwbench.report.views.blocking import view as blocking
from hwbench.report.views.gpu.breakeven import view as gpu_breakeven
from hwbench.report.views.gpu.latency import view as gpu_latency
from hwbench.report.views.gpu.link import view as gpu_link
from hwbench.report.views.gpu.occupancy import view as gpu_occupancy
from hwbench.report.views.gpu.peers import view as gpu_peers
from hwbench.report.views.gpu.roofline import view as gpu_roofline
from hwbench.report.views.history import view as history
from hwbench.report.views.mix import view as mix
from hwbench.report.views.nodes import view as nodes
from hwbench.report.views.operations import view as operations
from hwbench.report.views.overhead import figure as overhead
from hwbench.report.views.reduction import view as reduction
from hwbench.report.views.scaling import view as scaling
from hwbench.report.views.side_by_side import view as side_by_side
from hwbench.report.views.stride import view as stride
from hwbench.report.views.translation import view as translation
from made_up.page import dataset, record
from made_up.sample import HOSTILE, LAPTOP, only_skipped, proof_run, replace, sample_run

BENCHES = catalog.benches()
# Views of what the sample run has none of: a GPU, other harnesses' results, and benches of the full set alone.
ABSENT = (
    history,
    gpu_link,
    gpu_peers,
    gpu_roofline,
    gpu_latency,
    gpu_occupancy,
    gpu_breakeven,
    mix,
    nodes,
    operations,
    translation,
)
ONE = sample_run()
TWO = [ONE, sample_run(LAPTOP, started="2026-11-20T08:00:00Z")]
RUNS = {"one": [ONE], "two": TWO, "hostile": [sample_run(hostile=True)]}


@functools.cache
def sections_of(name: str) -> list[Section]:
    """The sections of these runs, made once: `one`, `two`, `hostile`, or a run of one bench by its name."""
    return page.sections_of(dataset(*RUNS.get(name) or [sample_run(benches=(name,))]))


@pytest.fixture(scope="module")
def run() -> Run:
    return sample_run(every_status=False)


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def plain() -> str:
    return report.render([ONE], catalogue=BENCHES)


@pytest.fixture(scope="module")
def hostile() -> str:
    return report.render([sample_run(hostile=True), sample_run(LAPTOP, hostile=True)], catalogue=BENCHES)


def test_a_run_of_four_hundred_records_fits_two_megabytes(plain: str) -> None:
    """The page of a standard run stays below 2 MB, the charting library counted in."""
    assert len(ONE.records) > 350
    assert len(plain.encode()) < 2_000_000


def test_the_page_refers_to_nothing_outside_itself(plain: str) -> None:
    """No element has an address to load from: links stay in the page, the icon is empty data."""
    for tag, attributes in Elements(plain).found:
        for name in ("src", "href", "srcset", "action", "poster"):
            address = attributes.get(name)
            assert address is None or address.startswith("#") or address == "data:,", (tag, name, address)
    assert "https://" not in plain.split("<script", 1)[0]


def test_the_policy_allows_exactly_the_scripts_in_the_page(plain: str) -> None:
    """Each script that runs is named by its hash in the content security policy, and nothing may be fetched."""
    elements = Elements(plain)
    policy = next(m["content"] for m in elements.all("meta") if m.get("http-equiv") == "Content-Security-Policy") or ""
    running = [
        text
        for text, attributes in zip(elements.scripts, elements.all("script"), strict=True)
        if "type" not in attributes
    ]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in running]
    assert sorted(re.findall(r"sha256-([^']+)", policy)) == sorted(hashes)
    assert len(running) == 5
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "connect-src" not in policy


def test_names_from_a_file_make_no_elements(plain: str, hostile: str) -> None:
    """Markup in machine, bench, variant, parameter and reason adds no element of its own and no event handler."""
    elements = Elements(hostile)
    assert {tag for tag, _ in elements.found} <= {tag for tag, _ in Elements(plain).found}
    assert not any(name.startswith("on") for _, attributes in elements.found for name in attributes)
    assert "window.pwned" in hostile  # the names are there, as text
    assert "<img" not in hostile.split("<script", 1)[0]


def test_the_hostile_run_is_a_valid_file() -> None:
    """What these tests guard against can come from a file: the store takes the hostile run for what it says it is."""
    run = sample_run(hostile=True)
    assert store.decode(store.encode(run), "hostile") == run


def test_embedded_json_cannot_leave_its_script() -> None:
    """JSON in the page holds none of the characters that HTML or JavaScript takes notice of."""
    text = page.embedded({"name": HOSTILE, "lone": "\ud800"})
    assert not set("<>&\u2028\u2029") & set(text)
    assert text.isascii()
    assert json.loads(text)["name"] == HOSTILE


def script(html: str, name: str) -> str:
    """The text of the script of this id."""
    elements = Elements(html)
    found = zip(elements.scripts, elements.all("script"), strict=True)
    return next(text for text, attributes in found if attributes.get("id") == name)


def test_chart_expressions_hold_no_names(hostile: str) -> None:
    """What Vega-Lite turns into expressions (the domains of colour scales) is numbered, never named."""
    specs = json.loads(gzip.decompress(base64.b64decode(script(hostile, "charts"))))
    assert len(specs) > 20
    for spec in specs.values():
        for layer in spec["layer"]:
            for channel in ("color", "yOffset"):
                domain = layer["encoding"].get(channel, {}).get("scale", {}).get("domain", [])
                assert all(re.fullmatch(r"s\d+", name) for name in domain)


@functools.cache
def vega_lite() -> jsonschema_rs.Draft7Validator:
    """What accepts a layered chart: the schema that Altair comes with. Its references hold letters that URIs do not."""

    def quoted(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: quote(one, safe="#/") if key == "$ref" and isinstance(one, str) else quoted(one)
                    for key, one in node.items()}  # fmt: skip
        return [quoted(one) for one in node] if isinstance(node, list) else node

    schema = quoted(altair.load_schema())
    return jsonschema_rs.Draft7Validator({**schema, "$ref": "#/definitions/TopLevelLayerSpec"})


def test_a_mistaken_chart_is_not_valid_vega_lite() -> None:
    """A mark that there is none of, a channel with a misspelt scale: each is refused."""
    chart = {"data": {"values": []}, "layer": [{"mark": "point", "encoding": {"x": {"field": "a", "type": "nominal"}}}]}
    assert vega_lite().is_valid(chart)
    assert not vega_lite().is_valid({**chart, "layer": [{"mark": "dot"}]})
    assert not vega_lite().is_valid({**chart, "layer": [{"mark": "point", "encoding": {"x": {"type": "numeric"}}}]})


@pytest.mark.parametrize("name", RUNS)
def test_every_chart_is_valid_vega_lite(name: str) -> None:
    """Altair, which has Vega-Lite's schema, accepts each chart."""
    panels = [panel for figure in _figures(sections_of(name)) for panel in figure.panels]
    assert len(panels) >= 20
    for panel in panels:
        vega_lite().validate(panel.spec)
        json.dumps(panel.spec, allow_nan=False)
        assert panel.alt
        assert panel.spec["description"]


@pytest.mark.parametrize("name", ["one", "two"])
def test_every_figure_has_a_table_and_a_unit_on_each_scale(name: str) -> None:
    """Beside each chart stand its figures, and no quantitative scale is without a title."""
    for figure in _figures(sections_of(name)):
        assert figure.table.rows
        assert all(len(row) == len(figure.table.head) for row in figure.table.rows)
        for panel in figure.panels:
            titles = [layer["encoding"]["x"]["axis"]["title"] for layer in panel.spec["layer"]
                      if isinstance(layer["encoding"].get("x", {}).get("axis"), dict)]  # fmt: skip
            assert titles
            assert all(titles)
            upright = any(layer["encoding"].get("y", {}).get("type") == "quantitative" for layer in panel.spec["layer"])
            assert not upright or panel.spec["title"]["text"]


def test_several_runs_share_their_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs give the sections of one, each once, and one that compares them, with both runs' names in them."""
    one, two = sections_of("one"), sections_of("two")
    assert [section.id for section in one] == [section.id for section in two if section.id != "side-by-side"]
    monkeypatch.setattr(page, "sections_of", lambda runs: two)
    text = report.render(TWO, catalogue=BENCHES)
    assert "zen-vm, 2026-11-22" in text
    assert "laptop, 2026-11-20" in text


@pytest.mark.parametrize("bench", sorted({record.bench for record in ONE.records}))
def test_a_run_of_one_bench_has_no_empty_section(bench: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is missing, each section that is there says something, and the page renders."""
    run, sections = sample_run(benches=(bench,)), sections_of(bench)
    assert {"top", "machine", "quality", "records"} <= {section.id for section in sections}
    assert all(section.blocks for section in sections)
    monkeypatch.setattr(page, "sections_of", lambda runs: sections)
    assert report.render([run], catalogue=BENCHES).endswith("</html>")


def test_sections_follow_the_benches() -> None:
    """A bench's section stands in the page of a run that holds it, and in no other."""
    for bench, section in (
        ("vectorize.add", "ladder"),
        ("latency.chase", "latency"),
        ("access.blocking", "blocking"),
        ("stream.load", "bandwidth"),
    ):
        others = tuple({record.bench for record in ONE.records if not record.bench.startswith(bench.partition(".")[0])})
        assert section in [found.id for found in sections_of(bench)]
        assert section not in [found.id for found in page.sections_of(dataset(sample_run(benches=others)))]


def test_a_run_in_which_nothing_could_be_timed_explains_itself() -> None:
    """The page of skipped cases alone names the reason and the remedy, and draws no comparison."""
    text = report.render([only_skipped()], catalogue=BENCHES)
    assert "Nothing could be timed" in text
    assert "needs 1.2 GiB" in text
    assert "Free some memory" in text
    assert 'id="contrasts' not in text


def test_a_run_without_records_gives_a_page() -> None:
    """A run that was cut off before its first contrast is said to be so, and needs no charting library."""
    text = report.render([replace(ONE, records=[], finished=None)], catalogue=BENCHES)
    assert "holds no cases yet" in text
    assert "--resume" in text
    assert len(text) < 100_000


def test_a_bench_that_this_version_does_not_know_is_shown() -> None:
    """Records of a foreign bench have their chart and rows, without question and baseline."""
    strange = [
        msgspec.structs.replace(record, bench="future.bench") for record in ONE.records if record.bench == "stream.copy"
    ]
    sections = page.sections_of(dataset(replace(ONE, records=strange)))
    contrasts = next(section for section in sections if section.id == "contrasts")
    assert [figure.title for figure in _figures([contrasts])] == ["future.bench"]
    assert "baseline" not in " ".join(key.label for key in _figures([contrasts])[0].legend)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_samples_have_no_interval(count: int) -> None:
    """One or two samples bound nothing: a dash instead of an interval, and no infinity in any chart."""
    sections = page.sections_of(dataset(sample_run(rounds=count)))
    for figure in _figures(sections):
        cells = [cell for row in figure.table.rows for cell in row]
        assert not any(re.search(r"\b(inf|nan)\b", cell) for cell in cells)
        for panel in figure.panels:
            bounded = [mark for mark in panel.spec["datasets"]["marks"] if "interval" in mark]
            # one thread's speed-up is 1 by definition, and all of the ideal
            assert all(mark["shown"] in ("1.00 ×", "100 %") for mark in bounded)
            json.dumps(panel.spec, allow_nan=False)


def test_downloads_hold_the_run_itself(plain: str) -> None:
    """The JSON in the page unpacks to the run file, byte for byte."""
    elements = Elements(plain)
    packed = {
        attributes["data-name"]: text
        for text, attributes in zip(elements.scripts, elements.all("script"), strict=True)
        if attributes.get("type") == "text/plain" and "data-name" in attributes
    }
    assert set(packed) == {"hwbench.csv", f"{ONE.id}.json"}
    unpacked = gzip.decompress(base64.b64decode(packed[f"{ONE.id}.json"]))
    assert store.decode(unpacked, "page") == ONE


def test_the_same_run_gives_the_same_page(plain: str) -> None:
    """Nothing in the page depends on when or how often it is made."""
    assert report.render([ONE], catalogue=BENCHES) == plain


def test_no_run_is_refused() -> None:
    """A page of nothing is an error of the caller."""
    with pytest.raises(ValueError, match="needs a run"):
        report.render([], catalogue=BENCHES)


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk while writing is one line of trouble, and the page that was there stays whole."""
    path = tmp_path / "index.html"
    report.write([only_skipped()], path, catalogue=BENCHES)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.StoreError, match="cannot be written"):
        report.write([ONE], path, catalogue=BENCHES)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["index.html"]


def test_the_report_is_imported_without_its_libraries() -> None:
    """`import hwbench.report` costs nothing: charts and templates are loaded when a page is made."""
    heavy = ("jinja2", "vl_convert", "scipy")
    code = f"import sys, hwbench.report; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nonsense_in_a_file_breaks_no_view() -> None:
    """Caches of no size, absurd values, axes of another type and negative phases leave the rest standing."""
    run = sample_run(hostile=True)
    sized = zip(run.machine.cpu.caches, (0, -1, 7), strict=True)
    caches = [msgspec.structs.replace(cache, bytes=size) for cache, size in sized]
    cpu = msgspec.structs.replace(run.machine.cpu, caches=caches)
    odd = [
        record("stream.load", "simd", 1.0, {"bytes": 0.0}, params={"size": "L1"}),
        record("stream.load", "simd", 5e-324, {"bytes": 1e300}, params={"size": "L1", "threads": -3}),
        record("vectorize.add", "loop", 1.0, {"items": 1.0}, params={"n": "many"}),
        record("vectorize.add", "loop", 1.0, {"items": 1.0}, params={"n": -5}),
        record("vectorize.add", "loop", 1.0, {"items": 1.0}, params={"n": 0}),
        record("latency.chase", "follow", 1.0, {"hops": 1.0}, params={"size": "huge"}, facts={"footprint": -1}),
        record("latency.chase", "follow", 1e300, {"hops": 1.0}, params={"size": "1e18"}),
        record("parallel.scaling", "prange", 1.0, {}, params={"threads": "some"}, telemetry={"wall_s": [-1.0]}),
        record("peak.fma", "512", 1e300, {"flops": 1e-300}, params={}),
        record("latency.parallel", "follow", 1.0, {"hops": 1.0}, params={"chains": "many"}),
        record("latency.parallel", "follow", 1.0, {"items": 1.0}, params={"chains": 1, "size": "L7"}),
        record("latency.loaded", "read", 1.0, {"hops": 1.0}, params={"gap": 1}, facts={"streamed": "much"}),
        record("latency.loaded", "x", 1.0, {"hops": 1.0}, params={}, facts={"streamed": -1.0}),
        record("latency.core_to_core", "y", 1.0, {"hops": 1.0}, facts={"between": [[0, 1], 7, [0, "1", "a", 1e-9]]}),
        record("clock.frequency", "1024", 1.0, {"cycles": 1.0}, params={"threads": None}),
        record("peak.matmul", "numpy", 1.0, {"flops": 1.0}, params={"n": "large"}),
        record("branch.prediction", "perhaps", 1.0, {"items": 1.0}, params={"share": 7, "n": 1}),
    ]
    broken = replace(
        run, machine=msgspec.structs.replace(run.machine, cpu=cpu), records=run.records + odd,
        policy=msgspec.structs.replace(run.policy, phases={"sample": -1.0, "total": 0.0}, sizes={"L1": 1}),
    )  # fmt: skip
    for runs in ([broken], [broken, sample_run()]):
        source = dataset(*runs, proof_run())
        absent = ABSENT if len(runs) > 1 else (*ABSENT, side_by_side)
        shown = [view(source) for view in VIEWS if view not in absent]
        assert None not in shown
        specs = [panel.spec for section in shown if section for block in section.blocks if isinstance(block, Figure)
                 for panel in block.panels]  # fmt: skip
        json.dumps(specs, allow_nan=False)


def test_names_that_every_object_has_are_others_in_charts() -> None:
    """A phase called `constructor` was found in Vega's own objects, and the chart was not drawn."""
    run = sample_run()
    names = ("constructor", "__proto__", "toString", "__lookupGetter__")
    odd = replace(run, policy=replace(run.policy, phases=dict.fromkeys(names, 1.0)))
    [figure] = [
        block for section in page.sections_of(dataset(odd)) if section
        for block in section.blocks if isinstance(block, Figure) and block.title == "Where the time went"
    ]  # fmt: skip
    given = page.embedded(figure.panels[0].spec)
    charts = page.own_names(given)
    for name in names:
        assert f'"{name}"' in given
        assert f'"{name}"' not in charts
    assert json.loads(page.own_names('{"group":"steps"}')) == {"group": "steps"}


@pytest.mark.parametrize("view", [stride, blocking, reduction, overhead])
def test_without_records_there_is_no_picture(view: object, run: Run) -> None:
    """A run that did not measure it has no such section."""
    assert callable(view)
    assert view(dataset(replace(run, records=[]))) is None


@pytest.mark.parametrize("view", [stride, blocking, reduction, overhead, scaling])
def test_several_runs_stand_side_by_side(view: object, run: Run) -> None:
    """Two machines have a panel each, named by its run."""
    assert callable(view)
    drawn = view(dataset(run, sample_run(LAPTOP, every_status=False)))
    shown = drawn if isinstance(drawn, Figure) else drawn.blocks[0]
    titles = " ".join(panel.title for panel in shown.panels)
    if view is not scaling:  # there the lines of all runs share a panel for each work
        assert "zen-vm" in titles
        assert "laptop" in titles
    assert shown.table.head[0] == "run"


def test_facts_that_are_none_are_left_out(run: Run) -> None:
    """A file may hold anything where a stride, an n or an error should be: it is not drawn, and nothing breaks."""

    def spoilt(record: Record) -> Record:
        return msgspec.structs.replace(
            record, facts={"stride_bytes": "x", "relative_error": [1]}, params=record.params | {"n": "many"}
        )

    records = [
        spoilt(r) for r in run.records if r.bench in ("access.stride", "vectorize.reduction", "parallel.overhead")
    ]
    broken = replace(run, records=records)
    assert stride(dataset(broken)) is None
    assert reduction(dataset(broken)) is None
    assert overhead(dataset(broken)) is None


def _figures(sections: list[Section]) -> list[Figure]:
    return [block for section in sections for block in section.blocks if isinstance(block, Figure)]
