"""What a kernel's machine code holds of other files, and that it is told apart."""

from __future__ import annotations

import sys
from types import ModuleType

import numba
import numpy as np
import pytest

from hwbench.benches.access import stride
from hwbench.kernels import inlined


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Make a module of a text, under a name that other modules can import."""

    def make(name, text):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        found = ModuleType(name)
        found.__file__ = str(path)
        monkeypatch.setitem(sys.modules, name, found)
        exec(compile(text, path, "exec"), vars(found))
        return found

    return make


HELPER = "import numba\n@numba.njit\ndef twice(x):\n    return {factor} * x\n"
PLAIN = "from helper_x import twice\ndef kernel(x):\n    return twice(x) + 1\n"


def test_a_helper_s_text_counts(module):
    """Imported by name or with its module, called directly or by another helper."""
    texts = {
        "kernel_a": PLAIN,
        "kernel_b": "import helper_x\ndef kernel(x):\n    return helper_x.twice(x)\n",
        "kernel_c": "import numba\nfrom helper_x import twice\n@numba.njit\ndef mid(x):\n    return twice(x)\n"
                    "def kernel(x):\n    return [mid(y) for y in x]\n",
    }  # fmt: skip

    def digests(factor):
        module("helper_x", HELPER.format(factor=factor))
        return {name: inlined.digest(module(name, text).kernel) for name, text in texts.items()}

    two, again, three = digests(2), digests(2), digests(3)
    assert two == again
    assert all(two[name] != three[name] for name in texts)
    assert len(set(two.values())) == len(texts)


@pytest.mark.parametrize("value", ["1", "'a'", "(1, 2)", "1.5", "np.float32(3)", "np.arange(3)", "np.dtype('f4')"])
def test_constants_count(module, value):
    """Numba takes a global for what it is when the kernel is compiled."""
    text = "import numpy as np\nSIZE = {}\ndef kernel():\n    return SIZE\n"
    one, other = (inlined.digest(module("kernel_d", text.format(x)).kernel) for x in (value, "2"))
    assert one != other


def test_what_a_kernel_does_not_name_does_not_count(module):
    """Nor what belongs to NumPy, or lists and classes, which Numba does not take for constants."""
    text = "import numpy as np, helper_y\nUNUSED = {}\nLIST = [{}]\ndef kernel(x):\n    np.sum(x), LIST, helper_y\n"
    module("helper_y", "OTHER = 3")
    one, other = (inlined.digest(module("kernel_e", text.format(x, x)).kernel) for x in (1, 2))
    assert one == other


def test_a_recursive_kernel_and_hwbench_s_own():
    """The first ends; of hwbench's files the name of the kernel cache has the digest already."""

    @numba.njit
    def loop(n):
        return n if n < 1 else loop(n - 1)

    loop.py_func.__globals__["loop"] = loop
    try:
        assert len(inlined.digest(loop.py_func)) == 16
    finally:
        del loop.py_func.__globals__["loop"]
    kernels = [value for value in vars(stride).values() if hasattr(value, "py_func")]
    assert [inlined.digest(kernel.py_func) for kernel in kernels] == [""] * len(kernels)
    assert kernels


def test_a_function_of_no_file_counts_by_its_name():
    """A notebook's cell has a name of its text."""
    space = {"numba": numba, "np": np}
    exec(compile("def helper(x):\n    return x\n", "<cell 1>", "exec"), space)
    exec(compile("def kernel(x):\n    return helper(x)\n", "<cell 2>", "exec"), space)
    for name in ("helper", "kernel"):
        space[name].__module__ = "cell"
    assert len(inlined.digest(space["kernel"])) == 16


def test_the_shape_of_a_constant_counts(module):
    """The same bytes as two rows or as three are other code."""
    text = "import numpy as np\nSIZE = np.zeros({})\ndef kernel():\n    return SIZE\n"
    one, other = (inlined.digest(module("kernel_s", text.format(x)).kernel) for x in ((2, 3), (3, 2)))
    assert one != other
