"""NT-Xent as one writes it in PyTorch."""

import torch
import torch.nn.functional as F


def nt_xent(z, temperature):
    """z [2N, features], view i beside view i + N: cross-entropy of cosines over all other rows, the other view being the class."""
    rows = z.shape[0]
    unit = F.normalize(z.float(), dim=1)
    logits = unit @ unit.T / temperature
    logits = logits.masked_fill(torch.eye(rows, dtype=torch.bool, device=z.device), float("-inf"))
    return F.cross_entropy(logits, torch.arange(rows, device=z.device).roll(rows // 2))
