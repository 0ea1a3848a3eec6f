"""`hwbench list` as text and as JSON."""

from __future__ import annotations

import json

from hwbench import catalog
from made_up.commands import clean


def test_list_as_json_and_as_text(benches, device, command):
    """The same benches both ways; the text names what cannot be had."""
    benches["access.share"].variant("wide", needs=lambda: "needs 512-bit vectors")(lambda: None)
    data = json.loads(command("list", "--json").out)
    assert [entry["name"] for entry in data] == list(benches)
    text = command("list", "access", "-v").out
    assert "access.steps  Which script is shorter?" in text
    assert "- fast (baseline): Take what the script says." in text
    assert "not here: needs 512-bit vectors" in text
    assert "sweep.sizes" not in text
    assert clean(text)


def test_list_fits_a_screen(command, monkeypatch):
    """All topics with their benches in 24 lines of 80 columns; every bench is there once."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = command("list").out.splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    halves = [half for line in lines[:-3] for half in (line[:40], line[40:] if line[38:40] == "  " else "")]
    named = [half.split()[0] for half in halves if half and not half.startswith(" ")]
    assert named == list(dict.fromkeys(name.partition(".")[0] for name in catalog.benches()))
    words = " ".join(lines).split()
    assert all(name.partition(".")[2] in words for name in catalog.benches())


def test_selected_benches_are_listed_with_their_questions(benches, command):
    """A line each; not what cannot run here, for which a GPU would be looked for."""
    assert command("list", "access").out.splitlines() == [
        "access.share  Which script is shorter?", "access.steps  Which script is shorter?",
    ]  # fmt: skip
