"""Commands that install what is missing: by the packages themselves, those of pyproject.toml's extras."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import hwbench
from hwbench.record import installing

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_extras_are_those_of_the_project():
    """All but those for who works on hwbench, requirement by requirement."""
    wanted = PROJECT["optional-dependencies"].items()
    extras = {name: tuple(needs) for name, needs in wanted if name not in ("test", "docs")}
    assert extras == installing.EXTRAS
    assert {extra for extra, _ in installing.GPU.values()} == {name for name in extras if name.startswith("gpu-")}


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("bf16", "python -m pip install ml_dtypes"),
        ("asv", "python -m pip install asv virtualenv"),
        ("gpu-cuda13", 'python -m pip install cupy-cuda13x "cuda-toolkit[cudart,nvrtc]==13.*" nvidia-ml-py'),
    ],
)
def test_a_command_names_the_packages(extra, said):
    """Without lower bounds, and quoted where a shell would expand a bracket or a star."""
    assert installing.command(extra) == said


def test_no_hint_installs_by_the_former_name():
    """`hwbench` on the package index is another project; only the pattern for old run files mentions its extras."""
    places = [*Path(hwbench.__file__).parent.rglob("*.py"), *(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    wrong = re.compile(r"""(?:pip install ['"]?hwbench\b|\bhwbench\[)(?!-suite)""")
    assert [path.name for path in places if wrong.search(path.read_text(encoding="utf-8"))] == []


def test_a_module_of_a_users_code_is_installed_by_its_name_and_cupy_by_its_driver():
    """`cupy` on the package index is a source distribution, which wants a compiler."""
    assert installing.of_module("pandas.core") == "install pandas"
    assert installing.of_module("cupy.cuda").startswith("install CuPy: python -m pip install cupy-cuda13x")
