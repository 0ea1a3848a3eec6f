"""Pages of mutants in Chromium: none may complain in the console."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from campaign import doors, mutants

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
NAMES = ("chromium", "chromium-browser", "google-chrome")


def faults(seeds: range, folder: Path) -> dict[int, str]:
    """The seeds whose page has an error in the console."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("HWBENCH_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    found = {}
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=path, args=list(FLAGS))
        for seed in seeds:
            file, page_file = folder / "mutant.json", folder / "page.html"
            file.write_bytes(mutants.run_file(seed)[0])
            if doors.ask("report", file, "-o", page_file).code:
                continue
            complaints: list[str] = []
            page = browser.new_page()
            page.on("console", lambda one, said=complaints: said.append(one.text) if one.type == "error" else None)
            page.on("pageerror", lambda error, said=complaints: said.append(str(error)))
            page.goto(page_file.as_uri())
            page.wait_for_function("() => document.documentElement.dataset.charts === 'done'", timeout=60_000)
            page.close()
            if complaints:
                found[seed] = "; ".join(complaints)[:300]
        browser.close()
    return found
