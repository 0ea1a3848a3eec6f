"""Runs asv with results in a folder of one process: `python asv_driver.py FOLDER run …`, by any Python that has asv.

The paths in asv.conf.json are relative to it, so the configuration is changed where asv loads it. The machine is
described by asv's defaults in a file of this folder: the user's ~/.asv-machine.json is neither needed nor touched.
"""

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
        return found

    def described(cls, *args, **more):  # type: ignore[no-untyped-def]
        return describe(cls, *args, **{**more, "use_defaults": True})

    config.Config.load = classmethod(loaded)
    machine.Machine.load = classmethod(described)
    machine.MachineCollection.get_machine_file_path = staticmethod(lambda: str(folder / "machine.json"))
    asv()


if __name__ == "__main__":
    main()
