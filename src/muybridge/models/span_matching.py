"""Spans on a clock: how well two fit, and which predicted one answers which true one."""

from __future__ import annotations

import torch
from torch import Tensor

from muybridge.errors import ShapeError

__all__ = ["generalized_iou", "match_spans"]


def generalized_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union, less the share of the hull that neither covers: −1 far apart, 1 the same.

    Args:
        first: (…, 2) start and end.
        second: (…, 2), likewise.

    Source: Rezatofighi et al., Generalized Intersection over Union, CVPR 2019, arXiv:1902.09630, in one dimension.

    >>> generalized_iou(torch.tensor([0.0, 1.0]), torch.tensor([3.0, 4.0])).item()
    -0.5
    >>> generalized_iou(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 3.0])).item()
    0.3333333432674408
    """
    shared = (
        torch.minimum(first[..., 1], second[..., 1]) - torch.maximum(first[..., 0], second[..., 0])
    ).clamp(min=0)
    union = (first[..., 1] - first[..., 0]) + (second[..., 1] - second[..., 0]) - shared
    hull = torch.maximum(first[..., 1], second[..., 1]) - torch.minimum(first[..., 0], second[..., 0])
    return shared / union.clamp(min=1e-9) - (hull - union) / hull.clamp(min=1e-9)


def match_spans(cost: Tensor) -> Tensor:
    """Give each column a row of its own so that the sum of the costs is the least: the Hungarian method.

    Args:
        cost: (N, M) with M ≤ N: of predicted span n for true span m.

    Returns:
        (M,) int64: the row of each column.

    Raises:
        ShapeError: more columns than rows.

    Source: Kuhn, The Hungarian Method for the Assignment Problem, 1955; by shortest augmenting paths, O(M² N).

    >>> match_spans(torch.tensor([[1.0, 2.0], [1.5, 9.0], [8.0, 8.0]])).tolist()
    [1, 0]
    """
    num_rows, num_columns = cost.shape
    if num_columns > num_rows:
        raise ShapeError(
            f"{num_columns} true spans for {num_rows} predicted ones; there must be as many at least"
        )
    if num_columns == 1:
        return cost.argmin(dim=0)
    values = cost.detach().double().cpu().tolist()
    column_price = [0.0] * num_columns
    row_price = [0.0] * (num_rows + 1)
    owner = [-1] * (num_rows + 1)  # which column has this row; the last row is where a search starts
    for new in range(num_columns):
        owner[num_rows], row = new, num_rows
        least, via, done = [float("inf")] * num_rows, [num_rows] * num_rows, [False] * (num_rows + 1)
        while owner[row] != -1:
            done[row] = True
            column, step, nearest = owner[row], float("inf"), -1
            for other in range(num_rows):
                if done[other]:
                    continue
                reduced = values[other][column] - column_price[column] - row_price[other]
                if reduced < least[other]:
                    least[other], via[other] = reduced, row
                if least[other] < step:
                    step, nearest = least[other], other
            for other in range(num_rows + 1):
                if done[other]:
                    column_price[owner[other]] += step
                    row_price[other] -= step
                elif other < num_rows:
                    least[other] -= step
            row = nearest
        while row != num_rows:  # along the path, each column gives its row to the one before it
            owner[row] = owner[via[row]]
            row = via[row]
    rows = [owner.index(column) for column in range(num_columns)]
    return torch.tensor(rows, device=cost.device)
