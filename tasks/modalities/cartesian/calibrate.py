"""Coil sensitivity maps from the calibration region, or from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from proxflow.configs.calibrate import Espirit, Given, LowRes, MapsConfig
from proxflow.data.readers.hdf5_file import open_hdf5, own_dataset, reading
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.calibration.acs import central_block, find_acs
from proxflow.models.calibration.espirit import DEFAULT_ACS_WIDTH, espirit
from proxflow.models.calibration.lowres import lowres_maps
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError

MIN_ACS = 6  # samples a side: less than one ESPIRiT kernel calibrates nothing


def calibrate(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``maps`` complex64 (item, coil, y, x), sum over coils |S|^2 <= 1; document ``calibration``.

    Maps from a file are divided by their largest root sum of squares over coils, so that ||A|| <= 1.
    Raises RequestError where the scan has no calibration region or the given maps do not fit.
    """
    config: Espirit | LowRes | Given = TypeAdapter(MapsConfig).validate_python(context.config)
    prepared = context.inputs["prepared"]
    n_items, *shape = prepared.shape("samples")
    writer.create("maps", (n_items, *shape), np.complex64)
    if isinstance(config, Given):
        given = given_maps(context.files["maps"], (n_items, *shape))
        for index in range(n_items):
            writer.append("maps", given[index % len(given)][None])
        writer.document("calibration", {"kind": "given", "acs": None})
        return
    acs = config.acs or prepared.document("scan")["acs"]
    found = []
    for index in range(n_items):
        mask = torch.from_numpy(prepared.rows("mask", index, index + 1)[0])
        samples = torch.from_numpy(prepared.rows("samples", index, index + 1)[0]) * mask
        region = (int(acs[0]), int(acs[1])) if acs else found_region(mask)
        found.append(list(checked_region(region, mask)))
        maps = estimate_maps(config, samples.to(context.machine.device), region)
        writer.append("maps", maps.cpu().numpy()[None])
    writer.document("calibration", {"kind": config.kind, "acs": found})


def estimate_maps(config: Espirit | LowRes, samples: Tensor, acs: tuple[int, int]) -> Tensor:
    """Maps (coil, y, x) of one item's samples (coil, ky, kx) from the calibration region ``acs``."""
    try:
        if isinstance(config, LowRes):
            return lowres_maps(samples, acs_shape=acs)
        if config.backend == "sigpy":
            return _sigpy_maps(config, samples, acs)
        maps, _ = espirit(
            samples,
            acs_shape=acs,
            kernel_width=config.kernel_width,
            threshold=config.threshold,
            crop=config.crop,
        )
        return maps
    except ValueError as error:
        raise RequestError(f"calibrate: {error}") from None


def _sigpy_maps(config: Espirit, samples: Tensor, acs: tuple[int, int]) -> Tensor:
    from sigpy.mri.app import EspiritCalib

    padded = torch.zeros_like(samples, device="cpu")  # EspiritCalib takes its region from the centre
    central_block(padded, acs).copy_(central_block(samples, acs))
    maps = EspiritCalib(
        padded.numpy(),
        calib_width=min(acs),
        thresh=config.threshold,
        kernel_width=config.kernel_width,
        crop=config.crop,
        show_pbar=False,
    ).run()
    return torch.from_numpy(np.asarray(maps))


def found_region(mask: Tensor) -> tuple[int, int]:
    """The fully sampled centre of ``mask``, at most 24 x 24."""
    height, width = find_acs(mask)
    return min(height, DEFAULT_ACS_WIDTH), min(width, DEFAULT_ACS_WIDTH)


def checked_region(acs: tuple[int, int], mask: Tensor) -> tuple[int, int]:
    """``acs`` if it is large enough, fits and is fully sampled in ``mask``; RequestError otherwise."""
    if min(acs) < MIN_ACS:
        raise RequestError(
            f"calibrate must have a fully sampled centre of at least {MIN_ACS} x {MIN_ACS} samples, "
            f"got {acs[0]} x {acs[1]}; give maps with calibrate.kind: given"
        )
    if acs[0] > mask.shape[0] or acs[1] > mask.shape[1]:
        raise RequestError(
            f"calibrate.acs must fit in {mask.shape[0]} x {mask.shape[1]}, got {acs[0]} x {acs[1]}"
        )
    if not bool(central_block(mask[None], acs).all()):
        raise RequestError(f"calibrate.acs must be fully sampled, got gaps in the centre {acs[0]} x {acs[1]}")
    return acs


def given_maps(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Checked maps (item or 1, coil, y, x) from a file, largest root sum of squares 1."""
    maps = _read_maps(path)
    maps = maps[None] if maps.ndim == 3 else maps
    if maps.ndim != 4 or maps.shape[1:] != shape[1:] or maps.shape[0] not in (1, shape[0]):
        raise RequestError(
            f"calibrate.path must hold maps of shape {shape[1:]} or {shape}, got {maps.shape} in {path.name}"
        )
    if not np.iscomplexobj(maps) or not np.isfinite(maps).all():
        raise RequestError(f"calibrate.path must hold finite complex maps, got {maps.dtype} in {path.name}")
    peak = np.sqrt((np.abs(maps) ** 2).sum(1)).max()
    if peak == 0:
        raise RequestError(f"calibrate.path must hold maps that are not all zero, got zeros in {path.name}")
    return (maps / peak).astype(np.complex64)


def _read_maps(path: Path) -> np.ndarray:
    try:
        if path.suffix == ".npy":
            return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        with open_hdf5(path) as file, reading(path, "maps"):
            return np.asarray(own_dataset(file, path, "maps")[()])
    except (OSError, ValueError) as error:
        raise RequestError(
            f"calibrate.path must be a NumPy or HDF5 file with maps: {path}: {error}"
        ) from None


def calibration_text(artefact: Artefact) -> str:
    """One sentence on where the maps come from."""
    document = artefact.document("calibration")
    if document["kind"] == "given":
        return "Coil maps as given."
    height, width = document["acs"][0]
    name = {"espirit": "ESPIRiT", "lowres": "low-resolution coil images"}[document["kind"]]
    return f"Coil maps by {name} from the central {height} x {width} samples."
