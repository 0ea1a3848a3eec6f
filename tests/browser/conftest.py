"""A headless Chromium, and pages opened in it from a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--force-color-profile=srgb",
    # Each window would load three pages of the address bar's, which nobody sees, and take 2 s for them. The other
    # features are Playwright's, whose own list this one replaces.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxFullPopup,WebUIOmniboxAimPopup,MediaRouter,OptimizationHints,"
    "PaintHolding",
)
DESK = {"width": 1280, "height": 900}


def _chromium() -> str | None:
    named = os.environ.get("HWBENCH_CHROMIUM")
    if named:
        return named
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; without it, or without playwright, tests are skipped."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (the test extra)")
    path = _chromium()
    if path is None:
        pytest.skip("no Chromium found; HWBENCH_CHROMIUM names one")
    with playwright.sync_playwright() as tool:
        opened = tool.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """`written("one", write)`: the file of a page, which `write` makes once for all of pytest's processes."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    def once(name: str, write: Callable[[Path], None]) -> Path:
        path = folder / f"{name}.html"
        with FileLock(f"{path}.lock"):
            if not path.exists():
                write(path)
        return path

    return once


@dataclass
class Visit:
    """An open page, and what it complained of or asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def opened(browser: Any) -> Iterator[Callable[..., Visit]]:
    """`opened(file, anchor, viewport=…)` opens a page in a window of its own and waits for its charts."""
    visits: list[Visit] = []

    def go(file: Path, anchor: str = "", **options: Any) -> Visit:
        page = browser.new_context(**{"viewport": DESK, **options}).new_page()
        made = Visit(page)
        visits.append(made)
        page.on(
            "console",
            lambda message: made.complaints.append(message.text) if message.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: made.complaints.append(str(error)))
        page.on("request", lambda request: made.requests.append(request.url))
        page.goto(file.as_uri() + anchor)
        if options.get("java_script_enabled", True):
            done = "() => document.documentElement.dataset.charts === 'done'"
            page.wait_for_function(done, polling=100, timeout=60_000)
        return made

    yield go
    for made in visits:
        made.page.context.close()
