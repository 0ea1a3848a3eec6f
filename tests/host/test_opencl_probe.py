"""What children say of OpenCL drivers that work, lack, fail, crash and hang, and what is made of it."""

from __future__ import annotations

import sys
import types

import msgspec
import pytest

from hwbench.host import opencl_probe
from hwbench.host.opencl_probe import Found, asked, build_log, main, missing_libraries

GPU = Found(place=(0, 0), name="gfx1100", platform="AMD", type="GPU", units=48, memory=2**34)
CPU = Found(place=(1, 0), name="pthread", platform="PoCL", type="CPU", units=2, memory=2**33, doubles=True)


def lines(*devices):
    """What a child prints of these devices."""
    said = []
    for one in devices:
        said.append({"step": "trying", "place": "{}:{}".format(*one.place)})
        said.append({"step": "device", "device": msgspec.to_builtins(one)})
    return [*said, {"step": "done"}]


@pytest.fixture(autouse=True)
def _no_icd_files(monkeypatch):
    monkeypatch.setattr(opencl_probe, "missing_libraries", list)
    monkeypatch.delenv("OCL_ICD_VENDORS", raising=False)


def test_devices_are_told_as_their_drivers_describe_them():
    """With what each lacks, and whether it is this machine's CPU."""
    found = asked(lambda left_out: (lines(GPU, CPU), ""))
    assert (found.state, found.why, found.devices) == ("ok", "", (GPU, CPU))
    assert [one.title for one in found.devices] == ["gfx1100", "pthread (this CPU)"]
    assert found.devices[1].lacks == ["halves", "sub-groups", "unified memory"]


@pytest.mark.parametrize("end", ["did not answer within 30 s", "ended the process (exit code -11)"])
def test_a_driver_that_crashes_or_hangs_is_left_out_and_the_others_are_asked_again(end):
    """The last line says which device a child had in hand."""
    asked_for = []

    def ask(left_out):
        asked_for.append(list(left_out))
        return ([{"step": "trying", "place": "0:0"}], end) if not left_out else (lines(GPU, CPU), "")

    found = asked(ask)
    assert asked_for == [[], ["0:0"]]
    assert [one.why for one in found.devices] == [f"its driver {end} in a trial kernel; update or remove it", ""]


@pytest.mark.parametrize("said", [[], [{"step": "trying", "place": "0:0"}]])
def test_a_driver_that_crashes_before_any_device_or_once_more_ends_the_search(said):
    """It is in every child: nothing can be asked."""
    found = asked(lambda left_out: (said, "ended the process (exit code -6)"))
    assert found.because.code == "opencl_broken"
    assert found.why == (
        "an OpenCL driver ended the process (exit code -6) while its platforms were listed; set OCL_ICD_VENDORS to the "
        ".icd file of a driver that works"
    )


@pytest.fixture
def drivers(monkeypatch, tmp_path):
    """A directory with three drivers; `bad` ends each child that loads it."""
    for name in ("bad", "card", "pocl"):
        (tmp_path / f"{name}.icd").write_text(f"lib{name}.so")
    monkeypatch.setenv("OCL_ICD_VENDORS", str(tmp_path))
    of = {"card": GPU, "pocl": CPU}

    def child(left_out, OCL_ICD_VENDORS=str(tmp_path)):
        place = opencl_probe.Path(OCL_ICD_VENDORS)
        names = [place.stem] if place.is_file() else sorted(file.stem for file in place.glob("*.icd"))
        return ([], "hung") if "bad" in names else (lines(*(of[name] for name in names)), "")

    monkeypatch.setattr(opencl_probe, "child", child)
    monkeypatch.setattr(opencl_probe.util, "find_spec", lambda name: name)
    return tmp_path


def test_a_driver_that_crashes_as_it_is_loaded_is_named_and_the_others_are_kept(drivers):
    """Each is loaded alone; this process then loads those that work, by the loader's variable."""
    found = opencl_probe.probe.__wrapped__()
    assert (found.state, found.devices) == ("ok", (GPU, CPU))
    bad = drivers / "bad.icd"
    assert found.troubles == (
        f"the OpenCL driver of {bad} hung while its platforms were listed, and is left out: remove {bad}, or set "
        "OCL_ICD_VENDORS to the .icd file of a driver that works",
    )
    kept = opencl_probe.Path(opencl_probe.os.environ["OCL_ICD_VENDORS"])
    assert {file.name: file.read_text() for file in kept.iterdir()} == {
        "card.icd": "libcard.so", "pocl.icd": "libpocl.so",
    }  # fmt: skip


@pytest.mark.parametrize("named", ["", "bad.icd"])
def test_a_driver_that_crashes_alone_is_named_by_its_file(drivers, monkeypatch, named):
    """By a directory of drivers, or by its own file, in the loader's variable."""
    monkeypatch.setenv("OCL_ICD_VENDORS", str(drivers / named))
    for name in ("card", "pocl"):
        (drivers / f"{name}.icd").unlink()
    bad = drivers / "bad.icd"
    assert opencl_probe.probe.__wrapped__().why == (
        f"the OpenCL driver of {bad} hung while its platforms were listed; remove {bad}, or set OCL_ICD_VENDORS to the "
        ".icd file of a driver that works"
    )


def test_where_the_loaders_variable_names_nothing_the_remedy_is_not_to_install(monkeypatch, tmp_path):
    """Drivers may be installed elsewhere; a missing loader is no missing pyopencl."""
    none = {"step": "failed", "code": -1001, "why": "…"}
    monkeypatch.setenv("OCL_ICD_VENDORS", str(tmp_path))
    assert asked(lambda left_out: ([none], "")).why == (
        f"no OpenCL platform was found: OCL_ICD_VENDORS={tmp_path} names no .icd file; unset it, or set "
        "OCL_ICD_VENDORS to the .icd file of a driver that works"
    )
    lacking = "libOpenCL.so.1: cannot open shared object file: No such file or directory"
    found = asked(lambda left_out: ([{"step": "failed", "why": lacking}], ""))
    assert (found.state, found.because.code) == ("no-loader", "needs_opencl")
    assert found.why.endswith("install it: apt-get install ocl-icd-libopencl1")


@pytest.mark.parametrize(
    ("line", "state", "code"),
    [
        ({"step": "failed", "code": -1001, "why": "…"}, "no-platform", "needs_opencl"),
        ({"step": "failed", "code": None, "why": "No module"}, "broken-pyopencl", "needs_pyopencl"),
        ({"step": "done"}, "no-device", "needs_opencl"),
    ],
)
def test_nothing_to_measure_on_has_a_reason_and_a_remedy(line, state, code):
    """No platform, a broken package, platforms without devices."""
    found = asked(lambda left_out: ([line], ""))
    assert (found.state, found.because.code) == (state, code)
    assert found.reason
    assert "install" in found.remedy


def test_a_missing_package_starts_no_child(monkeypatch):
    """The remedy is the command that installs it."""
    monkeypatch.setattr(opencl_probe.util, "find_spec", lambda name: None)
    monkeypatch.setattr(opencl_probe, "child", pytest.fail)
    found = opencl_probe.probe.__wrapped__()
    assert found.why == "pyopencl is not installed; python -m pip install pyopencl"


def test_icd_files_of_missing_libraries_are_named(monkeypatch, tmp_path):
    """A path that is not there, and a name that no loader finds; what is there is no trouble."""
    monkeypatch.undo()
    monkeypatch.setenv("OCL_ICD_VENDORS", str(tmp_path))
    library = tmp_path / "there.so"
    library.touch()
    for name, text in {
        "a": str(library),
        "b": str(tmp_path / "gone.so"),
        "c": "libgone-of-hwbench.so.9",
        "d": "",
    }.items():
        (tmp_path / f"{name}.icd").write_text(f"{text}\n" if text else "")
    told = missing_libraries()
    assert [line.partition(" names ")[0] for line in told] == [str(tmp_path / "b.icd"), str(tmp_path / "c.icd")]
    assert told[0].endswith("gone.so, which is not there: reinstall that driver or remove the file")
    monkeypatch.setenv("OCL_ICD_VENDORS", str(tmp_path / "b.icd"))
    assert missing_libraries() == told[:1]


def test_a_child_that_hangs_is_ended_at_its_limit(monkeypatch):
    """What it has printed counts; lines that are no JSON do not."""

    def run(command, **how):
        raise opencl_probe.subprocess.TimeoutExpired(
            command, how["timeout"], b'{"step": "trying", "place": "0:0"}\nwarning\n'
        )

    monkeypatch.setattr(opencl_probe.subprocess, "run", run)
    assert opencl_probe.child([]) == ([{"step": "trying", "place": "0:0"}], "did not answer within 30 s")


def test_a_child_that_crashes_at_its_exit_has_told_everything(monkeypatch):
    """Drivers crash in their destructors."""
    done = types.SimpleNamespace(stdout=b'{"step": "done"}\n', returncode=-11)
    monkeypatch.setattr(opencl_probe.subprocess, "run", lambda *args, **how: done)
    assert opencl_probe.child([]) == ([{"step": "done"}], "")
    done.stdout = b""
    assert opencl_probe.child([]) == ([], "ended the process (exit code -11)")


class Refusing:
    """A device whose driver answers some questions and refuses the others."""

    platform = types.SimpleNamespace(name="A  platform")

    def __init__(self, **known):
        self.known = known

    def get_info(self, name):
        """What is known; an error for everything else."""
        return self.known[name]


class FakeCl:
    """As much of pyopencl as the child asks before it tries a device."""

    device_fp_config = types.SimpleNamespace(FMA=32)
    command_queue_properties = types.SimpleNamespace(PROFILING_ENABLE=2)

    class device_info:
        """Each question is its own name."""

        def __class_getitem__(cls, name):
            return name

    def __init__(self, *platforms):
        self.platforms = platforms
        self.device_info = type("Names", (), {"__getattr__": lambda self, name: name})()

    def get_platforms(self):
        """The platforms."""
        return self.platforms


def test_what_a_driver_refuses_to_tell_is_not_there():
    """Type, sizes and extensions; a name without double spaces."""
    device = Refusing(NAME="Mali  G78 ", TYPE=4, MAX_COMPUTE_UNITS=20, EXTENSIONS="cl_khr_fp16 x", SINGLE_FP_CONFIG=32)
    found = opencl_probe.described(FakeCl(), device, (2, 1))
    assert (found.place, found.name, found.type, found.units, found.halves) == ((2, 1), "Mali G78", "GPU", 20, True)
    assert (found.fused, found.doubles, found.profiling, found.memory, found.widths["f4"]) == (True, False, False, 0, 1)
    assert found.lacks == ["doubles", "profiling", "sub-groups", "unified memory"]


def test_the_child_leaves_out_what_it_is_told_to(monkeypatch):
    """It describes the device, and runs no kernel on it; a platform that refuses has none."""
    one, two = Refusing(NAME="one", TYPE=2), Refusing(NAME="two", TYPE=4)

    def refuse():
        raise RuntimeError("DEVICE_NOT_FOUND")

    here = types.SimpleNamespace(get_devices=lambda: [one, two])
    monkeypatch.setitem(sys.modules, "pyopencl", FakeCl(types.SimpleNamespace(get_devices=refuse), here))
    tried, said = [], []
    monkeypatch.setattr(opencl_probe, "tried", lambda cl, device: tried.append(device.known["NAME"]) or "no compiler")
    main(["1:0"], said.append)
    assert tried == ["two"]
    assert [line["step"] for line in said] == ["trying", "device", "trying", "device", "done"]
    assert [line["device"]["why"] for line in said if line["step"] == "device"] == ["", "no compiler"]


def test_an_installation_that_raises_is_told(monkeypatch):
    """With pyopencl's code where there is one."""
    broken = types.SimpleNamespace(get_platforms=lambda: 1 / 0)
    monkeypatch.setitem(sys.modules, "pyopencl", broken)
    said = []
    main([], said.append)
    assert said == [{"step": "failed", "code": None, "why": "division by zero"}]


def test_a_build_log_is_its_first_line():
    """pyopencl puts three lines of its own before it."""
    error = RuntimeError(
        "clBuildProgram failed: BUILD_PROGRAM_FAILURE\n\nBuild on <Device>:\n\nerror: line 1: no\nmore"
    )
    assert build_log(error) == "its compiler says: error: line 1: no"
    assert build_log(RuntimeError("")) == "RuntimeError"
