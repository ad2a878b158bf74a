"""A small made-up run to report on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from proxflow.models.metrics.evaluate import evaluate_images
from proxflow.tasks.report.inputs import MethodResult, ReportInputs, StageRecord

SHAPE = (3, 24, 18)  # never square: swapped axes must show
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
