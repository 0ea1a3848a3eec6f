"""`hwbench list` as text and as JSON."""

from __future__ import annotations

import json

from made_up.commands import clean


def test_list_as_json_and_as_text(benches, device, command):
    """The same benches both ways; the text names what cannot be had."""
    benches["access.share"].variant("wide", needs=lambda: "needs 512-bit vectors")(lambda: None)
    data = json.loads(command("list", "--json").out)
    assert [entry["name"] for entry in data] == list(benches)
    text = command("list", "access").out
    assert "access.steps  Which script is shorter?" in text
    assert "- fast (baseline): Take what the script says." in text
    assert "not here: needs 512-bit vectors" in text
    assert "sweep.sizes" not in text
    assert clean(text)
