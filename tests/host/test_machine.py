"""What a machine is and what disturbs measuring on it, told from made-up machines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.host import disturbances, machine, macos
from hwbench.host.system import Host, linux_host
from hwbench.record.model import Cache, Cpu, Disturbance, Machine, Memory
from made_up import trees

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names of made-up files have colons")


@pytest.fixture(autouse=True)
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")


def described(root: Path, cpus: int, name: str | None = "box") -> Machine:
    return machine.describe(name, root, linux_host(root, range(cpus)))


def troubles(root: Path, cpus: int) -> dict[str, Disturbance]:
    found = disturbances.find(described(root, cpus), root)
    assert [one.severity for one in found] == sorted((one.severity for one in found), reverse=True)
    return {one.name: one for one in found}


def test_bare_metal(tmp_path: Path) -> None:
    """Two sockets with SMT read as what they are, from their files alone."""
    found = described(trees.intel(tmp_path), 8)
    cpu = found.cpu
    assert (found.name, cpu.model, cpu.logical, cpu.physical, cpu.smt) == ("box", "Intel(R) Xeon(R) Gold 6430", 8, 4, 2)
    assert cpu.isa == ["sse4_2", "avx", "avx2", "fma", "avx512f", "amx_tile"]
    assert cpu.caches == [Cache(1, 48 * 2**10, 64, 2), Cache(2, 2**21, 64, 2), Cache(3, 30 * 2**20, 64, 4)]
    assert found.numa == [[0, 1, 4, 5], [2, 3, 6, 7]]
    assert found.memory == Memory(total=65536000 * 1024, huge_pages="always")
    assert found.virtual is None
    assert found.os == "Debian 12, Linux 6.8.0"


@pytest.mark.parametrize("version", [1, 2])
def test_a_container(tmp_path: Path, version: int) -> None:
    """A container of 1.5 CPUs and 4 GiB is described with its limits, its hypervisor and the time stolen from it."""
    root = trees.container(tmp_path, version)
    found = described(root, 64)
    assert (found.cpu.logical, found.cpu.quota, found.memory.total) == (64, 1.5, 4 * 2**30)
    assert found.virtual == ("Google Compute Engine, Docker" if version == 1 else "Google Compute Engine")
    told = troubles(root, 64)
    assert set(told) == {"CPU quota", "virtualisation"} | ({"container"} if version == 1 else set())
    assert told["CPU quota"].state == "the cgroup grants 1.5 of 64 CPUs"
    assert "5.0% of the CPUs' time has been stolen" in told["virtualisation"].state
    assert told["virtualisation"].severity == "warning"


def test_big_little(tmp_path: Path) -> None:
    """Arm's cores have names from their numbers, Arm's features ours, and unlike cores and the battery are told."""
    root = trees.arm(tmp_path)
    found = described(root, 6)
    assert found.cpu.model == "Cortex-A53 + Cortex-A72"
    assert found.cpu.isa == ["neon", "fp16"]
    assert found.virtual is None
    told = troubles(root, 6)
    assert set(told) == {"unlike cores", "battery", "huge pages"}
    assert "never" in told["huge pages"].state
    assert told["battery"].severity == "warning"


def test_an_unknown_arm_part_is_told_by_number() -> None:
    """A CPU that no table names is named by its numbers."""
    assert machine.cpu_model("CPU implementer\t: 0x99\nCPU part\t: 0xabc") == "Arm CPU 0x99:0xabc"


def test_an_empty_tree_is_a_machine(tmp_path: Path) -> None:
    """Where no file tells anything, the description has the mask and the lack of caches is told."""
    found = machine.describe("box", tmp_path, linux_host(tmp_path, [0]))
    assert (found.cpu.logical, found.cpu.physical, found.memory.total, found.cpu.caches) == (1, 1, 0, [])
    assert "caches" in {one.name for one in disturbances.find(found, tmp_path)}


def test_a_long_note_on_the_topology_is_cut(tmp_path: Path) -> None:
    """A file whose texts are longer than its reader allows could never be read again."""
    host = Host(allowed=(0,), online=(0,), notes=("x" * 2000, "y"))
    assert [len(note) for note in machine.describe("box", tmp_path, host).topology] == [500, 1]


def test_bare_metal_of_a_cloud_is_no_virtual_machine(tmp_path: Path) -> None:
    """A vendor's name alone makes no hypervisor: the CPU would say so."""
    root = trees.intel(tmp_path)
    trees.write(root, {"sys/class/dmi/id/sys_vendor": "Amazon EC2"})
    assert machine.virtual(root) is None


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """macOS and Windows are described from what they offer, and that nothing is pinned there is told."""
    import cpuinfo
    import psutil  # noqa: F401 - looks at the platform when it is imported, so it comes before the next line

    monkeypatch.setattr(sys, "platform", platform)
    text = (
        "machdep.cpu.brand_string: Apple M2\nhw.optional.arm.FEAT_BF16: 1\nhw.optional.neon: 1\nhw.optional.AdvSIMD: 1"
    )
    monkeypatch.setattr(macos, "sysctl", lambda: text)
    monkeypatch.setattr(cpuinfo, "get_cpu_info", lambda: {"brand_raw": "Ryzen 9", "flags": ["avx2", "fma"]})
    monkeypatch.setattr(disturbances, "_load_elsewhere", lambda found: 4.0)
    monkeypatch.setattr(disturbances, "_battery_elsewhere", lambda: None)
    host = Host(allowed=(0, 1), online=(0, 1))
    found = machine.describe("box", tmp_path, host)
    assert found.cpu.model == ("Apple M2" if platform == "darwin" else "Ryzen 9")
    assert set(found.cpu.isa) >= ({"bf16"} if platform == "darwin" else {"avx2", "fma"})
    assert found.memory.total > 0
    told = {one.name for one in disturbances.find(found, tmp_path)}
    assert told >= {"pinning", "busy neighbours", "caches"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("build-42.example", "build-42.example"), ("../../etc/passwd", "etc-passwd"), ("Bücher & Co", "Bucher-Co"),
        ("<script>", "script"), ("", "machine"), ("...", "machine"), ("CON", "CON-machine"),
        ("nul.txt", "nul.txt-machine"), ("日本", "machine"), ("a" * 200, "a" * 64),
    ],
)  # fmt: skip
def test_safe_names(text: str, name: str) -> None:
    """A name becomes a directory's on any system, and never a path."""
    assert machine.safe_name(text) == name


@given(st.text())
def test_safe_names_of_any_text(text: str) -> None:
    """Whatever is given, the name is one plain word, and safe once is safe for good."""
    name = machine.safe_name(text)
    assert name
    assert len(name) <= 64
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert name[0] not in ".-"
    assert machine.safe_name(name) == name


@pytest.mark.parametrize(
    ("hostname", "name"),
    [
        ("crunch.lab.org", "crunch"),
        ("localhost", "xeon-gold-4cpu"),
        ("3f2a9b8c7d6e", "xeon-gold-4cpu"),
        ("", "xeon-gold-4cpu"),
    ],
)
def test_default_names(monkeypatch: pytest.MonkeyPatch, hostname: str, name: str) -> None:
    """A machine is called after its host, or its CPU where the hostname says nothing."""
    monkeypatch.setattr(machine.socket, "gethostname", lambda: hostname)
    cpu = Cpu(model="Xeon(R) Gold CPU @ 2.10GHz", arch="x86_64", logical=4, physical=4)
    assert machine.default_name(cpu) == name


def test_software_names_versions_and_the_layer() -> None:
    """The versions that figures depend on are there, with BLAS and Numba's threading layer."""
    import numpy as np

    found = machine.software()
    assert found["numpy"] == np.__version__
    assert found["threading_layer"] in ("omp", "tbb", "workqueue")
    assert found["blas"]
    assert found["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")


def test_the_blas_is_that_of_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """SciPy brings an OpenBLAS of its own, which is listed first where it was imported first."""
    import threadpoolctl

    pools = [
        {"user_api": "openmp", "version": None, "filepath": "/x/libgomp.so"},
        {"user_api": "blas", "internal_api": "openblas", "version": "0.3.30", "filepath": "/x/scipy.libs/a.so"},
        {"user_api": "blas", "internal_api": "openblas", "version": "0.3.31", "filepath": "/x/numpy.libs/b.so"},
    ]
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: pools)
    assert str(machine.software()["blas"]).startswith("openblas 0.3.31 ")
    pools.pop()
    assert str(machine.software()["blas"]).startswith("openblas 0.3.30 ")


def test_this_machine_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real machine has a name, CPUs and memory, and what it says survives a run file."""
    import msgspec

    monkeypatch.undo()
    found = machine.describe()
    assert found.name == machine.safe_name(found.name)
    assert found.cpu.logical >= 1
    assert found.memory.total > 0
    assert msgspec.json.decode(msgspec.json.encode(found), type=Machine) == found
    assert all(one.remedy for one in disturbances.find(found))


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no affinity masks")
def test_starting_numbas_pool_takes_no_cpu_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """OMP_PROC_BIND binds the thread that loads OpenMP for good: here it keeps its CPUs, and so do its children."""
    monkeypatch.undo()
    code = (
        "import os\nbefore = os.sched_getaffinity(0)\nfrom hwbench.host import machine, openmp\n"
        "layer = machine.software()['threading_layer']\nprint(layer, openmp.places())\n"
        "print(os.sched_getaffinity(0) == before)"
    )
    environment = {**os.environ, "OMP_PROC_BIND": "true", "NUMBA_THREADING_LAYER_PRIORITY": "omp tbb workqueue"}
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    bound, kept = said.splitlines()
    assert kept == "True"
    assert bound.startswith("omp ((") or not bound.startswith("omp")
