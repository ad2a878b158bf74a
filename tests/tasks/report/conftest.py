"""A small made-up run to report on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from proxflow.models.metrics.evaluate import evaluate_images
from proxflow.tasks.report.inputs import MethodResult, ReportInputs, StageRecord
from proxflow.tasks.stages.report_series import series_of

SHAPE = (3, 24, 18)  # never square: swapped axes must show
N_FRAMES = 12
SERIES_METHODS = (("framewise_fbp", 0.3, 1), ("red_psm", 0.04, 30))
METHODS = (("zero_filled", 0.3, 1), ("cg_sense", 0.1, 12), ("tv", 0.05, 40))


def make_inputs(
    shape: tuple[int, int, int] = SHAPE, names: tuple[str, ...] = ("psnr", "ssim", "nmse")
) -> ReportInputs:
    """A blob with three noisy reconstructions of it, the last the best."""
    rng = np.random.default_rng(7)
    n_items, ny, nx = shape
    y, x = np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij")
    blob = (1 + np.sin(7 * x) * np.cos(9 * y)) * (x**2 + y**2 < 0.8)
    reference = (np.arange(1, n_items + 1)[:, None, None] * blob * np.exp(1j * x)).astype(np.complex64)
    noise = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    region = x**2 + y**2 < 0.9
    methods = []
    for name, level, n_iter in METHODS:
        image = reference + np.float32(level) * noise
        metrics = evaluate_images(image, reference, names=names, region=region, region_text="a disc")
        k = np.arange(1, n_iter + 1)
        trace = {"objective": 5.0 / k + 1, "relative_change": 0.5**k, "data_residual": 0.1 + 1 / k}
        methods.append(
            MethodResult(name, image, metrics, trace, {"lam": 0.002, "n_iter": n_iter}, 0.5, n_iter)
        )
    maps = np.stack([np.exp(1j * x), 0.5 * np.exp(-1j * y), 0 * x]) * (x**2 + y**2 < 0.9)
    mask = rng.random((ny, nx)) < 0.4
    stages = (
        StageRecord("ingest", "a" * 64, True, 0.01, None, "cpu"),
        StageRecord("reconstruct tv", "b" * 64, False, 2.5, 3 << 20, "cpu"),
    )
    return ReportInputs(
        title="Blob",
        recipe_name="blob",
        modality="mri-cartesian",
        methods=tuple(methods),
        reference=reference,
        region=region,
        region_text="a disc",
        coil_maps=maps.astype(np.complex64),
        mask=mask,
        acceleration=mask.size / mask.sum(),
        notes=("No number was tuned on this reference.",),
        item_labels=tuple(f"slice {item}" for item in range(n_items)),
        shown=tuple(range(n_items)),
        shown_labels=tuple(f"slice {item}" for item in range(n_items)),
        stages=stages,
        provenance={"torch": "2.13.0", "scan": "blob.h5"},
        recipe_yaml="name: blob\nreconstruct: {method: tv}\n",
        command="proxflow run blob.yaml",
        voxel_size_mm=(3.0, 1.0, 2.0),
        mask_text=f"{mask.sum()} of {mask.size} positions of k-space",
    )


def breathing_disc(n_frames: int, ny: int, nx: int) -> np.ndarray:
    """float32 (frame, y, x): a disc whose radius changes, a small one that moves down, on zeros."""
    y, x = np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij")
    frames = []
    for t in np.linspace(0, 1, n_frames):
        disc = (np.hypot(y, x) < 0.6 + 0.2 * np.sin(2 * np.pi * t)).astype(float)
        spot = np.hypot(y - 0.5 * t + 0.2, x - 0.1) < 0.15
        frames.append(disc + 0.8 * spot)
    return np.stack(frames).astype(np.float32)


def moving_inputs(
    like: ReportInputs,
    *,
    n_frames: int = N_FRAMES,
    size: tuple[int, int] = (24, 18),
    items: int = 1,
    methods: tuple[tuple[str, float, int], ...] = SERIES_METHODS,
    reference: bool = True,
    complex_values: bool = False,
) -> ReportInputs:
    """A run of ``items`` series on the page of ``like``."""
    rng = np.random.default_rng(3)
    truth = np.concatenate([breathing_disc(n_frames, *size)] * items)
    if complex_values:
        truth = truth * np.exp(1j * np.linspace(-1, 1, size[1])).astype(np.complex64)
    shown = tuple(range(0, items * n_frames, 3))
    images, results = {}, []
    for name, level, n_iter in methods:
        image = (truth + level * rng.standard_normal(truth.shape)).astype(truth.dtype)
        images[name] = image
        found = evaluate_images(image, truth, names=("psnr", "ssim", "hfen"), planes=n_frames, series=True)
        k = np.arange(1, n_iter + 1)
        trace = {"objective": 5.0 / k + 1, "relative_change": 0.5**k, "data_residual": 0.1 + 1 / k}
        curves: dict[str, list[list[float]]] = {}
        if n_iter > 1:
            trace |= {"held_out_residual": 0.15 + 1 / k + k / 300, "primal_residual": 0.8**k}
            trace["dual_norm"] = 1 - 0.9**k
            phase = np.linspace(0, 1, n_frames)
            curves["temporal_functions"] = [np.cos(np.pi * j * phase).tolist() for j in range(4)]
        metrics = found if reference else {}
        config = {"n_iter": n_iter}
        results.append(MethodResult(name, image[list(shown)], metrics, trace, config, 0.5, n_iter, curves))
    labels = tuple(f"slice {item}" for item in range(items))
    return dataclasses.replace(
        like,
        title="A disc that breathes",
        modality="ct-dynamic",
        methods=tuple(results),
        reference=truth[list(shown)] if reference else None,
        region=None,
        region_text="full image, 100.0% of the pixels",
        coil_maps=None,
        mask=None,
        acceleration=None,
        item_labels=labels,
        shown=tuple(plane // n_frames for plane in shown),
        shown_labels=tuple(f"frame {plane % n_frames + 1} of {n_frames}" for plane in shown),
        shown_frames=tuple(plane % n_frames for plane in shown),
        series=series_of(images, truth if reference else None, n_frames),
        voxel_size_mm=(1.0, 1.0, 1.0),
        unit="1/mm",
    )


def only(inputs: ReportInputs, items: tuple[int, ...]) -> ReportInputs:
    """The run with pictures of these items alone."""
    chosen = list(items)
    return dataclasses.replace(
        inputs,
        methods=tuple(dataclasses.replace(m, image=m.image[chosen]) for m in inputs.methods),
        reference=None if inputs.reference is None else inputs.reference[chosen],
        shown=items,
        shown_labels=tuple(inputs.item_labels[item] for item in items),
    )


def real(inputs: ReportInputs) -> ReportInputs:
    """The run with real images that go below 0, as attenuations do."""
    assert inputs.reference is not None
    methods = tuple(dataclasses.replace(m, image=m.image.real - 0.1) for m in inputs.methods)
    return dataclasses.replace(
        inputs, methods=methods, reference=inputs.reference.real - 0.1, coil_maps=None, unit="1/mm"
    )


@pytest.fixture
def inputs() -> ReportInputs:
    return make_inputs()


@pytest.fixture
def changed(inputs: ReportInputs) -> Callable[..., ReportInputs]:
    """The made-up run with some fields replaced."""
    return lambda **fields: dataclasses.replace(inputs, **fields)


@pytest.fixture
def ct(inputs: ReportInputs) -> ReportInputs:
    """The made-up run as one of real images with labels to outline."""
    labels = np.zeros(inputs.shape, dtype=np.uint8)
    labels[:, 5:15, 4:9] = 1
    return dataclasses.replace(real(inputs), modality="ct", outline=labels, outline_text="the segmentation")


@pytest.fixture
def radar(changed: Callable[..., ReportInputs], inputs: ReportInputs) -> ReportInputs:
    """The made-up run as one of a single volume, three views of it in dB."""
    methods = tuple(
        dataclasses.replace(
            m, metrics={k: dataclasses.replace(v, per_item=v.per_item[:1]) for k, v in m.metrics.items()}
        )
        for m in inputs.methods
    )
    return changed(
        modality="radar",
        methods=methods,
        item_labels=("scene",),
        shown=(0, 0, 0),
        shown_labels=("along z", "along y", "along x"),
        item_shape=(5, 24, 18),
        decibels=30.0,
        coil_maps=None,
        mask=None,
        acceleration=None,
    )


@pytest.fixture
def showing() -> Callable[..., ReportInputs]:
    """Reduces a run to the pictures of some items."""
    return only


@pytest.fixture
def sized() -> Callable[..., ReportInputs]:
    """The made-up run at another (item, y, x) or with other metrics."""
    return make_inputs


@pytest.fixture
def moving(inputs: ReportInputs) -> Callable[..., ReportInputs]:
    """A run of a series, with other frames, sizes or methods; see ``moving_inputs``."""
    return lambda **changes: moving_inputs(inputs, **changes)
