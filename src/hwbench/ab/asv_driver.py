"""Runs asv with results in a folder of one process: `python asv_driver.py FOLDER run …`, by any Python that has asv.

The paths in asv.conf.json are relative to it, so the configuration is changed where asv loads it. `repo` and `branches`
become the clone and its HEAD: a clone of a feature branch has no `main`, and each process would clone a URL. The
machine is described by asv's defaults in a file of this folder: the user's ~/.asv-machine.json is neither needed nor
touched, and the questions that asv prints about it are dropped.
"""

import contextlib
import io
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Change where asv writes, then hand over."""
    from asv import config, machine
    from asv.main import main as asv

    folder = Path(sys.argv[1])
    del sys.argv[1]
    load, describe = config.Config.load.__func__, machine.Machine.load.__func__

    def loaded(cls, path=None):  # type: ignore[no-untyped-def]
        found = load(cls, path)
        found.results_dir, found.html_dir = str(folder / "results"), str(folder / "html")
        found.repo, found.branches = _clone() or found.repo, ["HEAD"]
        return found

    def described(cls, *args, **more):  # type: ignore[no-untyped-def]
        with contextlib.redirect_stdout(io.StringIO()):
            return describe(cls, *args, **{**more, "use_defaults": True})

    config.Config.load = classmethod(loaded)
    machine.Machine.load = classmethod(described)
    machine.MachineCollection.get_machine_file_path = staticmethod(lambda: str(folder / "machine.json"))
    asv()


def _clone() -> str:
    """The repository around the current directory; "" outside of one."""
    words = ["git", "rev-parse", "--show-toplevel"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


if __name__ == "__main__":
    main()
