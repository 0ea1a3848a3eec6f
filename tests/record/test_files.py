"""Files are replaced whole, what is no regular file is written to or refused, and nothing waits for a FIFO."""

from __future__ import annotations

import multiprocessing
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hwbench.record import files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="devices, FIFOs and locks as Linux has them")
DATA = b"x" * 200_000  # more than a pipe holds


@pytest.fixture(autouse=True)
def unswept(monkeypatch):
    """As a process that has written nothing yet."""
    monkeypatch.setattr(files, "_swept", set())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_new_or_replaced(tmp_path):
    """Its directory is made, and the mode is what the umask leaves."""
    path = tmp_path / "deep" / "page.html"
    for data in (DATA, b"", b"new"):
        files.write(data, path)
        assert path.read_bytes() == data
    before = os.umask(0o027)
    try:
        files.write(DATA, path)
        files.write(DATA, path.with_name("own"), mode=0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.with_name("own").stat().st_mode) == 0o600
    assert names(path.parent) == ["own", "page.html"]


def test_a_device_is_written_to_and_stays_one(tmp_path):
    """As root, `-o /dev/null` made a file of it."""
    null = tmp_path / "null"
    try:
        os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        null.write_bytes(b"")
    except PermissionError:
        null = Path("/dev/null")
    files.write(DATA, null)
    assert stat.S_ISCHR(null.stat().st_mode)
    assert not files.replaced(null)


def test_a_fifo_is_written_to_and_stays_one(tmp_path):
    """Its reader gets everything."""
    path, got = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    files.write(DATA, path)
    reader.join()
    assert got == [DATA]
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/../dev/stdout"])
def test_standard_output_goes_on_where_it_was(tmp_path, name):
    """A file, a pipe or whatever it is: what was printed before and after stays beside what is written."""
    code = (
        "import sys; from pathlib import Path; from hwbench.record import files\n"
        f"print('before', flush=True); files.write(b'page\\n', Path({name!r})); print('after')"
    )
    into = tmp_path / "out"
    with into.open("wb") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True)
    assert into.read_text() == "before\npage\nafter\n"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == into.read_bytes()


def test_a_disk_is_refused(tmp_path, monkeypatch):
    """A report over a file system would be the end of it."""
    path = tmp_path / "disk"
    try:
        os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(240, 77))
    except PermissionError:
        pytest.skip("only root makes devices")
    with pytest.raises(files.NoFileError, match="is a disk"):
        files.write(DATA, path)


def test_links_are_replaced_and_not_followed(tmp_path):
    """To a file of somebody's, or to nowhere: what it leads to stays as it was."""
    (tmp_path / "secret").write_text("mine")
    for target in ("secret", "nowhere"):
        link = tmp_path / "page.html"
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / target)
        files.write(b"page", link)
        assert not link.is_symlink()
        assert link.read_bytes() == b"page"
    assert (tmp_path / "secret").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_the_temporary_name_cannot_be_foretold_or_followed(tmp_path, monkeypatch):
    """A link that has the name already makes the write fail, and leads nowhere."""
    (tmp_path / "secret").write_text("mine")
    monkeypatch.setattr(files.secrets, "token_hex", lambda _: "0" * 16)
    (tmp_path / f".hwbench-{'0' * 16}.partial").symlink_to(tmp_path / "secret")
    with pytest.raises(FileExistsError):
        files.write(b"page", tmp_path / "page.html")
    assert (tmp_path / "secret").read_text() == "mine"


def test_what_is_written_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """The file is synced, then named, then its directory is synced."""
    done = []
    sync, replace = os.fsync, Path.replace

    def synced(file):
        done.append("directory" if stat.S_ISDIR(os.fstat(file).st_mode) else "file")
        sync(file)

    def replaced(self, target):
        done.append("named")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    files.write(DATA, tmp_path / "run.json")
    assert done == ["file", "named", "directory"]


def die_while_writing(folder: Path) -> None:
    os.fsync = lambda _: os._exit(9)
    files.write(DATA, folder / "run.json")


def test_what_a_crash_left_is_removed_by_the_next_process(tmp_path):
    """The file of a process that lives, of another program, or a link of that name stay."""
    child = multiprocessing.get_context("fork").Process(target=die_while_writing, args=(tmp_path,))
    child.start()
    child.join()
    [left] = names(tmp_path)
    assert files.LEFT.fullmatch(left)
    stay = [".other.partial", f".hwbench-{'1' * 16}.partial", f".hwbench-{'2' * 16}.partial"]
    (tmp_path / stay[0]).write_text("")
    (tmp_path / stay[1]).symlink_to(tmp_path / stay[0])
    alive, lock = tmp_path / stay[2], files.fcntl
    with alive.open("wb") as file:
        lock.flock(file, lock.LOCK_EX)
        files.write(b"page", tmp_path / "page.html")
        assert names(tmp_path) == sorted([*stay, "page.html"])


def test_two_writers_leave_one_whole_file(tmp_path):
    """Each sweeps the other's directory while it writes."""
    path = tmp_path / "run.json"
    contents = [bytes([65 + i]) * 50_000 for i in range(4)]

    def write(data):
        for _ in range(50):
            files._swept.clear()
            files.write(data, path)

    threads = [threading.Thread(target=write, args=(data,)) for data in contents]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert path.read_bytes() in contents
    assert names(tmp_path) == ["run.json"]


def test_reading_waits_for_nothing(tmp_path):
    """A FIFO that nobody writes to, a directory, a device: refused at once; a head of these is empty."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(files.NoFileError, match="is not a regular file"):
            files.read(path, 100)
        assert files.head(path, 100) == b""
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "none", 100)


def test_no_more_is_read_than_asked_for(tmp_path):
    """Also of a file that states no size, as those of /proc."""
    path = tmp_path / "file"
    path.write_bytes(DATA)
    assert files.read(path, len(DATA)) == DATA
    assert files.head(path, 10) == DATA[:10]
    with pytest.raises(files.TooLargeError) as refused:
        files.read(path, 100)
    assert refused.value.size == len(DATA)
    with pytest.raises(files.TooLargeError):
        files.read(Path("/proc/self/maps"), 100)


def test_a_fifo_in_the_place_of_a_caches_file_is_no_file(tmp_path):
    """Nobody reads from it, so that to write into it would wait for ever."""
    os.mkfifo(tmp_path / "kept")
    with pytest.raises(OSError, match="is no regular file"):
        files.keep(b"x", tmp_path / "kept")
    files.keep(b"x", tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == b"x"
