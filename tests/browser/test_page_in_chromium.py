"""The page as people meet it: opened from a file in headless Chromium, on a desk and on a phone, light and dark."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hwbench import catalog, report
from hwbench.record import store
from hwbench.record.model import Run
from hwbench.tracking import gather
from made_up import histories
from made_up.sample import LAPTOP, only_skipped, sample_run

pytest.importorskip("playwright.sync_api", reason="needs playwright (the test extra)")

pytestmark = pytest.mark.browser

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 800}
FEW = ("access.row_column", "stream.copy", "vectorize.add", "systolic.matmul")
RUNS: dict[str, list[Run]] = {
    "one": [sample_run()],
    "hostile": [sample_run(hostile=True), sample_run(LAPTOP, hostile=True)],
    "skipped": [only_skipped()],
}
# A page of few charts, soon open: for tests that change it. Those of the group `few` share one, since what one of them
# changes (tooltip, rows, frame) is nothing to the others.
RUNS_AND_FEW = RUNS | {"few": [sample_run(benches=FEW)]}
# Tests of one page in one window run in one worker, which opens it once.
WINDOWS = [
    pytest.param(name, viewport, id=f"{name}-{size}", marks=pytest.mark.xdist_group(f"{name}-{size}"))
    for name in RUNS
    for size, viewport in (("desk", DESK), ("phone", PHONE))
]
ON_DESK = [pytest.param(name, id=name, marks=pytest.mark.xdist_group(f"{name}-desk")) for name in RUNS]


@pytest.fixture(scope="module")
def pages(written: Any) -> Callable[[str], Path]:
    """The file of a page."""

    def page(name: str) -> Path:
        path: Path = written(name, lambda path: report.write(RUNS_AND_FEW[name], path, catalogue=catalog.benches()))
        return path

    return page


@pytest.fixture
def visit(opened: Any, pages: Callable[[str], Path]) -> Iterator[Any]:
    """`visit("one", viewport=PHONE, color_scheme="dark")` opens a page and waits for its charts."""
    visits: list[Any] = []

    def go(name: str, **options: Any) -> Any:
        visits.append(opened(pages(name), **options))
        return visits[-1]

    yield go
    for made in visits:
        made.page.context.close()


@pytest.fixture(scope="module")
def look(opened: Any, pages: Callable[[str], Path]) -> Any:
    """As `visit`, but the page is opened once and shared: for tests that leave the others what they look at."""
    visits: dict[str, Any] = {}

    def go(name: str, **options: Any) -> Any:
        key = repr((name, options))
        if key not in visits:
            visits[key] = opened(pages(name), **options)
        return visits[key]

    return go


@pytest.mark.parametrize("name", ON_DESK)
def test_the_page_opens_without_a_complaint_or_a_request(look: Any, name: str) -> None:
    """From file://, nothing is fetched, nothing is logged, and the policy is never broken."""
    made = look(name, viewport=DESK)
    assert made.complaints == []
    assert [url for url in made.requests if not url.startswith(("file://", "data:"))] == []
    assert len([url for url in made.requests if url.startswith("file://")]) == 1


@pytest.mark.parametrize("name", ON_DESK)
def test_every_chart_is_drawn(look: Any, name: str) -> None:
    """Each place for a chart holds a drawing of some size, with marks in it."""
    page = look(name, viewport=DESK).page
    places = page.locator(".chart:not(.sampled)")
    assert places.count() >= (1 if name == "skipped" else 20)
    assert page.locator(".chart[data-state=drawn] svg").count() == places.count()
    for box in page.evaluate(
        "[...document.querySelectorAll('.chart svg')].map(svg => svg.getBoundingClientRect().toJSON())"
    ):
        assert box["width"] > 150
        assert box["height"] > 40
    marked = "svg => !svg.querySelector('.role-mark path, .role-mark line')"
    assert page.evaluate(f"[...document.querySelectorAll('.chart svg')].filter({marked}).length") == 0


@pytest.mark.parametrize(("name", "viewport"), WINDOWS)
def test_nothing_is_wider_than_the_screen(look: Any, name: str, viewport: dict[str, int]) -> None:
    """The page scrolls up and down only, with every table open; what is wide scrolls in a box of its own."""
    page = look(name, viewport=viewport).page
    width, wider = page.evaluate(
        """() => {
          const shut = [...document.querySelectorAll('details:not([open])')];
          shut.forEach(one => one.open = true);
          const found = [document.documentElement.scrollWidth,
            [...document.querySelectorAll('.chart')].filter(c => c.scrollWidth > c.clientWidth + 1).length];
          shut.forEach(one => one.open = false);
          return found;
        }"""
    )
    assert width <= viewport["width"]
    assert wider == 0


@pytest.mark.parametrize(("name", "viewport"), WINDOWS[:2])
def test_no_words_of_a_chart_are_cut_off_or_overlap(look: Any, name: str, viewport: dict[str, int]) -> None:
    """Every text of every chart lies within its drawing, and no two axis labels of a chart cover each other."""
    page = look(name, viewport=viewport).page
    found = page.evaluate(
        """() => {
          const bad = [];
          for (const svg of document.querySelectorAll('.chart svg')) {
            const frame = svg.getBoundingClientRect();
            for (const text of svg.querySelectorAll('text')) {
              const box = text.getBoundingClientRect();
              if (!box.width || text.getAttribute('opacity') === '0') continue;
              if (box.left < frame.left - 1 || box.right > frame.right + 1
                  || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
                bad.push('cut off: ' + text.textContent);
            }
            for (const axis of svg.querySelectorAll('.role-axis-label')) {
              const boxes = [...axis.querySelectorAll('text')].filter(t => t.getAttribute('opacity') !== '0')
                .map(t => [t.textContent, t.getBoundingClientRect()]).filter(([, b]) => b.width);
              boxes.forEach(([name, a], i) => boxes.slice(i + 1).forEach(([other, b]) => {
                if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3)
                  bad.push('overlap: ' + name + ' / ' + other);
              }));
            }
          }
          return bad;
        }"""
    )
    assert found == []


@pytest.mark.xdist_group("hostile-desk")
def test_names_from_a_file_run_nothing(look: Any) -> None:
    """Script, image and handler in every name stay text, in the page, in its charts and in their tooltips."""
    page = look("hostile", viewport=DESK).page  # the last of its tests, and changes it
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    evil = page.locator("figure", has_text="evil.bench").locator(".chart").first
    go_to(page, evil.evaluate("one => one.closest('.topic').id.slice(6)"))
    for mark in page.locator(".topic.on .chart .role-mark path").all()[:40:8]:
        mark.hover(force=True)
    evil = page.locator("figure", has_text="evil.bench").locator(".mark-symbol path, .mark-rect path").first
    evil.scroll_into_view_if_needed()
    evil.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "window.pwned" in page.locator("#vg-tooltip-element").text_content()
    assert page.locator("#vg-tooltip-element img, #vg-tooltip-element script, img").count() == 0
    go_to(page, "data")
    page.fill("#filter", "pwned")
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize(
    "scheme", [pytest.param(scheme, marks=pytest.mark.xdist_group(f"few-{scheme}")) for scheme in ("light", "dark")]
)
def test_charts_follow_the_theme(look: Any, scheme: str) -> None:
    """The system's theme is taken at first; the button changes page and charts alike, and is remembered in words."""
    page = look("few", color_scheme=scheme).page

    def colours() -> list[str]:
        return page.evaluate(
            """() => [getComputedStyle(document.body).backgroundColor,
                      getComputedStyle(document.querySelector('.chart svg .role-axis-label text')).fill,
                      getComputedStyle(document.querySelector('.chart svg .mark-symbol path')).fill]"""
        )

    def bright(colour: str) -> bool:
        return sum(int(part) for part in colour[4:-1].split(",")) > 3 * 128

    first = colours()
    assert bright(first[0]) == (scheme == "light")
    assert bright(first[1]) != bright(first[0])
    button = page.locator("#theme")
    assert button.text_content() == "Theme: auto"
    button.click()
    button.click()  # auto, light, dark
    assert button.text_content() == "Theme: dark"
    dark = colours()
    assert not bright(dark[0])
    assert bright(dark[1])
    if scheme == "light":
        assert all(one != other for one, other in zip(first, dark, strict=True))
    button.click()
    assert button.text_content() == "Theme: auto"
    assert colours() == first


@pytest.mark.xdist_group("few")
def test_a_tooltip_tells_median_interval_and_samples(look: Any) -> None:
    """Pointing at a mark shows the case with its median, interval and count of samples."""
    page = look("few").page
    go_to(page, "memory")
    mark = page.locator("#contrasts-memory .chart .mark-symbol path").first
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    text = page.locator("#vg-tooltip-element").text_content()
    assert all(word in text for word in ("access.row_column", "median", "95% interval", "samples", "GB/s"))


def test_everything_is_reached_by_keyboard(visit: Any) -> None:
    """Tab leads to the skip link, theme, topics, search, figures, tables, filter, downloads; each shows the focus."""
    page = visit("few").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    wanted = {"theme", "A", "search", "keys", "anchor", "SUMMARY", "scroll", "filter", "download", "sort"}
    seen, outlined, order = set(), True, []
    go_to(page, "data")
    page.locator(".skip").focus()
    while not wanted <= seen and len(order) < 1500:
        page.keyboard.press("Tab")
        where, width, topic = page.evaluate(
            """() => { const one = document.activeElement;
                       const topic = one.closest('.topic');
                       return [one.id || one.className || one.tagName, getComputedStyle(one).outlineStyle,
                               topic ? topic.id : '']; }"""
        )
        seen.add(where)
        order.append(where)
        outlined = outlined and (width != "none" or where == "BODY")
        assert topic in ("", "topic-data")  # what is out of sight is out of reach
    assert wanted <= seen
    assert order.index("theme") < order.index("A") < order.index("search") < order.index("anchor")
    assert outlined
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.evaluate("one => one.open")
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    assert page.locator("#theme").text_content() == "Theme: light"


@pytest.mark.xdist_group("few")
def test_downloads_are_the_run_and_its_table(look: Any, tmp_path: Path) -> None:
    """The buttons save the run file, which the store reads, and a CSV with a line a record."""
    page = look("few").page
    [run] = RUNS_AND_FEW["few"]
    go_to(page, "data")
    saved = {}
    for button in page.locator(".download").all():
        with page.expect_download() as download:
            button.click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        saved[path.name] = path
    assert store.read(saved[f"{run.id}.json"]) == run
    with saved["hwbench.csv"].open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(run.records)


@pytest.mark.xdist_group("few")
def test_the_table_of_records_filters_and_sorts(look: Any) -> None:
    """Every word typed must occur in a row; a heading sorts by size, not by the alphabet, and back."""
    page = look("few").page
    go_to(page, "data")
    rows = "[...document.querySelectorAll('table.live tbody tr')].filter(row => !row.hidden)"
    page.fill("#filter", "stream.copy L2 suspect")
    texts = page.evaluate(f"{rows}.map(row => row.textContent)")
    assert texts
    assert all("stream.copy" in text and "size=L2" in text and "suspect" in text for text in texts)
    assert page.locator("#found").text_content().startswith(f"{len(texts)} of ")
    page.fill("#filter", "vectorize.add")
    page.get_by_role("button", name="one execution", exact=True).click()
    column = page.evaluate(
        "[...document.querySelectorAll('table.live th')].findIndex(head => head.textContent === 'one execution')"
    )
    times = [
        _seconds(text) for text in page.evaluate(f"{rows}.map(row => row.cells[{column}].textContent)") if text != "–"
    ]
    assert len(times) > 20
    assert times == sorted(times)
    assert page.locator("th[aria-sort=ascending]").count() == 1


@pytest.mark.xdist_group("few")
def test_the_samples_of_any_case_are_drawn(look: Any) -> None:
    """A case that the reader chooses: the curve, and in words how many samples it has and which is the slowest."""
    page = look("few").page
    go_to(page, "quality")
    page.wait_for_selector("figure.samples[data-state=ready]")
    page.select_option("figure.samples .bench", label="access.row_column")
    label = page.locator("figure.samples .case option").nth(1).text_content()
    page.select_option("figure.samples .case", label=label)
    page.wait_for_selector("figure.samples .sampled[data-state=drawn] svg")
    told = page.locator("figure.samples .range").text_content()
    [run] = RUNS_AND_FEW["few"]
    record = next(one for one in run.records if one.bench == "access.row_column" and one.timed)
    slowest = record.counts["bytes"] / max(record.samples) / 1e9
    assert told.startswith(f"{len(record.samples)} samples: p50 ")
    assert float(told.rpartition("slowest ")[2].split()[0]) == pytest.approx(slowest, rel=1e-3)


def go_to(page: Any, topic: str) -> None:
    """Show a topic, as its link in the rail does."""
    page.evaluate("id => { location.hash = id; }", f"topic-{topic}")
    page.wait_for_selector(f"#topic-{topic}.on")


def _seconds(text: str) -> float:
    value, unit = text.split()
    return float(value) * {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}[unit]


def shown_frame(page: Any) -> str:
    """The heading of the one frame that is shown."""
    [title] = page.locator("figure.steps .frames > li:visible .step").all_text_contents()
    return title


@pytest.mark.xdist_group("few")
def test_the_systolic_array_is_stepped_through_by_buttons(look: Any) -> None:
    """Next, Back and First move by a frame and to the first; at an end the buttons that lead beyond are disabled."""
    page = look("few").page
    go_to(page, "lecture")
    bar = page.locator("figure.steps .stepper")
    bar.scroll_into_view_if_needed()
    first, back, ahead = (bar.locator(f"[data-go={name}]") for name in ("first", "back", "next"))
    assert (shown_frame(page), bar.locator("output").text_content()) == ("Time 0", "1 of 8")
    assert (first.is_disabled(), back.is_disabled(), ahead.is_disabled()) == (True, True, False)
    for time in range(1, 8):
        ahead.click()
        assert shown_frame(page) == f"Time {time}"
        assert ("y₁₁" in page.locator("figure.steps .frames > li:visible").text_content()) == (time >= 4)
    assert (first.is_disabled(), back.is_disabled(), ahead.is_disabled()) == (False, False, True)
    back.click()
    assert (shown_frame(page), ahead.is_disabled()) == ("Time 6", False)
    first.click()
    assert (shown_frame(page), back.is_disabled()) == ("Time 0", True)


@pytest.mark.xdist_group("few-light")
def test_the_systolic_array_plays_to_its_end(look: Any) -> None:
    """Play goes on by itself, from the start where it was at the end; Pause and any step stop it."""
    page = look("few", color_scheme="light").page
    go_to(page, "lecture")
    bar = page.locator("figure.steps .stepper")
    play = bar.locator("[data-go=play]")
    play.click()
    assert (play.text_content(), play.get_attribute("aria-pressed")) == ("Pause", "true")
    page.wait_for_selector("figure.steps .frames > li:nth-child(2):not([hidden])")
    play.click()
    assert play.text_content() == "Play"
    bar.locator("[data-go=next]").focus()
    page.keyboard.press("End")
    play.click()
    assert shown_frame(page) == "Time 0"
    page.keyboard.press("ArrowRight")
    assert (shown_frame(page), play.text_content()) == ("Time 1", "Play")


@pytest.mark.xdist_group("few")
def test_the_systolic_array_is_stepped_through_by_keys(look: Any) -> None:
    """Left, Right, Home and End move through the frames, and stop at both ends."""
    page = look("few").page
    go_to(page, "lecture")
    page.locator("figure.steps .stepper").focus()
    for key, time in (
        ("ArrowLeft", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 7), ("ArrowRight", 7),
        ("Home", 0),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert shown_frame(page) == f"Time {time}"


@pytest.mark.parametrize(
    "how", ["without scripts", pytest.param("on paper", marks=pytest.mark.xdist_group("few-dark"))]
)
def test_all_frames_of_the_systolic_array_are_there(look: Any, how: str) -> None:
    """Without JavaScript, and in print, where nobody can press a button, the eight frames stand one after the other."""
    page = look("few", **({"color_scheme": "dark"} if how == "on paper" else {"java_script_enabled": False})).page
    page.emulate_media(media="print" if how == "on paper" else "screen")
    titles = page.locator("figure.steps .frames > li:visible .step").all_text_contents()
    stepper = page.locator("figure.steps .stepper").is_visible()
    page.emulate_media(media="screen")
    assert titles == [f"Time {time}" for time in range(8)]
    assert not stepper


def test_without_scripts_the_figures_are_all_there(visit: Any) -> None:
    """Where JavaScript is barred the page says so, all topics are there, and tables hold every figure."""
    page = visit("one", java_script_enabled=False).page
    assert page.locator("noscript").count() == 1
    assert page.locator(".topic:visible").count() == page.locator(".topic").count() >= 6
    for link in page.locator("figure .save a").all():
        assert page.locator(f"#tables {link.get_attribute('href')} table").count() == 1
    assert page.locator("table.live tbody tr").count() == len(RUNS["one"][0].records)


@pytest.mark.xdist_group("few-dark")
def test_print_is_on_white(look: Any) -> None:
    """On paper the page is light whatever the theme, without its navigation."""
    page = look("few", color_scheme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(247, 247, 245)"
    assert not page.locator("nav").is_visible()
    assert page.locator(".topic:visible").count() == page.locator(".topic").count()


# --- histories --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a results directory of asv: five commits of three cases on two machines, the fourth slower.

    Of time_max it is the third on one of them.
    """
    folder = tmp_path_factory.mktemp("tracked")
    results = folder / "results"
    histories.benchmarks_file(results, {"suite.time_sum": {"param_names": ["n"]}, "suite.time_max": {}})
    for number in range(1, 6):
        slow = 1.5 if number >= 4 else 1.0 + number / 1000
        for machine in ("box", "fox"):
            histories.asv_file(
                results,
                number,
                {
                    "suite.time_sum": histories.row([1e-3 * slow, 2e-3], [["1", "2"]]),
                    "suite.time_max": histories.row([6.5e-6 if number >= (3 if machine == "box" else 4) else 5e-6]),
                },
                {**histories.BOX, "machine": machine, "cpu": machine},
            )
    found = gather.gather([results])
    report.write(found.runs, folder / "page.html", found.histories, catalogue=catalog.benches())
    return folder / "page.html"


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_a_history_is_chosen_from_and_names_the_commit(browser: Any, tracked: Path, viewport: dict[str, int]) -> None:
    """Bench and case are chosen, lines switched off; the slow commit stands in words, in the list and in the chart."""
    pytest.importorskip("asv")
    context = browser.new_context(viewport=viewport)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(tracked.as_uri())
    page.wait_for_function("() => document.documentElement.dataset.charts === 'done'", polling=100, timeout=60_000)
    go_to(page, "history")
    assert "00000004" in page.locator("#topic-history .notes li").first.text_content()
    chart = page.locator(".chart.chosen")
    assert chart.get_attribute("data-shown") == "suite.time_sum [1]"
    assert "00000004" in chart.text_content()
    assert chart.locator(".mark-symbol path").count() == 10
    page.locator("[data-line='1']").uncheck()
    page.wait_for_function("document.querySelectorAll('.chosen .mark-symbol path').length === 5")
    page.locator("select.bench").select_option(label="suite.time_max")
    page.wait_for_selector(".chosen[data-shown='suite.time_max']")
    page.locator("[data-line='1']").check()
    page.wait_for_function("document.querySelectorAll('.chosen .mark-symbol path').length === 10")
    third, fourth = (chart.locator("text", has_text=name).first.bounding_box() for name in ("00000003", "00000004"))
    # Boxes hold room for letters that hash digits are not: 11 pixels from line to line part these.
    apart = third["x"] + third["width"] <= fourth["x"] or fourth["y"] - third["y"] >= 11
    assert apart, (third, fourth)
    assert not page.locator(".switch .calm").is_visible()  # no control was measured
    page.locator(".go", has_text="suite.time_sum").first.click()
    page.wait_for_selector(".chosen[data-shown='suite.time_sum [1]']")
    assert page.evaluate("decodeURIComponent(location.hash)") == "#history=suite.time_sum [1]"
    rows = page.locator(".changes tbody tr")
    assert rows.count() == 4
    page.locator(".filters .words").fill("max fox")
    assert rows.count() == 1
    assert page.locator(".filters output").text_content() == "1 of 4"
    page.locator(".filters .words").fill("")
    page.locator(".filters .size").select_option("1.5")
    assert rows.count() == 0
    page.locator(".filters .size").select_option("1")
    if viewport == PHONE:
        page.locator(".filters .order").select_option(label="case")
    else:
        page.locator(".changes th", has_text="case").locator("button").click()
    assert rows.first.text_content().startswith("suite.time_max")
    page.locator(".seek").fill("sum 2")
    page.wait_for_selector(".chosen[data-shown='suite.time_sum [2]']")
    assert page.locator(".hits").text_content() == "1 of 3"
    if viewport == PHONE:
        chart, words = (page.locator(f"#topic-history {name}").first.bounding_box() for name in (".chosen", ".intro"))
        assert chart["y"] < words["y"]
    page.goto(tracked.as_uri() + "#history=suite.time_max")
    page.wait_for_selector(".chosen[data-shown='suite.time_max']")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert complaints == []
    context.close()
