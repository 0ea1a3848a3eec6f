"""The frame of the page: how long topics are on the committed runs, links, keys, search and pictures of charts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwbench import catalog, report
from hwbench.record import store

pytest.importorskip("playwright.sync_api", reason="needs playwright (the test extra)")

pytestmark = pytest.mark.browser

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
HERE = Path(__file__).parents[2] / "reports" / "runs"
FILES = {
    "amd": ["amd-epyc-2cpu/amd-epyc-2cpu-20261125T022633Z-f74d0b296816.json"],
    "intel": ["intel-xeon-2cpu/intel-xeon-2cpu-20261127T051336Z-5286b7b77e4a.json"],
    "h200": ["h200/h200-20261128T191952Z-64635727680f.json"],
}
FILES["both"] = FILES["amd"] + FILES["intel"]
SUMMARY = {"desk": 2, "phone": 4}  # screens
MOST = 8  # screens of another topic
WINDOWS = [
    pytest.param(name, size, id=f"{name}-{size}", marks=pytest.mark.xdist_group(f"{name}-{size}"))
    for name in FILES
    for size in SUMMARY
]
FIRST = pytest.mark.xdist_group("intel-desk")


@pytest.fixture(scope="module")
def pages(written: Any) -> Callable[[str], Path]:
    """The file of the page of committed runs."""

    def page(name: str) -> Path:
        def write(path: Path) -> None:
            report.write([store.read(HERE / file) for file in FILES[name]], path, catalogue=catalog.benches())

        path: Path = written(f"runs-{name}", write)
        return path

    return page


@pytest.fixture(scope="module")
def look(opened: Any, pages: Callable[[str], Path]) -> Callable[..., Any]:
    """`look("intel", "desk")`: the page of committed runs, opened once."""
    visits: dict[tuple[str, str], Any] = {}

    def go(name: str, size: str = "desk") -> Any:
        if (name, size) not in visits:
            visits[name, size] = opened(pages(name), viewport=DESK if size == "desk" else PHONE)
        return visits[name, size]

    return go


def shown(page: Any) -> str:
    """The id of the topic that is shown, the only one that can be seen."""
    [topic] = page.evaluate(
        "[...document.querySelectorAll('.topic')].filter(one => one.checkVisibility({visibilityProperty: true}))"
        ".map(one => one.id)"
    )
    return str(topic)


def go_to(page: Any, anchor: str) -> None:
    page.evaluate("id => { location.hash = id; }", anchor)
    page.wait_for_timeout(60)


@pytest.mark.parametrize(("name", "size"), WINDOWS)
def test_no_topic_is_longer_than_its_screens(look: Any, name: str, size: str) -> None:
    """Summary: two screens of a desk, four of a phone; no other above eight but Data; nothing folded, nothing wider."""
    visit = look(name, size)
    page = visit.page
    style = page.add_style_tag(content="main section { content-visibility: visible !important }")
    screen = page.viewport_size
    for topic in page.evaluate("[...document.querySelectorAll('.topic')].map(one => one.id)"):
        go_to(page, topic)
        assert shown(page) == topic
        height, wide, boxes = page.evaluate(
            """() => {
              const on = document.querySelector('.topic.on');
              return [on.scrollHeight, document.documentElement.scrollWidth,
                      on.querySelectorAll('details, .scroll').length];
            }"""
        )
        assert wide <= screen["width"], topic
        if topic in ("topic-data", "topic-history"):
            continue
        most = SUMMARY[size] if topic == "topic-summary" else MOST
        assert height <= most * screen["height"], (topic, height / screen["height"])
        assert boxes == 0, topic
    style.evaluate("one => one.remove()")
    assert visit.complaints == []


@FIRST
def test_every_heading_has_an_anchor_that_leads_to_it(look: Any) -> None:
    """Each heading with words links to an element of the page, and no id is used twice."""
    page = look("intel").page
    bad, twice = page.evaluate(
        """() => {
          const heads = [...document.querySelectorAll('main h1, main h2, main h3, main h4, main h5')]
            .filter(one => one.textContent.trim() && !one.closest('.frames'));
          const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
          return [heads.filter(one => !one.querySelector('.anchor')
                    || !document.querySelector(one.querySelector('.anchor').getAttribute('href')))
                    .map(one => one.textContent),
                  ids.filter((id, i) => ids.indexOf(id) !== i)];
        }"""
    )
    assert bad == []
    assert twice == []


@FIRST
def test_every_link_leads_to_something_that_is_then_seen(look: Any) -> None:
    """Links to sections, tables and charts among the data show their topic and open what they lead into."""
    page = look("intel").page
    go_to(page, "")
    links = page.evaluate("[...new Set([...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash.slice(1)))]")
    assert len(links) > 40
    lost = page.evaluate(
        """async links => {
          const lost = [];
          for (const link of links) {
            const turned = new Promise(done => addEventListener('hashchange', done, {once: true}));
            location.hash = link;
            await turned;
            const found = document.getElementById(link);
            if (!found || !found.checkVisibility({visibilityProperty: true, contentVisibilityAuto: false}))
              lost.push(link);
            document.querySelectorAll('details[open]').forEach(one => one.open = false);  // the next opens its own
          }
          return lost;
        }""",
        links,
    )
    assert lost == []


@pytest.mark.xdist_group("h200-desk")
def test_an_address_with_an_anchor_opens_its_topic(pages: Any, opened: Any) -> None:
    """At load as later; back and forward go through the topics that were shown."""
    page = opened(pages("h200"), "#quality").page
    assert shown(page) == "topic-quality"
    page.locator("nav a[href='#topic-data']").click()
    assert shown(page) == "topic-data"
    page.go_back()
    page.wait_for_selector("#topic-quality.on")
    page.go_forward()
    page.wait_for_selector("#topic-data.on")
    go_to(page, "nowhere")
    assert shown(page) == "topic-data"


@FIRST
def test_keys_go_through_topics_and_can_be_switched_off(look: Any) -> None:
    """Digits choose a topic, brackets the next to it, a slash the search, where letters are letters."""
    page = look("intel").page
    go_to(page, "topic-summary")
    topics = page.evaluate("[...document.querySelectorAll('.topic')].map(one => one.id)")
    for key, at in (("2", 1), ("]", 2), ("[", 1), ("[", 0), ("[", 0), (str(len(topics)), len(topics) - 1)):
        page.keyboard.press(key)
        page.wait_for_timeout(60)
        assert shown(page) == topics[at], key
        assert page.locator("nav a[aria-current]").get_attribute("href") == f"#{topics[at]}"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("2[")
    assert page.input_value("#search") == "2["
    page.keyboard.press("Escape")
    assert page.input_value("#search") == ""
    page.locator("#keys").uncheck()
    page.keyboard.press("1")
    page.wait_for_timeout(60)
    assert shown(page) == topics[-1]
    page.locator("#keys").check()


@FIRST
def test_a_search_leaves_what_shows_the_bench(look: Any) -> None:
    """Of all topics, the figures of a bench, its tables and its records; without the words everything is back."""
    page = look("intel").page
    page.fill("#search", "stream.triad")
    seen = page.evaluate(
        """[...document.querySelectorAll('figure')].filter(one => one.checkVisibility({visibilityProperty: true}))
           .map(one => [one.dataset.benches || '', one.querySelector('h4').textContent])"""
    )
    assert len(seen) >= 2
    assert all("stream.triad" in benches or "stream.triad" in title for benches, title in seen)
    rows = page.evaluate("[...document.querySelectorAll('table.live tbody tr')].filter(r => !r.hidden).length")
    assert page.locator("#hits").text_content().endswith(f"{rows} records")
    assert rows > 0
    page.fill("#search", "")
    go_to(page, "topic-memory")
    assert shown(page) == "topic-memory"


@FIRST
def test_a_chart_is_saved_as_a_picture(look: Any, tmp_path: Path) -> None:
    """SVG and PNG bear title, legend and colours of their own, whatever the page around them had."""
    page = look("intel").page
    go_to(page, "topic-summary")
    for kind, head in (("svg", b"<svg"), ("png", b"\x89PNG")):
        with page.expect_download() as download:
            page.locator(f"#topic-summary [data-save={kind}]").first.click()
        assert download.value.suggested_filename.endswith(f".{kind}")
        download.value.save_as(tmp_path / "chart")
        saved = (tmp_path / "chart").read_bytes()
        assert saved.startswith(head)
        assert len(saved) > 5000
        if kind == "svg":
            assert b"var(--" not in saved
            assert b"NumPy" in saved


@pytest.mark.xdist_group("intel-phone")
def test_a_phone_has_a_menu(look: Any) -> None:
    """The rail is a bar with a button; a choice shows the topic and closes the menu."""
    page = look("intel", "phone").page
    go_to(page, "topic-summary")
    assert not page.locator("nav").is_visible()
    page.locator("#menu").click()
    assert page.locator("#menu").get_attribute("aria-expanded") == "true"
    page.locator("nav a[href='#topic-compute']").click()
    page.wait_for_selector("#topic-compute.on")
    assert not page.locator("nav").is_visible()
    assert "Compute" in page.locator("#menu").text_content()


@pytest.mark.xdist_group("h200-desk")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(look: Any, scheme: str) -> None:
    """Text has a contrast of 4.5:1 at least in both themes (WCAG AA)."""
    page = look("h200").page
    page.emulate_media(color_scheme=scheme)
    go_to(page, "topic-summary")
    assert (page.evaluate("parseInt(getComputedStyle(document.body).backgroundColor.slice(4))") > 128) == (
        scheme == "light"
    )
    low = page.evaluate(
        """() => {
          const part = text => (text.match(/[\\d.]+/g) || []).map(Number);
          const light = rgb => { const [r, g, b] = rgb.slice(0, 3).map(c => c / 255)
            .map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
            return .2126 * r + .7152 * g + .0722 * b; };
          const behind = one => { for (; one; one = one.parentElement) {
            const c = part(getComputedStyle(one).backgroundColor); if (c.length === 3 || c[3] === 1) return c; }
            return [255, 255, 255]; };
          const bad = new Set();
          for (const one of document.querySelectorAll('header *, .topic.on *')) {
            if (one.closest('svg') || ![...one.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
            const style = getComputedStyle(one);
            const back = behind(one), alpha = Number(style.opacity);
            const fore = part(style.color).slice(0, 3).map((c, i) => c * alpha + back[i] * (1 - alpha));
            const [a, b] = [light(fore), light(back)].sort((x, y) => y - x);
            if ((a + .05) / (b + .05) < 4.5) bad.add(one.tagName + '.' + one.className + ' ' + (a + .05) / (b + .05));
          }
          return [...bad];
        }"""
    )
    assert low == []
