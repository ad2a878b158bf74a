"""``runtime.precision`` as torch types."""

import torch

COMPLEX = {"single": torch.complex64, "double": torch.complex128}
REAL = {"single": torch.float32, "double": torch.float64}
