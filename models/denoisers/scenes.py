"""Random reflectivity of near-field scenes: a few smooth, compact targets in an empty volume."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from proxflow.models.denoisers.blur import blurred
from proxflow.models.denoisers.draws import between, integer, uniform

STEEPNESS, LEVEL = 20.0, 0.35  # of the sigmoid that turns blurred points into a body with a soft edge
EDGE = 4.0  # of a solid's sigmoid, per voxel across its surface


@dataclass(frozen=True)
class SceneSettings:
    """How scenes are drawn; lengths in voxels.

    Attributes:
        most_targets: 1 to as many in a scene.
        solids: share of targets that are solids, the rest being clouds.
        extent: least and greatest side of the box that a cloud's points scatter in, drawn for each axis.
        points: least and greatest number of points of a cloud.
        blur: least and greatest standard deviation of the Gaussian.
        half_axes: least and greatest half axis of a solid, drawn for each axis.
        faint: least peak of a target beside the brightest.
    """

    shape: tuple[int, int, int] = (49, 25, 25)
    most_targets: int = 3
    solids: float = 0.4
    extent: tuple[float, float] = (5.0, 13.0)
    points: tuple[int, int] = (4, 20)
    blur: tuple[float, float] = (1.2, 2.0)
    half_axes: tuple[float, float] = (0.8, 6.0)
    faint: float = 0.3


def draw_magnitude(settings: SceneSettings, rng: torch.Generator) -> Tensor:
    """float32 (z, y, x) in 0 to 1, with a peak of 1.

    A target is a cloud, points at random in a box, blurred to v with a peak of 1, then 1 / (1 + exp(-20 (v -
    0.35))) without its value at 0; or a solid, between a rod, a plate, a box and a ball, turned at random:
    sum_a |r_a / h_a|^p < 1 with p from 2 to 6 and an edge of about a voxel. Peaks are 1, or U(faint, 1) in
    all targets but the first; targets meet by their maximum.
    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024), whose generator is not public; from their
    figures: one or two connected bodies of 6 to 12 voxels, saturated inside, soft at the edge. The solids
    are ours.
    """
    scene = torch.zeros(settings.shape)
    for index in range(1 + integer(settings.most_targets, rng)):
        peak = 1.0 if index == 0 else between((settings.faint, 1.0), rng)
        target = _solid if uniform(rng) < settings.solids else _cloud
        scene = torch.maximum(scene, peak * target(settings, rng))
    return scene


def with_random_phase(magnitude: Tensor, rng: torch.Generator) -> Tensor:
    """complex64: every voxel with a phase of its own, uniform on [0, 2 pi)."""
    return torch.polar(magnitude, 2 * math.pi * torch.rand(magnitude.shape, generator=rng))


def _cloud(settings: SceneSettings, rng: torch.Generator) -> Tensor:
    """(z, y, x) with a peak of 1."""
    sides = torch.tensor([between(settings.extent, rng) for _ in range(3)])
    sides = torch.minimum(sides, torch.tensor(settings.shape) - 1.0)
    least, most = settings.points
    n_points = least + integer(most - least + 1, rng)
    offsets = torch.rand((n_points, 3), generator=rng) - 0.5
    places = _centre(sides / 2, settings, rng) + offsets * sides
    points = torch.zeros(settings.shape)
    points[tuple(places.round().long().unbind(1))] = 1.0
    cloud = blurred(points, between(settings.blur, rng))
    body = torch.sigmoid(STEEPNESS * (cloud / cloud.max() - LEVEL))
    body = body - body.min()
    return body / body.max()


def _solid(settings: SceneSettings, rng: torch.Generator) -> Tensor:
    """(z, y, x) with a peak of 1."""
    half = torch.tensor([between(settings.half_axes, rng) for _ in range(3)])
    power = between((2.0, 6.0), rng)
    turn = torch.linalg.qr(torch.randn((3, 3), generator=rng))[0]
    reach = torch.minimum((turn.abs() * half).sum(1), (torch.tensor(settings.shape) - 1) / 2)
    centre = _centre(reach, settings, rng)
    axes = torch.meshgrid(*(torch.arange(n) for n in settings.shape), indexing="ij")
    along = (torch.stack(axes, dim=-1) - centre) @ turn
    distance = (along.abs() / half).pow(power).sum(-1).pow(1 / power) - 1  # in half axes, negative inside
    body = torch.sigmoid(-EDGE * distance * half.min())
    return body / body.max()


def _centre(reach: Tensor, settings: SceneSettings, rng: torch.Generator) -> Tensor:
    """Of a target that reaches as far along each axis: (3,), all of it inside."""
    return reach + (torch.tensor(settings.shape) - 1 - 2 * reach) * torch.rand(3, generator=rng)
