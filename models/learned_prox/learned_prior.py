"""A learned proximal network with what a method has to know of it."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch

from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.learned_prox.prior import TRAINED
from proxflow.models.learned_prox.windows import Patching
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.networks.icnn import Icnn


@dataclass(frozen=True)
class LearnedPrior:
    """network: of images; never changed.  within: values it was trained for, noise included, where 1 is its
    unit.  memory_bytes: for the activations of patches that go through it together; None: 1 GiB.
    """

    network: Icnn
    within: tuple[float, float] = TRAINED
    memory_bytes: int | None = None

    def prox(
        self, patching: Patching, stride: int | None, size: tuple[int, int], dtype: torch.dtype
    ) -> NetworkProx:
        """Its proximal operator of images of ``size`` (y, x), computed in the precision of ``dtype``.

        Raises UnsuitableError where patches of that stride do not fit the network, or the images.
        """
        network, wanted = self.network, dtype.to_real()
        if network.lin[0].weight.dtype != wanted:
            network = copy.deepcopy(network).to(wanted)
        try:
            prox = NetworkProx(network, patching=patching, stride=stride, memory_bytes=self.memory_bytes)
            prox.windows(size)
        except ValueError as error:
            raise UnsuitableError(str(error)) from None
        return prox
