"""`hwbench machine` as text and as JSON."""

from __future__ import annotations

import json


def test_machine_as_json_and_text(command):
    """This machine, its software and what disturbs, both ways."""
    data = json.loads(command("machine", "--json").out)
    assert set(data) == {"machine", "no_gpu", "software", "disturbances"}
    assert data["machine"]["cpu"]["logical"] >= 1
    assert data["machine"]["name"] in command("machine").out
