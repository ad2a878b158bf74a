"""Time-dependent deep image prior: a network draws every frame, and is trained on the measurements alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.models.dynamic.adam import Moments, adam_step, zero_moments
from proxflow.models.dynamic.held_out_views import Views, held_out_residual, split_views
from proxflow.models.methods.result import Reconstruction
from proxflow.models.networks.td_dip import TdDipNetwork, helix
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Measure, Monitor, iterate, relative_change
from proxflow.operators.frame_operator import FrameOperator

HALVED_EVERY = 2000  # steps
OBJECTIVE, CHANGE, RESIDUAL, INDEX, LEAST, LEAST_INDEX, HELD = range(7)


class TdDipState(NamedTuple):
    """All that a block of steps reads, so that a resumed run is the same run."""

    weights: Tensor  # of the network, one vector
    mean: Tensor  # Adam's moments
    square: Tensor
    steps: Tensor  # float64 ()
    drawn: Tensor  # uint8, the state of the generator that draws frames
    image: Tensor  # (T, *domain), what the network draws now
    best: Tensor  # what predicted the held-out views best so far
    numbers: Tensor  # float64, the seven above


def td_dip(
    operator: FrameOperator,
    y: Tensor,
    *,
    n_iter: int = 40,
    block_steps: int = 250,
    rate: float = 1e-3,
    frames_per_step: int = 1,
    n_cycles: float = 0.0,
    n_channels: int = 128,
    held_out_fraction: float = 0.05,
    patience: int = 10,
    min_iter: int = 10,
    seed: int = 0,
    mixed: bool = False,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """f_t = G(z_t), the weights of G from Adam steps on mean |A_t G(z_t) - y_t|^2 of frames drawn at random.

    z is a fixed path (``helix``), G an untrained network (``TdDipNetwork``); stopping early is the prior.

    Args:
        operator: A / ||A|| of T frames (ny, nx).  y: (T, *range), scaled so that max |A^H y| = 1. Of a
            real y the network has one channel, of a complex y two, real and imaginary part.
        n_iter: blocks of ``block_steps`` steps at most; only after a block is the series drawn and reported.
        rate: of Adam, halved every 2000 steps.
        frames_per_step: drawn without repetition, of those that have measurements.
        n_cycles: turns of the helix; cardiac motion: the number of beats. 0 is a straight line.
        held_out_fraction: of the views, kept from the training: the series that predicts them best is
            delivered, and the run ends ``patience`` blocks after it, but not before ``min_iter``. With 0 it
            ends after ``n_iter`` and the last is delivered.
        seed: of the weights, the frames drawn and the views held out.
        mixed: gradients by convolutions in bfloat16, twice as fast on CPUs that have it; weights, all else,
            and the series after a block stay as they are.

    image: (T, *domain), of y's dtype. The objective in the trace is the mean over the views given.
    Raises ValueError where an argument does not fit, DivergenceError on NaN or infinity.
    Source: Yoo et al., IEEE Trans. Med. Imaging 40:3337 (2021), who train 10 000 steps on radial MRI in any
    case. That their code takes 111.246 degrees for radians is not repeated: angles are the data's.
    """
    _check(operator, y, block_steps, frames_per_step, rate)
    views = split_views(operator.mask, held_out_fraction, seed)
    domain = (operator.frame_domain[0], operator.frame_domain[1])
    network = TdDipNetwork(domain, 2 if y.is_complex() else 1, n_channels)
    path = helix(operator.n_frames, n_cycles).to(y.device, y.real.dtype)
    training = TdDipTraining(operator, y, views, network, path, block_steps, rate, frames_per_step, mixed)
    state, trace = iterate(
        training.start(seed),
        training.block,
        n_iter=n_iter,
        tol=0.0,
        measure=training.measured,
        image=lambda state: state.best,
        done=lambda state: _is_past(state, patience, min_iter),
        monitor=monitor,
        resume=resume,
    )
    return Reconstruction(state.best, trace)


@dataclass(frozen=True)
class TdDipTraining:
    """The training of a network on the measurements of a series, for ``iterate``; see ``td_dip``."""

    operator: FrameOperator
    y: Tensor
    views: Views
    network: TdDipNetwork
    path: Tensor
    block_steps: int
    rate: float
    frames_per_step: int
    mixed: bool = False

    def start(self, seed: int) -> TdDipState:
        """Random weights, of which nothing is delivered; the objective is that of the zero series."""
        generator = torch.Generator().manual_seed(seed)
        weights = self.network.initial(generator, self.y.real.dtype).to(self.y.device)
        image = self.y.new_zeros(self.operator.domain_shape)
        numbers = torch.zeros(7, dtype=torch.float64)
        numbers[OBJECTIVE], numbers[CHANGE], numbers[LEAST] = self._mean_square(image), 1, math.inf
        moments = zero_moments(weights)
        return TdDipState(weights, *moments, generator.get_state(), image, image, numbers)

    def block(self, state: TdDipState) -> TdDipState:
        """``block_steps`` steps, and the series after them."""
        weights, moments = state.weights, Moments(state.mean, state.square, state.steps)
        generator = torch.Generator()
        generator.set_state(state.drawn.cpu())
        seen = self.views.given.flatten(1).any(1).nonzero()[:, 0].cpu()
        for _ in range(self.block_steps):
            order = torch.randperm(len(seen), generator=generator)[: self.frames_per_step]
            rate = self.rate * 0.5 ** (int(moments.steps) // HALVED_EVERY)
            weights, moments = adam_step(weights, self.gradient(weights, seen[order].tolist()), moments, rate)
        with torch.no_grad():
            image = torch.stack([self.frame(weights, point) for point in self.path])
        after = TdDipState(weights, *moments, generator.get_state(), image, state.best, state.numbers)
        return self._judged(after, state)

    def gradient(self, weights: Tensor, frames: list[int]) -> Tensor:
        """Of the mean over these frames of mean |A_t G(z_t) - y_t|^2, over the views given."""
        given, total = self.operator.with_mask(self.views.given), torch.zeros_like(weights)
        for frame in frames:
            here = slice(frame, frame + 1)
            with torch.enable_grad():
                variable = weights.detach().requires_grad_()
                with torch.autocast(self.y.device.type, torch.bfloat16, enabled=self.mixed):
                    drawn = self.frame(variable, self.path[frame])
                found = given.forward_of(drawn[None], here)
                misfit = (found - given.masked(self.y[here], here)).abs().square().sum()
                loss = misfit / (self._count(here) * len(frames))
            total += torch.autograd.grad(loss, variable)[0]
        return total

    def frame(self, weights: Tensor, point: Tensor) -> Tensor:
        """The image at a point of the path, (ny, nx)."""
        drawn = self.network.frame(weights, point)
        return torch.complex(drawn[0], drawn[1]) if self.y.is_complex() else drawn[0]

    def measured(self, state: TdDipState) -> Measure:
        """Objective, relative change, data residual, and the held-out residual if views are held out."""
        objective, change, residual, *_, held = state.numbers.tolist()
        figures = (("held_out_residual", held),) if self.views.held.any() else ()
        return objective, change, residual, figures

    def _judged(self, state: TdDipState, before: TdDipState) -> TdDipState:
        """``state`` with its numbers, and its image as the best where it is; without held-out views it is."""
        image, n_axes = state.image, state.image.ndim
        index, least = float(before.numbers[INDEX]) + 1, before.numbers[LEAST : LEAST_INDEX + 1].tolist()
        held = held_out_residual(self.operator, self.y, self.views.held, image)
        if not held >= least[0]:  # also where it is nan, as no views are held out
            least, state = [math.inf if math.isnan(held) else held, index], state._replace(best=image)
        objective = self._mean_square(image)
        residual = relative_change(objective**0.5, self._mean_square(torch.zeros_like(image)) ** 0.5)
        change = float(squared_norm(image - before.image, n_axes)) ** 0.5
        numbers = [objective, relative_change(change, float(squared_norm(image, n_axes)) ** 0.5), residual]
        return state._replace(numbers=torch.tensor([*numbers, index, *least, held], dtype=torch.float64))

    def _mean_square(self, image: Tensor) -> float:
        """mean |A f - y|^2 over the views given."""
        given = self.operator.with_mask(self.views.given)
        misfit = given.forward_of(image, slice(None)) - given.masked(self.y)
        return float(squared_norm(misfit, misfit.ndim)) / self._count(slice(None))

    def _count(self, frames: slice) -> int:
        """Measurements given of these frames."""
        ones = self.y.new_ones((), dtype=torch.bool).expand(self.y[frames].shape)
        return int((ones & self.operator.spread(self.views.given[frames])).sum())


def _is_past(state: TdDipState, patience: int, min_iter: int) -> bool:
    index = float(state.numbers[INDEX])
    return index >= min_iter and index - float(state.numbers[LEAST_INDEX]) >= patience


def _check(operator: FrameOperator, y: Tensor, block_steps: int, frames_per_step: int, rate: float) -> None:
    if len(operator.frame_domain) != 2:
        raise ValueError(f"operator must be of frames (ny, nx), got {operator.frame_domain}")
    if y.shape != operator.range_shape:
        raise ValueError(f"y must have the shape {operator.range_shape}, got {tuple(y.shape)}")
    for name, number in (("block_steps", block_steps), ("frames_per_step", frames_per_step)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if not 0 < rate < math.inf:
        raise ValueError(f"rate must be positive, got {rate}")
    if not operator.mask.any():
        raise ValueError("mask must hold a view, got none")
