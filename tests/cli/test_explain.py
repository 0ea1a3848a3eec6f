"""`hwbench explain`: a bench's page on a terminal."""

from __future__ import annotations

import pytest

from hwbench import catalog
from hwbench.cli import pages
from hwbench.cli.explain import told
from inspection.loaded import modules_of
from made_up.commands import clean


@pytest.mark.parametrize("name", [row.name for row in pages.index()])
def test_every_bench_is_explained(name):
    """The question, how to read it, then what is counted and the variants, within the width."""
    lines = told(name, 80)
    assert lines[0].startswith(f"{name}: ")
    text = "\n".join(lines)
    assert text.index("What to look at.") < text.index("\none call ")
    assert "\nvariant " in text
    assert max(map(len, lines)) <= 80
    assert not any(mark in text for mark in ("**", "`", "| ", "](", "\\["))
    assert clean(text)


def test_a_bench_of_several_in_a_file_has_the_file_s_text():
    """It stands at the first of them on the page."""
    assert any("McCalpin's STREAM" in line for line in told("stream.triad", 80))


def test_a_page_is_printed_without_numba(command):
    """No bench is imported for one that has a page."""
    done = command("explain", "peak.fma")
    assert done.code == 0
    assert done.out.startswith("peak.fma: How many floating-point operations")
    code, modules = modules_of("explain", "peak.fma")
    assert code == 0
    assert not modules & {"numba", "llvmlite", "numpy", "rich"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("stram.copy", "no bench is called 'stram.copy'; did you mean stream.copy"),
        ("stream", "stream is a topic; name one of its benches: stream.mix, stream.load"),
        ("\x1b[31m", r"no bench is called '\x1b[31m'"),
    ],
)
def test_what_is_no_bench_is_one_line_with_the_nearest(command, name, said):
    """Exit 2."""
    done = command("explain", name)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_a_bench_without_a_page_is_explained_by_itself(benches, command, monkeypatch):
    """One of your own: question and variants."""
    assert set(catalog.benches()) == set(benches)
    done = command("explain", "access.steps")
    assert done.out.startswith("access.steps: Which script is shorter?\n")
    assert "fast  cpu  Take what the script says." in done.out
