"""A bench's version says what is timed; were that to change without it, old results would be compared with new."""

from __future__ import annotations

import ast
import copy
from types import ModuleType

import pytest

import version_lock
from hwbench import catalog


def test_what_is_timed_changes_only_with_its_version():
    """The committed lock agrees with every bench and variant; the message says what to do where it does not."""
    complaints = version_lock.complaints(version_lock.read(), version_lock.lock_of(catalog.benches().values()))
    assert not complaints, "\n".join(complaints)


def digest_of(monkeypatch, source: str) -> str:
    """The digest of the function `build` of a module of this source."""
    module = ModuleType("hwbench.benches.made_up")
    exec(compile(source, module.__name__, "exec"), vars(module))
    tree = ast.parse(source)
    monkeypatch.setattr(version_lock, "tree", lambda _name: tree)
    monkeypatch.setattr(version_lock.importlib, "import_module", lambda _name: module)
    monkeypatch.setattr(version_lock.inspect, "getmodule", lambda _function: module)
    version_lock.definitions.cache_clear()
    version_lock.imports.cache_clear()
    try:
        return version_lock.digest([module.build])
    finally:
        version_lock.definitions.cache_clear()
        version_lock.imports.cache_clear()


MADE_UP = '''
UNROLL = 8

def kernel(a):
    """Adds."""
    return a + UNROLL

def tell(a):
    return kernel(a)

def build(a: int) -> int:
    """Builds."""
    return lambda: kernel(a)
'''


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("a + UNROLL", "a - UNROLL", True),
        ("UNROLL = 8", "UNROLL = 4", True),
        ("lambda: kernel(a)", "lambda: kernel(a + 1)", True),
        ("Adds.", "Adds it up.", False),
        ("UNROLL = 8", "# how many at a time\nUNROLL = 8", False),
        ("a: int", "a: float", False),
        ("return kernel(a)", "return kernel(a) + 1", False),
    ],
    ids=["kernel", "constant", "builder", "docstring", "comment", "annotation", "finding"],
)
def test_the_digest_follows_what_is_timed_and_nothing_else(monkeypatch, old, new, changes):
    """A kernel, its constants and its builder change the digest; prose, types and what they do not use leave it."""
    assert old in MADE_UP
    before, after = digest_of(monkeypatch, MADE_UP), digest_of(monkeypatch, MADE_UP.replace(old, new))
    assert (before != after) == changes


LAUNCHES = """
def build(device):
    return device.launcher("copies", "copy", 1, 32)
"""


BENCH = """
from hwbench.bench import Bench

ELEMENTS = (1, 2)
LEAST = 1

bench = Bench(
    "made.up", question="How many?", axes={"elements": ELEMENTS}, quick={"elements": (1,)}, baseline="numpy"
)

@bench.inputs
def inputs(elements):
    return LEAST + elements

@bench.variant("numpy")
def build(a):
    return lambda: inputs(a)
"""


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ('"elements": (1,)', '"elements": (2,)', False),
        ("axes={", 'axes={"threads": (1,), ', False),
        ("ELEMENTS = (1, 2)", "ELEMENTS = (1, 2, 4)", False),
        ("How many?", "How fast?", False),
        ('baseline="numpy"', 'baseline="numpy", limit="load"', False),
        ("LEAST = 1", "LEAST = 2", True),
    ],
    ids=["preset", "axes", "values", "question", "limit", "constant"],
)
def test_the_digest_does_not_follow_the_bench_of_a_decorated_builder(monkeypatch, old, new, changes):
    """What a bench asks, and for which values, changes no digest; what its hooks use does."""
    assert old in BENCH
    before, after = digest_of(monkeypatch, BENCH), digest_of(monkeypatch, BENCH.replace(old, new))
    assert (before != after) == changes


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [("b[i] = a[i]", "b[i] = a[i] + 1", True), ("// a word each", "// four bytes each", False),
     ("{ b", "{\n    b", False), ("/* copies */ ", "", False)],
    ids=["kernel", "comment", "formatting", "remark"],
)  # fmt: skip
def test_the_digest_follows_the_kernels_that_are_launched(monkeypatch, old, new, changes):
    """The CUDA C++ of the topic that a builder names is timed as its Python is; another topic's is not."""
    sources = {"copies": "/* copies */ void copy() { b[i] = a[i]; }  // a word each\n", "other": "void f() {}"}
    monkeypatch.setattr(version_lock, "TOPICS", list(sources))
    monkeypatch.setattr(version_lock.cuda, "source", sources.__getitem__)
    before = digest_of(monkeypatch, LAUNCHES)
    assert old in sources["copies"]
    sources["copies"] = sources["copies"].replace(old, new)
    assert (digest_of(monkeypatch, LAUNCHES) != before) == changes
    sources["other"] += "// changed"
    sources["other"] = sources["other"].replace("f()", "g()")
    assert (digest_of(monkeypatch, LAUNCHES) != before) == changes


def test_a_row_that_a_builder_closes_over_leads_to_its_kernels():
    """`stream.copy` is built in a function from a row of a table: the digest reaches the kernel in that row."""
    build = catalog.benches()["stream.copy"].variants["simd"].build
    found: dict[version_lock.Place, str] = {}
    closed = version_lock.inspect.getclosurevars(build).nonlocals["row"]
    home = [(build.__module__, name) for name, value in version_lock.module_vars(build) if value is closed]
    version_lock.visit(home, found)
    assert ("hwbench.benches.stream._kernels", "simd_copy") in found
    assert ("hwbench.kernels.simd", "store") in found


def test_a_change_without_a_new_version_is_refused():
    """The complaint names the variant and both remedies; a raised version is only asked to be written down."""
    old = version_lock.lock_of([catalog.benches()["peak.fma"]])
    new = copy.deepcopy(old)
    new["peak.fma"]["variants"]["256"] = "0" * version_lock.DIGITS
    [line] = version_lock.complaints(old, new)
    assert line.startswith("peak.fma/256: what is timed has changed")
    assert "raise `version=`" in line
    new["peak.fma"]["version"] += 1
    [line] = version_lock.complaints(old, new)
    assert line == (
        f"peak.fma: version {new['peak.fma']['version']} is not in the lock; run `python tests/version_lock.py`"
    )
