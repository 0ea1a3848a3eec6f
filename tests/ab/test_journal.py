"""What was measured is there after a crash, and only the same question continues it."""

from __future__ import annotations

import msgspec
import pytest

from hwbench import cache
from hwbench.ab import journal
from hwbench.ab.layout import Layout
from hwbench.ab.values import Value
from hwbench.errors import StoreError, UsageError
from hwbench.tracking.rules import Rule, Rules

ASKED = journal.Asked(command="x", much="3 quads", sides=("a", "b"), names=("A", "B"), seed=1, mode="abba")


def process(quad, step, value=1.0):
    return journal.Measured(
        quad=quad, step=step, side=step % 2, layout=Layout("1", 2), began=1.0, seconds=2.0, cpu=2.0,
        values=[Value(bench="a", value=value, params={"n": 3})],
    )  # fmt: skip


@pytest.fixture
def kept(tmp_path):
    made = journal.opened(ASKED, tmp_path / "kept", resume=False)
    made.begin(ASKED)
    for step in range(4):
        made.add(process(0, step))
    made.add(process(1, 0))
    return made


def test_a_measurement_that_was_cut_off_goes_on(kept):
    """A last line without its end is left out, and what follows is appended to whole lines."""
    with kept.path.open("ab") as file:
        file.write(msgspec.json.encode(process(1, 1))[:40])
    again = journal.opened(msgspec.structs.replace(ASKED, seed=9), kept.folder, resume=True)
    assert again.asked == ASKED
    assert again.measured == kept.measured
    again.add(process(1, 1))
    assert len(journal.opened(ASKED, kept.folder, resume=True).measured) == 6


def test_only_whole_quads_count_and_the_newest_of_each_place(kept):
    """A quad that was cut off is measured again."""
    assert [*kept.complete(4)] == [0]
    kept.add(process(0, 2, value=5.0))
    assert kept.complete(4)[0][2].values[0].value == 5.0


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"command": "y"}, "the command: was x, and is now y"), ({"sides": ("a", "c")}, "--new: was b, and is now c"),
        ({"much": "9 quads"}, "--quads, --for or --see: was 3 quads, and is now 9 quads"),
        ({"options": {"--metric": "m=(.)"}}, r"--metric: was nothing, and is now m=\(.\)"),
        ({"options": {"--no-build": "given"}}, "--no-build: was nothing, and is now given"),
    ],
)  # fmt: skip
def test_another_question_is_refused(kept, other, said):
    """With the option that differs."""
    with pytest.raises(UsageError, match=said):
        journal.opened(msgspec.structs.replace(ASKED, **other), kept.folder, resume=True)


def test_options_that_change_what_is_measured_are_part_of_the_question():
    """Thresholds are not: they judge."""
    plain = journal.options(Rules(), [], "", None, build=True, metric=[])
    assert [*plain] == ["the folder"]
    rules = Rules(threshold=0.1, rules=[Rule("a", threshold=0.2), Rule("b", higher=True)])
    found = journal.options(rules, ["numpy"], "3.12", False, build=False, metric=["m=(.)"])
    assert {name: said for name, said in found.items() if name not in plain} == {
        "--metric": "m=(.)", "--with": "numpy", "--python": "3.12", "--no-build": "given", "--duet": "false",
        "metrics and directions": "b: None True",
    }  # fmt: skip


def test_two_do_not_measure_at_once(monkeypatch, tmp_path):
    """The second is told, and may start when the first has ended."""
    monkeypatch.setattr(cache, "directory", lambda *parts: tmp_path.joinpath(*parts))
    with journal.alone(), pytest.raises(UsageError, match="another hwbench ab measures"), journal.alone():
        pytest.fail("both measure")
    with journal.alone():
        pass


def test_a_folder_with_a_measurement_is_not_overwritten(kept):
    """It may be continued."""
    with pytest.raises(UsageError, match="holds a measurement; continue it by --resume"):
        journal.opened(ASKED, kept.folder, resume=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [(b"", "no measurement"), (b"[]\n", "no measurement"), (b'{"command": 1}\n', "no measurement")],
)
def test_what_is_no_journal_is_one_line(tmp_path, text, said):
    """With its path."""
    (tmp_path / journal.FILE).write_bytes(text)
    with pytest.raises(StoreError, match=said):
        journal.opened(ASKED, tmp_path, resume=True)


def test_a_damaged_line_is_named(kept):
    """Unlike a last one, it was not cut off."""
    lines = kept.path.read_bytes().splitlines(keepends=True)
    kept.path.write_bytes(b"".join([*lines[:2], b"{}\n", *lines[2:]]))
    with pytest.raises(StoreError, match="line 3 cannot be read"):
        journal.opened(ASKED, kept.folder, resume=True)


def test_without_a_folder_it_lies_in_the_cache_until_it_is_judged(monkeypatch, tmp_path):
    """A folder for each question; what an earlier attempt left goes."""
    monkeypatch.setattr(cache, "directory", lambda *parts: tmp_path.joinpath(*parts))
    with pytest.raises(UsageError, match="there is nothing to resume"):
        journal.opened(ASKED, None, resume=True)
    made = journal.opened(ASKED, None, resume=False)
    made.begin(ASKED)
    assert journal.kept_at(msgspec.structs.replace(ASKED, command="y")) != made.folder
    assert journal.opened(ASKED, None, resume=True).asked == ASKED
    made.add(process(0, 0))
    said = []
    assert journal.opened(ASKED, None, resume=False, say=said.append).measured == []
    assert "an earlier measurement of this question (1 process) is set aside" in said[0]
    assert len([*made.folder.iterdir()]) == 1
    journal.forget(made, None)
    assert not made.folder.exists()
    journal.forget(made, tmp_path)  # what is kept by wish stays, and what is gone is no error
