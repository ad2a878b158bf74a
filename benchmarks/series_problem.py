"""The moving phantom as methods for series meet it, and what is asked of their images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.dynamic_phantom import dynamic_phantom
from proxflow.models.methods.scaling import data_scale
from proxflow.models.metrics.evaluate import evaluate_images
from proxflow.models.solvers.iteration import Monitor
from proxflow.operators.bilinear_radon import BilinearRadon
from proxflow.operators.frame_projections import FrameProjections
from proxflow.operators.operator_norm import largest_frame_norm
from proxflow.tasks.calls import Machine, StageContext
from proxflow.tasks.stages.solve import solve

UNSEEN = 32  # views, and instants, at which projections are predicted: 1024, of which at most 8 were measured


@dataclass(frozen=True)
class SeriesProblem:
    """y: (T, 1, J), one noisy view a frame.  frames: (T, J, J), the truth, which only judges.

    norm: ||A||, the largest of a frame.
    """

    operator: FrameProjections
    y: Tensor
    frames: NDArray[np.float32]
    norm: float
    pixel_mm: float

    @property
    def mask(self) -> Tensor:
        return self.operator.mask

    def posed(self, mask: Tensor) -> tuple[FrameProjections, Tensor]:
        operator = self.operator.with_mask(mask)
        return operator, operator.masked(self.y)

    def count(self, mask: Tensor) -> int:
        return int(mask.sum()) * self.y.shape[-1]

    def psnr(self, image: NDArray[np.float32]) -> float:
        """Of the whole series, in dB, relative to the largest value of the truth."""
        return self._judged(image, "psnr")["psnr"]

    def projection_psnr(self, image: NDArray[np.float32]) -> float:
        """Of the predicted projections along 32 views of 32 of the frames against those of the truth, in dB
        relative to their largest value."""
        at = np.arange(0, len(image), len(image) // UNSEEN)[:UNSEEN]
        beam = BilinearRadon(
            self.frames.shape[1:], np.pi * np.arange(UNSEEN) / UNSEEN, pixel_size_mm=self.pixel_mm
        )
        true, found = (beam.forward(torch.from_numpy(series[at]).double()) for series in (self.frames, image))
        return float(10 * torch.log10(true.max() ** 2 / (found - true).square().mean()))

    def figures(self, image: NDArray[np.float32]) -> dict[str, float]:
        """PSNR, SSIM and HFEN of the object, and PSNR of projections that were not measured."""
        found = self._judged(image, "psnr", "ssim", "hfen")
        return found | {"projection_psnr": self.projection_psnr(image)}

    def _judged(self, image: NDArray[np.float32], *names: str) -> dict[str, float]:
        found = evaluate_images(image, self.frames, names=names, planes=len(image), series=True)
        return {name: float(value.value) for name, value in found.items()}


def series_problem(seed: int, n_frames: int = 128, size: int = 128, motion: str = "waves") -> SeriesProblem:
    """``dynamic_phantom`` with noise of ``seed``, and the forward model that made it."""
    scan = dynamic_phantom(seed, n_frames, motion, size=size)
    assert scan.reference is not None and scan.image_pixel_mm is not None
    frames = scan.reference[0].astype(np.float32)
    operator = FrameProjections(
        frames.shape[1:],
        scan.geometry.angles_rad,
        scan.samples.shape[-1],
        pixel_size_mm=scan.image_pixel_mm,
        model="bilinear",
    )
    norm = largest_frame_norm(operator, dtype=torch.float32)
    y = torch.from_numpy(scan.samples[0].astype(np.float32))
    return SeriesProblem(operator, y, frames, norm, scan.image_pixel_mm)


def solved(
    problem: SeriesProblem, config: dict[str, Any], monitor: Monitor | None = None
) -> tuple[NDArray[np.float32], int]:
    """The image of a method, as a recipe's ``reconstruct`` names it, in 1/mm, and its iterations.

    ``monitor`` sees the states in the relative scale of methods; ``relative_scale`` leads back.
    """
    machine = Machine("", 0, "cpu", 0.0)
    context = StageContext("benchmark", {"method": config}, {}, {}, machine, Path())
    solution = solve(problem, context, monitor=monitor)
    return solution.image.numpy(), len(solution.trace)


def relative_scale(problem: SeriesProblem) -> float:
    """What an image of a method that is not direct must be multiplied by to be in 1/mm."""
    return float(data_scale((1 / problem.norm) * problem.operator, problem.y)) / problem.norm
