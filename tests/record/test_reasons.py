"""Reasons: one table of codes, each with words and a remedy, each produced somewhere."""

import ast
from pathlib import Path

import msgspec
import pytest

import hwbench
from hwbench.host import opencl_probe
from hwbench.host.gpu_probe import CODES
from hwbench.record.interference import THROTTLES
from hwbench.record.reasons import CONCLUDED, LONGEST, TABLE, Reason, because, has, told

MAKERS = ("because", "Skip")
ROOT = Path(hwbench.__file__).parent
# Codes that are looked up before one is made.
TABLES = {*CODES.values(), *opencl_probe.CODES.values(), *THROTTLES.values()}


def calls(*names):
    """Calls of these functions anywhere in hwbench: file and node."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield path.name, node


def texts(node):
    """The plain strings in an expression."""
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


@pytest.mark.parametrize("code", TABLE)
def test_each_code_has_words_and_a_remedy(code):
    """The remedy is a sentence, the words go before a detail."""
    known = TABLE[code]
    assert known.words
    assert not known.words.endswith((".", ":"))
    assert known.remedy.endswith((".", "…"))


def test_words_stand_without_the_detail_unless_it_says_all():
    """A mark is short; of an unknown code, and where the detail is the reason, the detail stays."""
    assert because("steal", "12% of a CPU").words == TABLE["steal"].words
    assert because("one_thread", "NumPy runs on one thread").words == "NumPy runs on one thread"
    assert msgspec.convert({"code": "newer", "detail": "x"}, Reason).words == "x"


def test_each_code_is_produced_somewhere_and_no_other():
    """By a literal in a call or by one of the two tables."""
    made = {code for _, node in calls(*MAKERS) for code in texts(node.args[0])}
    assert made <= set(TABLE)
    assert set(TABLE) - made - TABLES == {"clock_drift"}  # in files of older versions only
    assert set(TABLE) >= TABLES
    assert set(TABLE) >= CONCLUDED


def test_nobody_makes_a_reason_but_by_its_code():
    """`Reason(…)` itself is called in `because` alone, and for a record that gives no reason."""
    assert {name for name, _ in calls("Reason")} == {"reasons.py", "quality.py"}


def test_no_code_outside_the_table_can_be_made():
    """The message names the place that has them all."""
    with pytest.raises(ValueError, match=r"'needs SMT' is no code of a reason; .*reasons\.py"):
        because("needs SMT")


def test_a_detail_is_one_line_that_json_can_hold():
    """Newlines, lone surrogates, and a compiler's page of text."""
    assert because("error", "two\n  lines \udcff").detail == r"two lines \udcff"
    assert len(because("error", "x" * 10_000).detail) == LONGEST


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason("clock_drift", "4.2%"), "the clock drifted: 4.2%"),
        (Reason("clock_drift"), "the clock drifted"),
        (Reason("needs_cpus", "needs 2 CPUs; 1 may be used"), "needs 2 CPUs; 1 may be used"),
        (Reason("needs_cpus"), "too few CPUs"),
        (Reason("of_a_newer_hwbench", "the sun shone"), "the sun shone"),
        (Reason("of_a_newer_hwbench"), "of_a_newer_hwbench"),
    ],
)
def test_the_text_of_a_reason(reason, text):
    """Words and detail, or a detail that says all of it; of an unknown code what there is."""
    assert str(reason) == text


def test_several_reasons_are_told_and_found():
    """In one line; by code."""
    two = [Reason("steal", "2% of a CPU"), Reason("bimodal", "50% apart")]
    assert told(two) == (
        "the hypervisor gave the CPU to other guests (steal): 2% of a CPU; the samples are bimodal: 50% apart"
    )
    assert told([]) == ""
    assert has(two, "quota", "bimodal")
    assert not has(two, "quota")
