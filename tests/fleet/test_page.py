"""The page of a fleet."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace

import numpy as np

from hwbench.fleet.cube import Cube
from hwbench.fleet.diagnosis import diagnose
from hwbench.fleet.page import MOST, NONE, STEP, render
from made_up.machines_alike import alike

EVIL = "</script><img src=x onerror=alert(1)>"


def unpacked(page, name):
    (text,) = re.findall(rf'<script type="text/plain" id="{name}">(.*?)</script>', page, re.DOTALL)
    return gzip.decompress(base64.b64decode(text))


def page():
    group = alike(120, faults={3: ("memory channel", 0.3)})
    group.y[7, 0] = np.nan
    one_run = replace(alike(20, runs=1, faults={2: ("clock", 0.3)}), hardware=EVIL, model=EVIL)
    called = [f"{EVIL}{i}" for i in range(20)]
    return group, render(Cube([group, replace(one_run, machines=called), alike(2, hardware="few")], [f"left {EVIL}"]))


def test_the_page_says_who_is_odd_and_shows_all():
    group, made = page()
    assert "node-003" in made
    assert "memory channel" in made
    assert "one run: measured again before it is accused" in made
    data = json.loads(unpacked(made, "data"))
    assert [len(one["machines"]) for one in data] == [120, 20, 2]
    assert data[0]["state"][3] == 1
    assert data[1]["state"][2] == 2
    assert data[0]["told"]["3"].startswith("memory channel")
    cells = np.frombuffer(unpacked(made, "cells-0"), dtype=np.int8).reshape(120, -1)
    assert cells[7, 0] == NONE
    assert abs(cells).max() <= -NONE
    at = list(group.quantities).index("dram.read.all")
    assert cells[3, at] <= -10 * STEP or cells[3, at] == -MOST
    assert set(np.unique(np.frombuffer(unpacked(made, "cells-2"), dtype=np.int8))) == {NONE}


def test_the_accused_have_their_figures_exactly():
    """A byte holds deviations of 31.75 at most: what the table above says, the machine's own figures say too."""
    group = alike(120, faults={3: ("memory channel", 0.4)}, spread=0.003, noise=0.001)
    group.machines[3] = " "
    made = render(Cube([group], []))
    (data,) = json.loads(unpacked(made, "data"))
    (accused,) = diagnose(Cube([group], [])).odd
    first = accused.evidence[0]
    assert first.deviation < -60
    assert data["exact"]["3"][data["quantities"].index(first.quantity)] == [first.deviation, first.ratio]
    assert f"{first.ratio:.3f}×" in made
    assert data["machines"][3] == "(no name)"
    assert "#machine=%28no%20name%29" in made


def test_few_machines_are_shown_with_all_their_runs():
    """What is at fault in the newest run is part of the whole range, and no value is of the centre of others."""
    group = alike(3, runs=6, faults={})
    at = list(group.quantities).index("dram.read.all")
    group.y[2] += 0.7
    group.y[1, at, 5] += np.log(0.7)
    (data,) = json.loads(unpacked(render(Cube([group], [])), "data"))
    assert data["alone"]
    assert np.isclose(data["quantiles"][at][0], np.exp(group.y[:, at].min()), rtol=1e-4)


def test_the_drift_of_a_class_is_that_of_its_machines():
    group = alike(60)
    at = list(group.quantities).index("l1.read.one")
    group.y[:, at, 2] -= 0.03
    (data,) = json.loads(unpacked(render(Cube([group], [])), "data"))
    assert len(data["days"]) == 3
    middle = data["drift"][at][1]
    assert np.allclose(np.array(middle) - middle[0], [0, 0, -0.03], atol=0.005)
    assert data["first"] == "l1.read.one"


def test_names_of_a_store_are_text():
    _, made = page()
    assert "<img" not in made
    assert made.count("</script>") == 1 + 1 + 3  # the code, the data, and the cells of three groups
    assert "script-src &#39;sha256-" in made
    assert "default-src &#39;none&#39;" in made


def test_an_empty_store_has_a_page():
    assert "The store holds no runs yet." in render(Cube([], []))
