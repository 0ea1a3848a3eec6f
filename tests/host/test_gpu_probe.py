"""Why there is no GPU, told apart: every branch, with the real CuPy and a stub driver where there is a CuPy."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from doubles.fake_cupy import CUDARuntimeError, FakeGpu
from hwbench.host import gpu_probe
from hwbench.host.gpu_probe import Gpus, probe

pytestmark = pytest.mark.xdist_group("probe")

HERE = Path(__file__).parent
CUDA12 = 'python -m pip install cupy-cuda12x "cuda-toolkit[cudart,nvrtc]==12.*" nvidia-ml-py'
CUDA13 = 'python -m pip install cupy-cuda13x "cuda-toolkit[cudart,nvrtc]==13.*" nvidia-ml-py'
COMPILER = shutil.which("cc") or shutil.which("g++")
has_cupy = importlib.util.find_spec("cupy") is not None
needs_compiler = pytest.mark.skipif(
    COMPILER is None or sys.platform != "linux", reason="needs a C compiler for Linux, which .ci/run installs"
)
needs_cupy = pytest.mark.skipif(not has_cupy, reason="needs CuPy (tox -e gpu)")


def built(source: str, made: Path) -> Path:
    """A library of C code that lies beside this file."""
    flags = ("-x", "c", "-shared", "-fPIC", "-o", str(made))
    subprocess.run([str(COMPILER), *flags, str(HERE / source), "-ldl"], check=True)
    return made


@pytest.fixture(scope="session")
def driver(tmp_path_factory) -> Path:
    """The folder of a libcuda.so.1 that answers as the environment says."""
    return built("stub_libcuda.c", tmp_path_factory.mktemp("driver") / "libcuda.so.1").parent


PROBED = """
import json, os, sys
from hwbench.host.gpu_probe import *
if "cupy" in sys.argv[2:]:
    import cupy
    runtime = cupy.cuda.runtime
for code, stub in json.loads(sys.argv[1]):
    if not (child := os.fork()):
        os.environ.update({f"HWBENCH_STUB_{name}": str(value) for name, value in stub.items()})
        exec(code)
        print(repr(probe()), flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(code)
"""
Case = tuple[str, dict[str, int]]


def probed(*cases: Case, cupy: bool = True, driver: Path | None = None, preload: Path | None = None) -> list[Gpus]:
    """What fresh processes find, each forked after CuPy's import: a driver is loaded once, and then stays."""
    environment = dict(os.environ)
    if driver is not None:
        environment["LD_LIBRARY_PATH"] = f"{driver}:{environment.get('LD_LIBRARY_PATH', '')}"
    if preload is not None:
        environment["LD_PRELOAD"] = str(preload)
    command = [sys.executable, "-c", PROBED, json.dumps(cases), *(["cupy"] if cupy else [])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [eval(line, {"Gpus": Gpus}) for line in done.stdout.splitlines()]


HIDE_CUPY = "import importlib.util; importlib.util.find_spec = lambda name: None"


# --- without CuPy -----------------------------------------------------------------------------------------------------


def test_without_cupy_and_driver_both_extras_are_named(monkeypatch):
    """Whoever has no GPU is not sent to download CuPy; whoever has one learns which extra is for which driver."""
    monkeypatch.setattr(gpu_probe.util, "find_spec", lambda name: None)
    monkeypatch.setattr(gpu_probe, "driver_cuda", lambda: None)
    found = probe()
    assert (found.state, found.count, found.because.code) == ("no-driver", 0, "needs_gpu")
    assert found.reason == "no NVIDIA driver was found, and CuPy is not installed"
    assert f"{CUDA13} (driver >= 580) or {CUDA12} (driver >= 525)" in found.remedy


@needs_compiler
def test_without_cupy_the_driver_says_which_extra(driver):
    """The driver is asked without CuPy which CUDA it supports."""
    told = [
        (13000, "13.0", CUDA13), (14010, "14.1", CUDA13), (12040, "12.4", CUDA12),
        (11080, "11.8", "install an NVIDIA driver >= 580 (or >= 525 for CUDA 12)"),
    ]  # fmt: skip
    cases: list[Case] = [(HIDE_CUPY, {"VERSION": version}) for version, *_ in told]
    for found, (_, cuda, remedy) in zip(probed(*cases, cupy=False, driver=driver), told, strict=True):
        assert found.state == "no-cupy"
        assert found.reason == f"CuPy is not installed (the NVIDIA driver here supports CUDA {cuda})"
        assert found.remedy == remedy


@needs_compiler
def test_a_library_that_is_no_driver_is_none(tmp_path):
    """A file of the right name with something else in it."""
    (tmp_path / "libcuda.so.1").write_bytes(b"not a library")
    [found] = probed((HIDE_CUPY, {}), cupy=False, driver=tmp_path)
    assert found.reason.startswith("no NVIDIA driver was found")


# --- the real CuPy, a stub driver -------------------------------------------------------------------------------------


STUBBED = [
    ({"VERSION": 0}, "no-driver", "no NVIDIA driver was found; "),
    ({"VERSION": 12040}, "old-driver",
     "the NVIDIA driver supports CUDA 12.4, the installed CuPy needs CUDA 13; update the driver to 580 or later, or: "
     f"python -m pip uninstall cupy-cuda13x, then {CUDA12}"),
    ({"VERSION": 11040}, "old-driver",
     "the NVIDIA driver supports CUDA 11.4, the installed CuPy needs CUDA 13; install an NVIDIA driver >= 580"),
    ({"INIT": 100}, "no-device", "the NVIDIA driver shows no GPU to this process; "),
    ({"INIT": 999}, "driver-error", "the NVIDIA driver refuses (cudaErrorUnknown: unknown error); see that "),
    ({"INIT": 803}, "driver-error", "the NVIDIA driver refuses (cudaErrorSystemDriverMismatch: system has "),
]  # fmt: skip


@pytest.fixture(scope="module")
def stubbed(driver) -> list[Gpus]:
    return probed(*(("", stub) for stub, *_ in STUBBED), driver=driver)


@needs_cupy
@needs_compiler
@pytest.mark.parametrize("case", range(len(STUBBED)))
def test_what_the_driver_says_is_told(stubbed, case):
    """No driver, one that is too old with both versions, no device, and errors by their name."""
    _, state, said = STUBBED[case]
    assert stubbed[case].state == state
    assert stubbed[case].why.startswith(said)


@needs_cupy
@needs_compiler
def test_an_nvrtc_that_cannot_be_found_is_told(tmp_path):
    """The real CuPy looks for NVRTC in vain: its words, and the extra that brings it."""
    hidden = built("hide_nvrtc.c", tmp_path / "hide_nvrtc.so")
    [found] = probed(("runtime.getDeviceCount = lambda: 1", {}), preload=hidden)
    assert found.state == "no-nvrtc"
    assert "libnvrtc.so: hidden: cannot open shared object file" in found.reason
    assert found.remedy == f"{CUDA13} (brings NVRTC)"


MADE_UP = [
    ("runtime.getDeviceCount = lambda: 0", "no-device", "what CUDA_VISIBLE_DEVICES hides"),
    ("runtime.getDeviceCount = lambda: 2; runtime.deviceGetAttribute = lambda which, _: {75: 6, 76: 1}[which]",
     "old-gpu", "compute capability 6.1; the installed CUDA compiles for 7.5 and later; uninstall cupy-cuda13x"),
    ("runtime.getDeviceCount = lambda: 2; runtime.deviceGetAttribute = lambda which, _: {75: 9, 76: 0}[which]",
     "ok", ""),
]  # fmt: skip


@pytest.fixture(scope="module")
def unhelped() -> list[Gpus]:
    """Without a stub: CuPy as it is, then with what only a GPU could answer put into its mouth."""
    return probed(("", {}), *((code, {}) for code, *_ in MADE_UP))


@needs_cupy
@pytest.mark.skipif(gpu_probe.driver_cuda() is not None, reason="this machine has an NVIDIA driver")
def test_a_machine_without_a_driver_is_told(unhelped):
    """The real CuPy as pip installs it, on a machine that has no GPU."""
    assert unhelped[0].state == "no-driver"


@needs_cupy
@pytest.mark.parametrize("case", range(len(MADE_UP)))
def test_what_cupy_says_is_told(unhelped, case):
    """The real CuPy, and its NVRTC, with what only a GPU could answer put into its mouth (see stub_libcuda.c)."""
    _, state, said = MADE_UP[case]
    found = unhelped[1 + case]
    assert found.state == state
    assert said in found.why
    assert found.count == (2 if state == "ok" else 0)


# --- a made-up CuPy ---------------------------------------------------------------------------------------------------


def with_cupy(monkeypatch, cupy) -> Gpus:
    monkeypatch.setattr(gpu_probe.util, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    return probe()


def test_amds_gpus_are_sent_to_opencl(monkeypatch, tmp_path):
    """With a CuPy for ROCm, which has CUDA's functions and none of its kernels; and with AMD's driver alone."""
    cupy = FakeGpu().cupy()
    cupy.cuda.runtime.is_hip = True
    found = with_cupy(monkeypatch, cupy)
    assert (found.state, found.count, found.because.code) == ("rocm", 0, "gpu_rocm")
    assert found.why.startswith("CuPy is built for ROCm, and hwbench's kernels are CUDA C++ alone; AMD's GPUs are")
    monkeypatch.setattr(gpu_probe.util, "find_spec", lambda name: None)
    monkeypatch.setattr(gpu_probe, "driver_cuda", lambda: None)
    monkeypatch.setattr(gpu_probe, "AMD", tmp_path)
    assert probe().why.startswith("no NVIDIA driver was found; there is a driver of AMD's; AMD's GPUs are measured by")
    assert probe().why.endswith("python -m pip install pyopencl, install ROCm's driver, then --device opencl")


def test_two_wheels_of_cupy_are_told_before_either_is_imported(monkeypatch):
    """They share the folder `cupy`: whichever came last has overwritten the other's files."""
    monkeypatch.setattr(gpu_probe.util, "find_spec", lambda name: object())
    monkeypatch.setattr(gpu_probe.metadata, "distribution", {"cupy-cuda12x": 1, "cupy-cuda13x": 1}.__getitem__)
    monkeypatch.setattr(gpu_probe.metadata, "PackageNotFoundError", KeyError)
    monkeypatch.setitem(sys.modules, "cupy", None)  # its import would fail
    found = probe()
    assert (found.state, found.because.code) == ("broken-cupy", "needs_cupy")
    assert found.why.startswith(
        "cupy-cuda12x and cupy-cuda13x are installed, and overwrite each other's files; "
        "python -m pip uninstall cupy-cuda12x cupy-cuda13x, then "
    )


@pytest.mark.parametrize(("status", "said"), [(2, "nvidia-smi shows which"), (46, "nvidia-smi -c DEFAULT"), (1, "as")])
def test_a_refusal_has_its_remedy_in_one_line(status, said):
    """By the number of the error; of an unknown one its own first line."""
    error = RuntimeError("as it says\nand more")
    error.status = status
    told = gpu_probe.refusal(error)
    assert told.startswith("as it says")
    assert said in told
    assert "\n" not in told


def test_usable_gpus_are_counted(monkeypatch):
    """Two cards that NVRTC compiles for: nothing is to be said."""
    assert with_cupy(monkeypatch, FakeGpu(count=2).cupy()) == Gpus("ok", count=2)


@pytest.mark.parametrize(
    ("majors", "unusable"), [((9, 6, 7), [1]), ((6, 9), [0]), ((6, 5), None), ((7, 9), [])], ids=str
)
def test_each_card_is_compiled_for_or_not(monkeypatch, majors, unusable):
    """One that is too old for the installed CUDA is told apart from those beside it; all of them are a state."""
    gpu = FakeGpu(count=len(majors))
    cupy = gpu.cupy()
    cupy.cuda.runtime.deviceGetAttribute = lambda which, index: majors[index] if which == 75 else 5
    found = with_cupy(monkeypatch, cupy)
    if unusable is None:
        assert (found.state, found.count) == ("old-gpu", 0)
        assert "compute capability 6.5" in found.reason  # of the newest
        return
    assert (found.state, found.count, list(found.unusable)) == ("ok", len(majors), unusable)
    for index, why in found.unusable.items():
        assert str(why) == (
            f"the GPU has compute capability {majors[index]}.5; the installed CUDA compiles for 7.5 and later; "
            f"uninstall cupy-cuda13x, then {CUDA12}"
        )


@pytest.mark.parametrize(
    ("status", "version", "state"),
    [(35, 0, "no-driver"), (35, 12080, "old-driver"), (35, 13000, "old-driver"), (100, 13000, "no-device"),
     (2, 13000, "driver-error"), (None, 13000, "driver-error")],
)  # fmt: skip
def test_each_error_has_its_state(monkeypatch, status, version, state):
    """By cudaError_t and the driver's version; an error of no number is the driver's too."""
    gpu = FakeGpu()
    gpu.count = CUDARuntimeError(status) if status else OSError("libcuda.so.1: file too short\nsecond line")
    cupy = gpu.cupy()
    cupy.cuda.runtime.driverGetVersion = lambda: version
    found = with_cupy(monkeypatch, cupy)
    assert found.state == state
    assert found.remedy
    assert "\n" not in found.why


def test_a_driver_of_the_same_cuda_that_is_too_old_is_to_be_updated(monkeypatch):
    """Both versions to the minor one; no other extra would help."""
    gpu = FakeGpu()
    gpu.count = CUDARuntimeError(35)
    why = with_cupy(monkeypatch, gpu.cupy()).why
    assert why == "the NVIDIA driver supports CUDA 13.0, the installed CuPy needs CUDA 13.2; update the driver"


def test_a_cupy_that_cannot_be_imported_is_told(monkeypatch):
    """Two CuPy packages over one another, a NumPy that is too new: whatever it raises is the reason."""
    monkeypatch.setattr(gpu_probe.util, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "cupy", None)
    found = probe()
    assert found.state == "broken-cupy"
    assert "import of cupy halted" in found.reason
    assert "uninstall every cupy package" in found.remedy


def test_a_device_that_refuses_its_attributes_is_a_driver_error(monkeypatch):
    """A card that has fallen off the bus between counting and asking."""

    def refuse(_which, _index):
        raise CUDARuntimeError(101, "cudaErrorInvalidDevice: invalid device ordinal")

    cupy = FakeGpu().cupy()
    cupy.cuda.runtime.deviceGetAttribute = refuse
    assert "cudaErrorInvalidDevice" in with_cupy(monkeypatch, cupy).why


def test_an_nvrtc_that_says_nothing_is_named_by_its_error(monkeypatch):
    """No reason is empty."""

    def missing():
        raise OSError

    cupy = FakeGpu().cupy()
    cupy.cuda.nvrtc = types.SimpleNamespace(getVersion=missing)
    assert with_cupy(monkeypatch, cupy).reason == "NVRTC, CUDA's run-time compiler, cannot be loaded (OSError)"
