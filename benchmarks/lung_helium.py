"""Plug-and-play on the magnitude of measured complex MR images of low signal: helium-3 in a lung.

    python -m benchmarks.lung_helium DATA/lung_hp3he_diffusion_complex.mat

The file is DataControl.mat of github.com/HGGM-LIM/compressed-sensing-diffusion-lung-MRI (GPL-2.0; it does not
come with Proxflow): ``uTarget``, complex (x, y, b-value, slice), 64 x 64 pixels, 5 b-values, 5 slices, one
coil, one volunteer. Its k-space is thinned out 2.5 times, points of variable density with a full centre of
12 x 12.

``epsilon`` of the constrained form is the noise in the images' corners over the norm of the samples kept. All
other numbers of a method are those of the best mean PSNR over slices 0 and 2 of a b-value; printed are means
over slices 1, 3 and 4, of the magnitude against the image of all samples, which holds the same noise.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.io import loadmat
from torch import Tensor

from proxflow.data.masks.variable_density import variable_density_mask
from proxflow.models.denoisers.told_level import LevelTv, Untold
from proxflow.models.methods.cg_sense import cg_sense
from proxflow.models.methods.pnp_magnitude import pnp_magnitude
from proxflow.models.methods.tv import tv
from proxflow.models.methods.zero_filled import zero_filled
from proxflow.models.metrics.psnr import psnr
from proxflow.models.metrics.ssim import ssim
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.tasks.denoisers import open_denoiser

ACCELERATION, CENTRE, CORNER = 2.5, (12, 12), 6
TUNED, REPORTED = (0, 2), (1, 3, 4)  # slices


class Case(NamedTuple):
    """One undersampled image; ``epsilon`` is its noise norm over its data norm."""

    operator: CartesianSense
    y: Tensor
    epsilon: float
    reference: np.ndarray


Numbers = dict[str, Any]
Method = tuple[Callable[[Case, Numbers], Tensor], list[Numbers]]


def methods() -> dict[str, Method]:
    """Name -> how a case is reconstructed, and the numbers to choose from."""
    network, total = Untold(open_denoiser("dncnn-mri")), LevelTv()
    forms = [
        {"form": form, "kappa": kappa}
        for form, kappa in (("constrained", 0.05), ("constrained", 0.5), ("unconstrained", 0.5))
    ]
    weights = [{"lam": lam} for lam in (0.0003, 0.001, 0.003, 0.01, 0.03)]
    return {
        "zero_filled": (lambda case, _: zero_filled(case.operator, case.y).image, [{}]),
        "cg_sense": (lambda case, numbers: cg_sense(case.operator, case.y, **numbers).image, weights),
        "tv": (lambda case, numbers: tv(case.operator, case.y, **numbers).image, weights),
        "pnp_magnitude, tv": (
            lambda case, numbers: magnitude(case, total, numbers),
            [form | {"sigma": sigma} for form in forms for sigma in (0.003, 0.01, 0.03)],
        ),
        "pnp_magnitude, dncnn-mri": (
            lambda case, numbers: magnitude(case, network, numbers),
            [form | {"n_iter": n} for form in forms for n in (3, 10, 30)],
        ),
    }


def magnitude(case: Case, denoiser: Any, numbers: Numbers) -> Tensor:
    epsilon = case.epsilon if numbers["form"] == "constrained" else None
    return pnp_magnitude(case.operator, case.y, denoiser=denoiser, epsilon=epsilon, **numbers).image


def case_of(image: np.ndarray, seed: int) -> Case:
    """``image``, complex (x, y), thinned out, in the scale of methods: max |A^H y| = 1."""
    mask = variable_density_mask(image.shape, ACCELERATION, acs_shape=CENTRE, seed=seed)
    maps = torch.ones((1, *image.shape), dtype=torch.complex64)
    operator = CartesianSense(torch.from_numpy(mask), maps)
    y = operator.forward(torch.from_numpy(image).to(torch.complex64))
    scale = float(operator.adjoint(y).abs().max())
    noise = noise_std(image) * math.sqrt(mask.sum())
    return Case(operator, y / scale, noise / float(y.norm()), np.abs(image) / scale)


def noise_std(image: np.ndarray) -> float:
    """Root of the mean square of the complex values in the four corners, where there is no lung."""
    near, far = slice(CORNER), slice(-CORNER, None)
    corners = [image[rows, columns] for rows in (near, far) for columns in (near, far)]
    return float(np.sqrt(np.mean(np.abs(np.stack(corners)) ** 2)))


def scores(method: Method, cases: Sequence[Case], numbers: Numbers) -> tuple[float, float]:
    """Mean PSNR in dB and mean SSIM."""
    found = []
    for case in cases:
        image, reference = method[0](case, numbers).abs().numpy()[None], case.reference[None]
        found.append((psnr(image, reference).value, ssim(image, reference).value))
    return tuple(np.mean(found, axis=0))  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path, help="the .mat file")
    images = loadmat(parser.parse_args().file)["uTarget"]
    print(f"{'b':>2} {'noise':>6} {'method':26}{'PSNR dB':>8}{'SSIM':>7}  numbers")
    for b in range(images.shape[2]):
        cases = [case_of(images[:, :, b, s], seed=s) for s in range(images.shape[3])]
        tuned, reported = ([cases[s] for s in chosen] for chosen in (TUNED, REPORTED))
        noise = np.mean([case.epsilon for case in reported])
        for name, method in methods().items():
            best = max(method[1], key=lambda numbers, method=method: scores(method, tuned, numbers)[0])
            decibels, similarity = scores(method, reported, best)
            chosen = ", ".join(f"{key} {value}" for key, value in best.items())
            print(f"{b:2} {noise:6.2f} {name:26}{decibels:8.2f}{similarity:7.3f}  {chosen}", flush=True)


if __name__ == "__main__":
    main()
