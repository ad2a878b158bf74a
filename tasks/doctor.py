"""Is everything here that a run needs? Each check is one line: ok, warn or fail, and what to do."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from pathlib import Path

from proxflow.tasks import doctor_disk
from proxflow.tasks.finding import Finding, State

ADJOINT_TOLERANCE = 1e-10  # double precision
SERVER_SECONDS = 3.0
SHIPPED = "brain-13coil"
SHIPPED_DIGEST = "3467a44fd1539479f286a77de7fa1ecd719462e1"


def examine(store_root: Path, store_limit: int) -> Iterator[Finding]:
    """Run all checks, one after another; a check that breaks is a failure, not an error.

    A store folder that does not exist yet is not made.
    """
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("python", _python),
        ("libraries", _libraries),
        ("torch", _torch),
        ("cuda", _cuda),
        ("store", lambda: doctor_disk.store(store_root, store_limit)),
        ("file locks", lambda: doctor_disk.file_locks(doctor_disk.probe_folder(store_root))),
        ("HDF5", lambda: doctor_disk.hdf5(doctor_disk.probe_folder(store_root))),
        ("ASTRA", _astra),
        ("Prefect", _prefect),
        ("sample scan", _sample),
        ("self-test", _self_test),
    ]
    for name, check in checks:
        try:
            yield check()
        except Exception as error:
            text = " ".join(str(error).split()) or "no message"
            advice = "install Proxflow again into a fresh environment"
            yield Finding(name, "fail", f"{type(error).__name__}: {text}", advice)


def _python() -> Finding:
    from packaging.specifiers import SpecifierSet

    wanted = metadata.metadata("proxflow")["Requires-Python"]
    found = (
        f"Python {platform.python_version()}, Proxflow {metadata.version('proxflow')}, {platform.platform()}"
    )
    if platform.python_version() not in SpecifierSet(wanted):
        return Finding("python", "fail", found, f"Proxflow needs Python {wanted}")
    return Finding("python", "ok", found)


def _libraries() -> Finding:
    """The versions installed against the ranges in Proxflow's own package metadata."""
    from packaging.requirements import Requirement

    wanted = [Requirement(text) for text in metadata.requires("proxflow") or []]
    wanted = [part for part in wanted if part.marker is None or part.marker.evaluate({"extra": ""})]
    bad: list[str] = []
    good: list[str] = []
    for part in wanted:
        try:
            version = metadata.version(part.name)
        except metadata.PackageNotFoundError:
            bad.append(f"{part.name} is missing")
            continue
        fits = part.specifier.contains(version, prereleases=True)
        (good if fits else bad).append(
            f"{part.name} {version}" + ("" if fits else f" (tested: {part.specifier})")
        )
    if bad:
        return Finding("libraries", "fail", ", ".join(bad), "pip install -c constraints.txt proxflow")
    return Finding("libraries", "ok", ", ".join(good))


def _torch() -> Finding:
    import torch

    threads, cores = torch.get_num_threads(), len(os.sched_getaffinity(0))
    found = f"torch {torch.__version__}, {threads} threads on {cores} cores"
    if threads > cores:
        return Finding(
            "torch", "warn", found, f"set OMP_NUM_THREADS={cores}: more threads than cores are slow"
        )
    if threads < cores:
        return Finding("torch", "warn", found, "unset OMP_NUM_THREADS to use all cores")
    return Finding("torch", "ok", found)


def _cuda() -> Finding:
    import torch

    if not torch.cuda.is_available():
        hint = "has no CUDA support" if torch.version.cuda is None else "sees no CUDA device"
        return Finding("cuda", "ok", f"none: torch {hint}; runs use the CPU")
    names = [
        f"cuda:{index} {torch.cuda.get_device_name(index)}, "
        f"{torch.cuda.get_device_properties(index).total_memory / 2**30:.0f} GiB"
        for index in range(torch.cuda.device_count())
    ]
    probe = torch.ones(8, 8, dtype=torch.complex64, device="cuda")
    if not torch.allclose(torch.fft.ifft2(torch.fft.fft2(probe)), probe):
        return Finding(
            "cuda", "fail", "; ".join(names), "a transform on the device is wrong: use --device cpu"
        )
    return Finding("cuda", "ok", "; ".join(names))


def _astra() -> Finding:
    licence = "GPL-3, loaded only for tomography"
    try:
        astra = import_module("astra")
    except ImportError as error:
        return Finding(
            "ASTRA", "warn", f"not importable: {error}", "pip install astra-toolbox, for tomography"
        )
    return Finding("ASTRA", "ok", f"astra-toolbox {astra.__version__} ({licence})")


def _prefect() -> Finding:
    from urllib.error import URLError
    from urllib.request import urlopen

    address = os.environ.get("PREFECT_API_URL")
    version = metadata.version("prefect")
    if not address:
        return Finding(
            "Prefect", "ok", f"prefect {version}, no server configured: runs are plain, or --prefect"
        )
    try:
        with urlopen(f"{address.rstrip('/')}/health", timeout=SERVER_SECONDS) as answer:
            healthy = answer.status == 200
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        advice = "start it with `prefect server start`, or unset PREFECT_API_URL"
        return Finding("Prefect", "fail", f"no answer from PREFECT_API_URL {address}: {reason}", advice)
    state: State = "ok" if healthy else "warn"
    return Finding("Prefect", state, f"prefect {version}, server at {address} answers")


def _sample() -> Finding:
    from proxflow.data.open_scan import open_scan
    from proxflow.data.samples.catalogue import SCHEME, sample_path
    from proxflow.data.store.keys import file_digest

    if file_digest(sample_path(SHIPPED)) != SHIPPED_DIGEST:
        return Finding("sample scan", "fail", f"{SHIPPED} is not as it was shipped", "reinstall Proxflow")
    with open_scan(SCHEME + SHIPPED) as scan:
        scan.read([0])
        shape = " x ".join(map(str, scan.info.shape))
    return Finding("sample scan", "ok", f"{SCHEME}{SHIPPED} is whole: {shape} (item, coil, ky, kx)")


def _self_test() -> Finding:
    """<A x, y> = <x, A^H y> and ||F x|| = ||x|| on an odd, non-square grid, in double precision."""
    import torch

    from proxflow.operators.adjoint_test import adjoint_error
    from proxflow.operators.cartesian_sense import CartesianSense
    from proxflow.operators.fourier import fft2c

    began = time.perf_counter()
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(4, 63, 50, generator=generator, dtype=torch.complex128)
    mask = torch.rand(63, 50, generator=generator) > 0.5
    error = adjoint_error(CartesianSense(mask, maps), generator)
    ratio = float(torch.linalg.vector_norm(fft2c(maps)) / torch.linalg.vector_norm(maps))
    found = (
        f"adjoint error {error:.1e}, Fourier norm ratio 1 {ratio - 1:+.1e}, "
        f"{time.perf_counter() - began:.2f} s"
    )
    if not (error < ADJOINT_TOLERANCE and abs(ratio - 1) < ADJOINT_TOLERANCE):
        return Finding(
            "self-test", "fail", found, "the numerical libraries give wrong results: reinstall torch"
        )
    return Finding("self-test", "ok", found)
