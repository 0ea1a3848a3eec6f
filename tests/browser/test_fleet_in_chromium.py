"""The page of a fleet: the map, one bin's machines, one machine, search and links, at a desk and on a phone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hwbench.fleet.cube import Cube
from hwbench.fleet.page import render
from made_up.machines_alike import alike

pytest.importorskip("playwright.sync_api", reason="needs playwright (the test extra)")

pytestmark = pytest.mark.browser

SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
EVIL = "<img src=x onerror=document.title='obeyed'>"


@pytest.mark.parametrize("size", SIZES)
def test_the_map_leads_to_the_odd_machine(browser: Any, tmp_path: Any, size: str) -> None:
    sick = alike(200, spread=0.004, noise=0.002, faults={151: ("memory channel", 0.3)})
    few = replace(alike(10, hardware=EVIL), machines=[f"{EVIL}{i}" for i in range(10)])
    path = tmp_path / "fleet.html"
    path.write_text(render(Cube([sick, few], [])), "utf-8")
    page = browser.new_page(viewport=SIZES[size])
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda line: failures.append(line.text) if line.type == "error" else None)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.text_content("#one-title") == "node-151"
    assert "memory channel" in page.text_content("#one")
    name, deviation, ratio, _ = page.locator("#one tbody tr").first.locator("td").all_text_contents()
    assert name.startswith("dram.")
    assert float(deviation.replace("−", "-")) < -32
    assert f"{name} {ratio} (" in page.text_content("#odd")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    assert page.evaluate("document.querySelector('#one').scrollWidth <= document.querySelector('#one').clientWidth")
    page.fill("#machine", "node-007")
    assert page.text_content("#one-title") == "node-007"
    page.focus("#overview")
    page.keyboard.press("ArrowDown")
    assert page.locator("#bin button").first.text_content() == "node-008"
    page.evaluate("location.hash = 'machine=node-151'")
    page.wait_for_function("document.getElementById('one-title').textContent === 'node-151'")
    page.select_option("#group", "1")
    assert page.locator("#bin .line").count() == 1
    assert EVIL in page.text_content("#bin")
    assert page.title() != "obeyed"
    assert page.locator("#classes svg").count() == page.locator("#histogram svg").count() == 1
    page.click("#theme")
    assert failures == []
    page.close()
