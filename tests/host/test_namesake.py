"""A second distribution called hwbench in the environment: seen, said in one line, and never an error."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

from hwbench.host import namesake


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An environment of its own: `site(folder, METADATA)` installs a distribution."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    def install(folder, text=None):
        (tmp_path / folder).mkdir()
        if text is not None:
            (tmp_path / folder / "METADATA").write_bytes(text)
        return tmp_path

    return install


def test_hwbench_suite_alone_is_no_trouble(site):
    """A name that begins alike is another name."""
    site("hwbench_suite-0.1.0.dist-info", b"Metadata-Version: 2.1\nName: hwbench-suite\nVersion: 0.1.0\n")
    assert namesake.found() == ""


def test_a_namesake_is_told_with_its_place_and_the_remedy(site):
    """What, where, what to do."""
    where = site("hwbench-0.4.dist-info", b"Metadata-Version: 2.1\nName: hwbench\nVersion: 0.4\n")
    said = namesake.found()
    assert said.startswith(f"the distribution hwbench 0.4 in {where} has the same command and folder as hwbench-suite")
    assert said.endswith("python -m pip uninstall hwbench, then install hwbench-suite again")
    assert "\n" not in said


@pytest.mark.parametrize("text", [None, b"", b"\xff\xfe\x00", b"Name\n"])
def test_damaged_metadata_are_no_error(site, text):
    """The folder is there, its METADATA is not or says nothing: it is told all the same."""
    where = site("hwbench-0.4.dist-info", text)
    assert str(where) in namesake.found()


def test_what_importlib_raises_is_no_error(monkeypatch):
    """A folder on the path that cannot be listed, an entry that is no path."""

    def refuse(name):
        raise PermissionError(name)

    monkeypatch.setattr(metadata, "distribution", refuse)
    assert namesake.found() == ""


@pytest.mark.parametrize("arguments", [("machine",), ("run", "access.steps")])
def test_commands_that_measure_say_it_once(benches, device, command, monkeypatch, tmp_path, arguments):
    """`run` and `machine`, on standard error."""
    monkeypatch.setattr(namesake, "found", lambda: "two of them")
    if arguments[0] == "run":
        arguments = (*arguments, "--no-report", "--out", tmp_path)
    done = command(*arguments)
    assert done.err.count("warning: two of them\n") == 1
    assert "two of them" not in done.out


def test_help_and_show_do_not_look():
    """They do not even import it."""
    code = "import sys; sys.argv = ['hwbench', {}]\ntry:\n    from hwbench.cli.app import main; main()\n" \
           "except SystemExit: pass\nassert 'hwbench.host.namesake' not in sys.modules"  # fmt: skip
    for arguments in ("'--help'", "'show', 'none.json'"):
        subprocess.run([sys.executable, "-c", code.format(arguments)], check=True, capture_output=True)
