"""Over how many batches batch normalisation averages what it keeps for evaluation."""

from __future__ import annotations

from torch.nn.modules.batchnorm import _BatchNorm

from proxflow.models.networks.trainee import Trainee

USUAL, MOST = 10, 100  # batches


def average_batches(trainee: Trainee, n_last: int) -> None:
    """Let each new batch count a tenth in running means and variances, and less in the ``n_last`` last steps,
    down to a hundredth, as long as these are ten times as many as are averaged.

    Batches of scenes differ much, as targets fill 1 % or 10 % of one: an average over few is a noisy one. By
    then weights hardly change, so that older batches tell as much.
    """
    late = trainee.step >= trainee.n_steps - n_last
    n_batches = min(max(n_last // 10, USUAL), MOST) if late else USUAL
    for module in trainee.network.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = 1 / n_batches
