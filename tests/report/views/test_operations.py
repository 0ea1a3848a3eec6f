"""Operations of the interpreter: a row each, on a logarithmic scale."""

from __future__ import annotations

from hwbench.report.views.operations import view as operations
from made_up.gpu_records import record
from made_up.page import column, dataset, labels, only_figure, run_of


def run(*ways: str):
    return run_of(
        *(record("python.objects", way, {"operation": name}, 1e-9 * at, device="cpu", counts={"items": 100},
                 facts={"python": "3.14.0", "gil": "on" if way == "here" else "off"})
          for way in ways for name, at in (("attribute", 1000), ("wait", 5e8)))
    )  # fmt: skip


def test_a_row_for_each_operation():
    """Also where one interpreter alone was measured, which has nothing to be compared with."""
    shown = only_figure(operations(dataset(run("here"))))
    assert labels(shown, "marks") == ["10.0 ns", "5.00 ms"]
    assert column(shown, "Python") == ["3.14.0, GIL on"] * 2
    assert shown.legend == []
    both = only_figure(operations(dataset(run("here", "free-threaded"))))
    assert [key.label for key in both.legend] == ["here", "free-threaded"]


def test_no_section_without_records():
    assert operations(dataset(run_of())) is None
