"""Memory and time of a run before it is started, from shapes and a short measurement.

Memory of a stage is what the process holds at its peak: ``base_bytes`` (Python, torch and what else is
loaded), freed blocks that the allocator keeps (as large as the arrays of earlier stages, ``HEAP_BYTES`` at
most), and its arrays. With N items, per item R bytes as measured, Y bytes prepared (both as complex64 or
float32), P voxels of c bytes, w / c the working precision (1 or 2), O bytes of the operator, M methods, and
B items read from the file at once:

    ingest       3 B R + N P + H           B items as stored, sorted and written, and the masks; H: what the
                                           reader holds of a file that has to be read as a whole
    prepare      4 Y + 3 N P               one item through the steps, and the masks before and after
    calibrate    4 Y + K + O               one item; K: ESPIRiT's kernel matrices, 5 (36 C)^2 2 c for C coils
    reconstruct  (5 Y + 30 P c) w / c + O + D   samples, scaled copy and products; iterates, of ``dds`` for
                                           each of the samples it draws; D: what a network takes, by method:
                                           of a diffusion model and of ``lpn`` of the images that are given
                                           to it at once, of ``reconresnet`` what it says of P, and weights;
                                           of those of magnitudes see ``magnitude_memory.py``
    hold_out     the same
    evaluate     2 N P + P (2 c + 56) + 7 Y   the region; image and reference of one item, in float64
    report       S P c (M + 3) + 3 Y       S shown images of each method and what is drawn of them

Time is that of a rehearsal on up to three items, 1 / ``DISK_RATE`` a byte for what is read and written, and
for a method n_iter iterations of its applications of the operator plus the rest of its iteration, all
measured. A method that converges sooner takes less: it is an upper bound. ``series_timing.py`` measures those
that are not made of such iterations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proxflow.configs.methods import MethodConfig
from proxflow.configs.methods_lpn import Lpn
from proxflow.configs.methods_magnitude import Deep2s, MagnitudeMethod, PnpMagnitude
from proxflow.configs.methods_psm import Psm, PsmTv, RedPsm
from proxflow.configs.methods_reconresnet import ReconResNet
from proxflow.configs.methods_series import TdDip
from proxflow.configs.recipe import Recipe
from proxflow.configs.runtime import parse_size
from proxflow.models.methods.scaling import data_scale
from proxflow.operators.frame_operator import FrameOperator
from proxflow.tasks.artefact_networks import open_reconresnet
from proxflow.tasks.denoisers import denoiser_files
from proxflow.tasks.learned_priors import activation_bytes
from proxflow.tasks.magnitude_memory import magnitude_bytes
from proxflow.tasks.method_arguments import method_arguments
from proxflow.tasks.methods import METHODS
from proxflow.tasks.prior_memory import prior_bytes
from proxflow.tasks.rehearsal import Rehearsal, bytes_of
from proxflow.tasks.report.window import MOST_ITEMS
from proxflow.tasks.timing_probe import iteration_seconds, normal_seconds, pass_seconds

DISK_RATE = 300e6  # bytes a second through HDF5, two checksums and fsync
STAGE_SECONDS = 0.02  # opening, sealing and syncing an artefact
TORCH_SECONDS = 1.5  # loading torch, which `prepare` is the first to need
SINGLE_APPLICATIONS = 2.0  # adjoints for scale and start, forward for the misfit, counted in normals
EVALUATE_SECONDS = 0.5, 0.6e-6  # loading scikit-image once, then each pixel of each method
REPORT_SECONDS = 0.5, 1.0e-6
PRESENTATION_BYTES = 40 << 20  # scikit-image, Jinja and Pillow, loaded by the last stages
HEAP_BYTES = 64 << 20  # freed blocks that glibc kept, seen with 13 x 224 x 224 and 16 x 320 x 320 samples


@dataclass(frozen=True)
class StageEstimate:
    """What a stage is expected to take if it is computed. ``seconds`` counts every iteration: a method that
    converges early takes less."""

    label: str
    memory_bytes: int
    seconds: float


def estimate_run(
    recipe: Recipe, methods: Sequence[MethodConfig], fit: Rehearsal, device: str, base_bytes: int
) -> list[StageEstimate]:
    """One estimate per stage of the run, in order; see the module's text for the formulas.

    RequestError where a method refuses its numbers for this scan.
    """
    n_items, size = fit.n_items, fit.kind.value_bytes
    voxels = bytes_of(fit.image_shape, 1)
    raw, item = bytes_of(fit.raw_shape, size), bytes_of(fit.shape, size)
    kept = parse_size(recipe.runtime.memory) if recipe.runtime.memory else None
    block = min(n_items, fit.kind.block(fit.info, kept)) * raw
    factor = 2 if recipe.runtime.precision == "double" else 1
    operator = fit.kind.operator_bytes(fit.problem)
    coils = fit.shape[0] if recipe.calibrate.kind == "espirit" else 0
    iterates = 30 * voxels * size
    solving = (5 * item + iterates) * factor + operator
    judging = voxels * (2 * n_items + 2 * size + 56) + 7 * item + PRESENTATION_BYTES
    shown = min(n_items, MOST_ITEMS)
    drawing = shown * voxels * size * (len(methods) + 3) + 3 * item + PRESENTATION_BYTES
    pixels, io = n_items * voxels * len(methods), n_items * item / DISK_RATE
    each = n_items / len(fit.probed)
    rows = [
        (
            "ingest",
            3 * block + n_items * voxels + fit.info.held_bytes,
            each * fit.seconds["ingest"] + n_items * raw / DISK_RATE,
        ),
        (
            "prepare",
            max(3 * raw, 4 * item) + 3 * n_items * voxels,
            TORCH_SECONDS + each * fit.seconds["prepare"] + 2 * io,
        ),
        (
            "calibrate",
            4 * item + 5 * (36 * coils) ** 2 * 2 * size + operator,
            (each if fit.kind.calibrates_items else 1) * fit.seconds["calibrate"] + 2 * io,
        ),
    ]
    for config, (seconds, certifying) in zip(methods, _solving(methods, fit, device, kept), strict=True):
        held = solving + (getattr(config, "samples", 1) - 1) * iterates * factor
        held += _own_bytes(config, fit, device, recipe.runtime.precision, kept)
        rows.append((f"reconstruct:{config.method}", held, n_items * (seconds + certifying) + 2 * io))
        if recipe.evaluate.held_out_fraction:
            rows.append((f"hold_out:{config.method}", held, n_items * seconds + 2 * io))
    rows += [
        ("evaluate", judging, EVALUATE_SECONDS[0] + EVALUATE_SECONDS[1] * pixels),
        ("report", drawing, REPORT_SECONDS[0] + REPORT_SECONDS[1] * shown * voxels * len(methods)),
    ]
    estimates, left = [], 0
    for label, memory, seconds in rows:
        estimates.append(StageEstimate(label, base_bytes + left + memory, seconds + STAGE_SECONDS))
        left = max(left, min(memory, HEAP_BYTES))
    return estimates


def store_bytes(methods: Sequence[MethodConfig], fit: Rehearsal) -> int:
    """What a run adds to the store at most: samples twice, coil maps, an image per method, spreads."""
    size = fit.kind.value_bytes
    spreads = sum(getattr(method, "samples", 1) > 1 for method in methods)
    images = (len(methods) + 1 + spreads) * bytes_of(fit.image_shape, size)
    return fit.n_items * (bytes_of(fit.raw_shape, size) + 2 * bytes_of(fit.shape, size) + images)


def resident_bytes() -> int:
    """What this process holds in memory now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status must have a line VmRSS")


def _own_bytes(config: MethodConfig, fit: Rehearsal, device: str, precision: str, kept: int | None) -> int:
    """What a method takes of its own, its network mostly; nothing is opened for methods without one."""
    if isinstance(config, Lpn):
        return activation_bytes(config, fit.image_shape, precision=precision, kept=kept)
    if isinstance(config, ReconResNet):
        weights = sum(Path(path).stat().st_size for path in denoiser_files(config).values())
        network = open_reconresnet(config.network)
        return bytes_of(fit.image_shape, network.settings.pixel_bytes) + 2 * weights
    of_magnitude = isinstance(config, MagnitudeMethod | PnpMagnitude | Deep2s)
    if not of_magnitude and METHODS[config.method].opens not in ("prior", "image"):
        return 0
    operator, y = fit.problem.posed(fit.problem.mask)
    if isinstance(config, MagnitudeMethod | PnpMagnitude | Deep2s):
        return magnitude_bytes(config, operator, y.dtype)
    arguments = method_arguments(config, device=device, memory_bytes=kept)
    return prior_bytes(arguments, operator, y.dtype, gradient=config.method == "dps")


def _solving(
    methods: Sequence[MethodConfig], fit: Rehearsal, device: str, kept: int | None
) -> list[tuple[float, float]]:
    """Seconds per item of each method, and what the certificate of a delivered image takes."""
    operator, y = fit.problem.posed(fit.problem.mask)
    dtype = y.dtype
    normal = normal_seconds(operator, dtype, device)
    single = SINGLE_APPLICATIONS * normal

    def iterating(config: MethodConfig) -> tuple[float, float]:
        if isinstance(config, RedPsm | Psm | PsmTv | TdDip):
            from proxflow.tasks.series_timing import course_seconds  # its methods import Numba

            normalised = (1 / fit.problem.norm) * operator
            assert isinstance(normalised, FrameOperator)  # their ``fits`` says so
            return course_seconds(config, normalised, y / data_scale(normalised, y), device), 0.0
        before = config.cost.before * normal
        if isinstance(config, ReconResNet):
            return before + pass_seconds(config, operator, dtype, device, kept), 0.0
        prior = iteration_seconds(config, operator, dtype, device, kept)
        once = config.cost.each * normal + prior
        n_iter = getattr(config, "n_iter", 0) + config.cost.warm_up
        return before + n_iter * once, config.cost.passes * prior

    return [(single + seconds, certifying) for seconds, certifying in map(iterating, methods)]
