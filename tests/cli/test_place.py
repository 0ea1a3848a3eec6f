"""`hwbench place`: lines, JSON, the page, and exit codes."""

from __future__ import annotations

import contextlib
import json

import pytest

from hwbench.cli import guardian, place
from hwbench.devices import selection
from hwbench.errors import UsageError
from hwbench.placing import engine, page, roofs, sweep
from made_up.placed import chain, counts, exactly
from made_up.placed import roofs as made_up


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A user's file, on a machine of the imagination that takes 5 ns an element; memory ends at a million."""
    path = tmp_path / "mine.py"
    path.write_text(
        "def f(x): return x\ndef numba_f(x): return x\ndef make_inputs(n): return (n,)\ndef alone(): pass\n"
    )

    @contextlib.contextmanager
    def unguarded(_name):
        yield lambda _what: None

    def placed(name, _function, inputs, _setting, *, n, declared, variants):
        if n == 10**7:
            raise UsageError(f"{name}: ran out of memory; ask for a smaller n")
        if declared.bytes is not None:
            engine._declared(name, counts(24 * (n or 1)), declared.at(n))
        size = n or 1000
        return {
            one: engine.point(one, chain(size), exactly(size * 5e-9), made_up(), n=n, written=8 * size)
            for one in (name, *variants)
        }

    monkeypatch.setattr(guardian, "guarded", unguarded)
    monkeypatch.setattr(roofs, "get", lambda _tell, _stop, *, refresh: made_up())
    monkeypatch.setattr(selection, "devices", lambda _which: {})
    monkeypatch.setattr(engine, "place", placed)
    monkeypatch.setattr(sweep.memory, "free", lambda: 2**40)
    return path


def test_lines_for_one_call(file, capsys):
    """A function without arguments."""
    place.place(f"{file}:alone")
    assert capsys.readouterr().out.startswith("alone: 5.00 µs")


def test_a_sweep_is_a_table_with_variants(file, capsys):
    """And one line an n on standard error while it goes on."""
    place.place(f"{file}:f", sweep="n=1e3:1e5:3")
    said = capsys.readouterr()
    tables = [part.splitlines() for part in said.out.split("\n\n") if part.splitlines()[0] in ("f", "numba_f")]
    assert [(table[0], len(table)) for table in tables] == [("f", 5), ("numba_f", 5)]
    assert len(said.err.splitlines()) == 3


def test_json_has_the_variants_beside_the_points(file, capsys, tmp_path):
    """On standard output alone, or in a file."""
    place.place(f"{file}:f", sweep="n=1e3:1e4", json="-")
    data = json.loads(capsys.readouterr().out)
    assert (data["function"], [point["n"] for point in data["points"]]) == ("f", [1000, 3200, 10_000])
    assert [one["function"] for one in data["variants"]] == ["numba_f"]
    place.place(f"{file}:alone", json=str(tmp_path / "x.json"))
    assert set(json.loads((tmp_path / "x.json").read_text())) == {"function", "points"}


def test_the_page_goes_where_it_is_asked_to(file, monkeypatch, tmp_path):
    """And is named."""
    monkeypatch.setattr(page, "render", lambda swept, _roofs: swept.functions[0].name)
    place.place(f"{file}:alone", output=tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text() == "alone"


def test_nothing_is_lost_where_a_later_n_fails(file, capsys):
    """What was placed is printed; the line ends the command by exit code 2."""
    with pytest.raises(UsageError, match="n=10⁷ and more were left out: f: ran out of memory"):
        place.place(f"{file}:f", sweep="n=1e6:1e7:2", json="-")
    assert [point["n"] for point in json.loads(capsys.readouterr().out)["points"]] == [10**6]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"declare": ["bytes=3n"]}, r"f: 2.93 KiB are declared, and its arguments and results alone have 23.4 KiB"),
        ({"declare": ["hops=3"]}, "--declare hops=3: is not of the form bytes=24n or flops=2e6"),
        ({"sweep": "1e3"}, "--sweep 1e3: is not of the form"),
    ],
)
def test_what_cannot_be_placed_is_one_line(file, more, message):
    """Before anything is measured."""
    with pytest.raises(UsageError, match=message):
        place.place(f"{file}:f", **more)


def test_a_sweep_needs_something_that_takes_n(file):
    """A function without arguments has no n."""
    with pytest.raises(UsageError, match="no function takes n"):
        place.place(f"{file}:alone", args=f"{file}:alone", sweep="n=1:10")


def test_declared_amounts_have_forms():
    """With and without n."""
    assert place.declared(["bytes=24n", "flops=2e6"]) == {"bytes": (24.0, True), "flops": (2e6, False)}
    assert place.declared(["bytes=24*n"]) == {"bytes": (24.0, True)}
