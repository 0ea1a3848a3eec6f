"""Choices by a probe: kept for a setup, probed once more in each run, replaced where two runs in a row differ."""

import pytest

from hwbench.devices import choices
from hwbench.devices.choices import Choice, Choices


@pytest.fixture
def unprobed():
    """Here probes are asked."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "choices" / "setup.json"


def never():
    raise AssertionError("it was probed")


def run(path, found, name="copy L1"):
    """What a process of its own gets whose probe finds this."""
    return Choices(lambda: path).get(name, ["8", "4", "16"], lambda: found)


def test_a_choice_is_probed_once_in_a_process(path):
    """Asked again it is not probed; another name is, and both are kept."""
    first = Choices(lambda: path)
    assert first.get("copy L1", ["8", "4"], lambda: "4") == Choice("4")
    assert first.get("copy L1", ["8", "4"], never) == Choice("4")
    assert run(path, "4") == Choice("4")
    assert run(path, "8", "copy L2") == Choice("8")
    assert choices.read(path) == {"copy L1": "4", "copy L2": "8"}


def test_a_choice_made_in_noise_is_replaced_by_the_second_run_that_says_so(path):
    """The first contradiction is told and kept in mind; a second one that finds the same way replaces the choice."""
    assert run(path, "4") == Choice("4")
    assert run(path, "8") == Choice("4", contradicted="8")
    assert run(path, "8") == Choice("8", replaced="4")
    assert run(path, "8") == Choice("8")
    assert run(path, "4") == Choice("8", contradicted="4")


def test_one_contradiction_or_two_different_ones_replace_nothing(path):
    """A run that agrees in between wipes it out; another way than the last run's stands for noise as well."""
    run(path, "4")
    for found in ("8", "4", "8", "16", "8", "4"):
        assert run(path, found).name == "4"
    assert run(path, "8") == Choice("4", contradicted="8")


def test_a_process_tells_its_own_choice_however_often_it_is_asked(path):
    """What the probe said against it belongs to each case that uses it."""
    run(path, "4")
    mine = Choices(lambda: path)
    assert mine.get("copy L1", ["8", "4"], lambda: "8").facts == {"choice_contradicted": "8"}
    assert mine.get("copy L1", ["8", "4"], never).facts == {"choice_contradicted": "8"}
    assert run(path, "8").facts == {"choice_replaced": "4"}
    assert run(path, "8").facts == {}


def test_one_candidate_is_no_choice(path):
    """It is not probed, and nothing is read or written."""
    assert Choices(never).get("store L1", ["8"], never) == Choice("8")
    assert not path.exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b'{"copy L1": 4}', b'{"copy L1": "5"}'])
def test_a_damaged_file_is_probed_anew(path, damage):
    """Whatever is in the file, a value is one of the candidates; the file is whole after that."""
    path.parent.mkdir()
    path.write_bytes(damage)
    assert Choices(lambda: path).get("copy L1", ["8", "4"], lambda: "4") == Choice("4")
    assert choices.read(path) == {"copy L1": "4"}


def test_what_another_process_kept_meanwhile_stays(path):
    """A file is read again before it is replaced."""
    mine = Choices(lambda: path)
    mine.get("copy L1", ["8", "4"], lambda: "4")
    choices.write(path, choices.read(path) | {"load L1": "16"})
    mine.get("copy L2", ["8", "4"], lambda: "8")
    assert choices.read(path)["load L1"] == "16"


def test_where_nothing_can_be_kept_a_process_probes_once(tmp_path):
    """A cache that is a file, not a folder, costs the next process a probe and no error."""
    (tmp_path / "cache").write_text("")
    here = Choices(lambda: tmp_path / "cache" / "setup.json")
    assert here.get("copy L1", ["8", "4"], lambda: "4") == Choice("4")
    assert here.get("copy L1", ["8", "4"], never) == Choice("4")


def test_the_file_is_named_by_setup_and_kernels(monkeypatch, tmp_path):
    """Another compiler or other kernels have another file; how many threads Numba's pool has changes nothing."""
    monkeypatch.setattr(choices.cache, "directory", lambda *parts: tmp_path.joinpath(*parts))
    software = {"numba": "1", "numba_threads": 2}
    monkeypatch.setattr(choices.machine, "software", lambda: dict(software))

    def name():
        choices.file.cache_clear()
        return choices.file().name

    first = name()
    software["numba_threads"] = 1
    assert name() == first
    software["numba"] = "2"
    assert name() != first
    monkeypatch.setattr(choices, "kernel_cache", lambda: tmp_path / "kernels-other")
    assert "kernels-other" in name()
    choices.file.cache_clear()
