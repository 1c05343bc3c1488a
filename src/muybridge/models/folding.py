"""A convolution and the batch norm behind it are, once trained, one convolution.

    (w * x + b - mean) / sqrt(var + eps) · gain + bias   =   (w·s) * x + (b - mean)·s + bias,   s = gain /
    sqrt(var + eps)

The folded network computes the same with less memory traffic; for inference only.
"""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["fold_batch_norms"]


def fold_batch_norms(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode in which every `Conv3d` or `Conv2d` followed by its batch norm is one convolution.

    Pairs are found in `nn.Sequential`s, where what follows what is written down. The copy has other parameter names.

    Args:
        model: any module; it is not changed.

    >>> import torch
    >>> net = nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.ReLU())
    >>> [type(layer).__name__ for layer in fold_batch_norms(net)]
    ['Conv3d', 'Identity', 'ReLU']
    """
    folded = copy.deepcopy(model).eval()
    for parent in folded.modules():
        if not isinstance(parent, nn.Sequential):
            continue
        for i in range(len(parent) - 1):
            conv, norm = parent[i], parent[i + 1]
            if isinstance(conv, nn.Conv2d | nn.Conv3d) and isinstance(norm, nn.BatchNorm2d | nn.BatchNorm3d):
                parent[i] = fuse_conv_bn_eval(conv, norm)
                parent[i + 1] = nn.Identity()
    return folded
