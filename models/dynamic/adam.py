"""Adam as a pure step, so that a resumed run is the same run."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8


class Moments(NamedTuple):
    """Running means of the gradient and of its squares, and the number of steps, float64 ()."""

    mean: Tensor
    square: Tensor
    steps: Tensor


def zero_moments(like: Tensor) -> Moments:
    """Before the first step. Of complex ``like``, real and imaginary part have squares of their own."""
    zero = torch.zeros_like(like)
    return Moments(zero, zero, torch.zeros((), dtype=torch.float64, device=like.device))


def adam_step(
    x: Tensor, gradient: Tensor, moments: Moments, rate: float, *, epsilon: float = EPSILON
) -> tuple[Tensor, Moments]:
    """x <- x - rate m_hat / (sqrt(s_hat) + epsilon), and the new moments.

    m and s are means of gradients and of their squares with memories of 10 and 1000 steps, m_hat and s_hat
    these without the bias of their start at zero. Complex arrays are treated as pairs of real ones.
    Source: Kingma & Ba, ICLR 2015, algorithm 1 with the defaults there, as torch.optim.Adam.
    """
    if x.is_complex():
        parts = (torch.view_as_real(part) for part in (x, gradient, moments.mean, moments.square))
        x, gradient, mean, square = parts
        new, after = adam_step(x, gradient, Moments(mean, square, moments.steps), rate, epsilon=epsilon)
        mean, square = torch.view_as_complex(after.mean), torch.view_as_complex(after.square)
        return torch.view_as_complex(new), Moments(mean, square, after.steps)
    steps = moments.steps + 1
    mean = DECAY * moments.mean + (1 - DECAY) * gradient
    square = SQUARE_DECAY * moments.square + (1 - SQUARE_DECAY) * gradient.square()
    first, second = 1 - DECAY ** float(steps), 1 - SQUARE_DECAY ** float(steps)
    step = rate / first * mean / (square.sqrt() / second**0.5 + epsilon)
    return x - step, Moments(mean, square, steps)


def unfallen(after: Moments, before: Moments) -> Moments:
    """``after`` with its square nowhere below that of ``before``: no large steps from small gradients.

    The idea of Reddi, Kale & Kumar, ICLR 2018 (AMSGrad), who keep the mean and its largest value apart; here
    the larger one is the mean of the next step.
    """
    if after.square.is_complex():
        pairs = (torch.view_as_real(moments.square) for moments in (after, before))
        return after._replace(square=torch.view_as_complex(torch.maximum(*pairs)))
    return after._replace(square=torch.maximum(after.square, before.square))
