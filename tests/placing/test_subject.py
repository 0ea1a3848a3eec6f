"""`FILE.py:function`: what is found in a user's file, and one line for each way in which it is not."""

from __future__ import annotations

import pytest

from hwbench.errors import UsageError
from hwbench.placing import subject

CODE = """
import helper_beside

def blur(x):
    return x

def numpy_blur(x):
    return x

def numba_blur(x):
    return x

def alone():
    return helper_beside.VALUE

def make_inputs(n):
    return [0] * n,

def other(n):
    return {"x": n}

def single():
    return 7

def broken(n):
    raise MemoryError if n > 10 else ValueError("odd")

NUMBER = 3
"""


@pytest.fixture
def file(tmp_path):
    """A user's file with a module beside it."""
    (tmp_path / "helper_beside.py").write_text("VALUE = 5")
    path = tmp_path / "mine.py"
    path.write_text(CODE)
    return path


def test_a_function_its_arguments_and_its_variants(file):
    """`make_inputs` of the file is the default; `numpy_` and `numba_` before the name make variants."""
    found = subject.load(f"{file}:blur")
    assert (found.name, found.sized, list(found.variants)) == ("blur", True, ["numpy_blur", "numba_blur"])
    assert found.inputs(3).args == ([0, 0, 0],)
    assert list(subject.load(f"{file}:numpy_blur").variants) == ["blur", "numba_blur"]
    assert subject.load(f"{file}:alone", f"{file}:single").inputs(None).args == (7,)
    assert subject.load(f"{file}:blur", "other").inputs(9).kwargs == {"x": 9}


def test_a_dict_of_variants_counts_before_names(file):
    """By the names that it gives."""
    file.write_text(CODE + '\nVARIANTS = {"as is": blur, "doubled": lambda x: x, "none": 3}\n')
    assert list(subject.load(f"{file}:blur").variants) == ["doubled"]


@pytest.mark.parametrize(
    ("target", "args", "message"),
    [
        ("{}:blurr", None, "has no function 'blurr'; did you mean blur"),
        ("{}:NUMBER", None, "NUMBER: is not a function but int"),
        ("{}", None, "is not of the form FILE.py:function"),
        ("nowhere.py:f", None, "nowhere.py: is not a file"),
        ("{}:blur", "nowhere.py:make", "nowhere.py: is not a file"),
        ("{}:blur", "mane", "has no function 'mane'"),
    ],
)
def test_what_is_not_there_is_one_line(file, target, args, message):
    """With what is near."""
    with pytest.raises(UsageError, match=message) as error:
        subject.load(target.format(file), args)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1\nraise ValueError('a\\nb')", r"bad.py:2: does not import: ValueError: a b"),
        ("import no_such_package_here", r"bad.py:1: does not import: ModuleNotFoundError: .*; install no_such_package"),
        ("def f(:", r"bad.py:1: does not import: SyntaxError"),
        ("import sys; sys.exit(3)", r"ends Python \(exit 3\) while it is imported"),
        ("def f(x): pass", r"bad.py:f: needs x; name a function that makes them"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path, code, message):
    """Where in it, what, and what to do."""
    path = tmp_path / "bad.py"
    path.write_text(code)
    with pytest.raises(UsageError, match=message):
        subject.load(f"{path}:f")


def test_the_line_is_named_for_a_relative_path_too(tmp_path, monkeypatch):
    """As it is typed."""
    (tmp_path / "bad.py").write_text("import no_such_package_here")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^bad.py:1: does not import"):
        subject.load("bad.py:f")


def test_arguments_that_cannot_be_made_are_one_line(file):
    """With the n."""
    broken = subject.load(f"{file}:blur", "broken")
    with pytest.raises(UsageError, match="blur: broken failed with n=5: ValueError: odd"):
        broken.inputs(5)
    with pytest.raises(UsageError, match="there is no memory for its inputs with n=50"):
        broken.inputs(50)
