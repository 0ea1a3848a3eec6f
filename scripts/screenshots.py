"""Take docs/pictures/report-*.webp, which docs/reading-the-report.md shows, of the page of the run in `pictures.RUNS`.

    python scripts/screenshots.py [FOLDER]

Needs Chromium and playwright (the extra `test`). Nothing is measured. The pictures are kept, since the site is built
where there is no browser; fonts differ from machine to machine, so that no test compares them.
"""

from __future__ import annotations

import base64
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pictures

from hwbench import catalog, report
from hwbench.record import store

MOST = 60_000  # bytes of a picture
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True)
class Shot:
    """A picture: its name, where on the page, and the size of the window."""

    name: str
    anchor: str = ""
    width: int = 1120
    height: int = 700
    dark: bool = False


SHOTS = (
    Shot("summary"),
    Shot("topic", "#topic-memory"),
    Shot("data", "#topic-data"),
    Shot("phone", width=390, height=700, dark=True),
)


def taken(page: Any, quality: int) -> bytes:
    """The window as WebP."""
    session = page.context.new_cdp_session(page)
    asked = {"format": "webp", "quality": quality}
    return base64.b64decode(session.send("Page.captureScreenshot", asked)["data"])


def shoot(browser: Any, file: Path, shot: Shot) -> bytes:
    """A picture of at most MOST bytes, as sharp as that allows."""
    view = {"width": shot.width, "height": shot.height}
    context = browser.new_context(viewport=view, color_scheme="dark" if shot.dark else "light", reduced_motion="reduce")
    page = context.new_page()
    page.goto(file.as_uri() + shot.anchor)
    page.wait_for_function("() => document.documentElement.dataset.charts === 'done'", timeout=60_000)
    page.wait_for_timeout(300)
    made = next(data for quality in (85, 70, 55, 40, 25) if len(data := taken(page, quality)) <= MOST)
    context.close()
    return made


def main(arguments: list[str]) -> int:
    """Take all; the exit code."""
    from playwright.sync_api import sync_playwright

    folder = Path(arguments[0]) if arguments else pictures.HERE
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        print("no Chromium found")
        return 2
    with tempfile.TemporaryDirectory() as made, sync_playwright() as tool:
        file = Path(made) / "page.html"
        report.write([store.read(pictures.pictured())], file, catalogue=catalog.benches())
        browser = tool.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for shot in SHOTS:
            data = shoot(browser, file, shot)
            (folder / f"report-{shot.name}.webp").write_bytes(data)
            print(f"report-{shot.name}.webp: {len(data) / 1e3:.0f} kB")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
