"""What a run file must not say of its user."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hwbench.record import private
from hwbench.record.private import without_ids, without_places


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("FileNotFoundError: [Errno 2] No such file or directory: '/data/al ice/x.bin'", "directory: 'x.bin'"),
        ("cannot open /srv/data/deep/x.bin: it is gone", "cannot open x.bin: it is gone"),
        (r"in C:\Users\alice\x.bin", "in x.bin"),
        ("in ~/work/x.bin", "in x.bin"),
        ("25.1 GB/s of 50 GB/s", "25.1 GB/s of 50 GB/s"),
        ("either/or, n/a, 3 / 4", "either/or, n/a, 3 / 4"),
        ("see https://example.org/a/b", "see https://example.org/a/b"),
        ("shapes (3,4)/(4,3)", "shapes (3,4)/(4,3)"),
    ],
)
def test_of_an_absolute_path_the_name_is_kept(text, kept):
    """Rates, fractions and addresses stay as they are."""
    assert without_places(text).endswith(kept)


def test_the_home_is_a_tilde(monkeypatch):
    """The directory itself is named after its user."""
    monkeypatch.setattr(private, "_home", lambda: "/home/alice")
    assert without_places("no room in /home/alice; /home/alicent stays") == "no room in ~; alicent stays"
    assert without_places("'/home/alice/x.bin' is gone") == "'~/x.bin' is gone"
    assert without_places("'/home/alice/a/x.bin' is gone") == "'x.bin' is gone"


@pytest.mark.parametrize("home", ["/", RuntimeError])
def test_a_home_that_says_nothing_is_left_alone(monkeypatch, home):
    """The root, or none."""

    def at():
        if home is RuntimeError:
            raise RuntimeError
        return Path(home)

    monkeypatch.setattr(private.Path, "home", at)
    private._home.cache_clear()
    try:
        assert without_places("in / and 3 / 4") == "in / and 3 / 4"
    finally:
        private._home.cache_clear()


def test_a_uuid_is_hashed():
    """In full, or as CUDA allows it to be cut off; two still differ, and one is the same each time."""
    one, two = "GPU-8a56a4bc-dd63-4e4e-8e4e-0123456789ab", "MIG-8a56a4bc-dd63-4e4e-8e4e-0123456789ac"
    found = without_ids(f"{one},{two},GPU-8a56,0")
    first, second, third, last = found.split(",")
    assert first.startswith("GPU-")
    assert second.startswith("MIG-")
    assert len({first[4:], second[4:], third[4:]}) == 3
    assert last == "0"
    assert without_ids(one.upper()) == first
    assert not {"8a56", "dd63"} & set(found.replace(",", "-").split("-"))


def test_a_long_text_costs_no_time():
    """Not even one that almost is a path."""
    begun = time.process_time()
    for text in ("/" * 10**6, "/a" * 10**6, "'/" + "a " * 10**6, "GPU-" * 10**6, "a" * 10**6 + "/"):
        assert len(without_places(text)) <= private.LOOKED_AT
        without_ids(text[: private.LOOKED_AT])
    assert time.process_time() - begun < 5
