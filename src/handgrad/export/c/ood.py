"""The arrays and constants of the out-of-distribution score in C."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from handgrad.network import Network
from handgrad.ood import DIRECTIONS, OodScore, cell_weights


def ood_arrays(score: OodScore, network: Network) -> dict[str, NDArray[np.float32]]:
    """Return the constant arrays of a score, by name."""
    rows, columns = cell_weights(network.shape)
    return {
        "hg_ood_rows": rows,
        "hg_ood_columns": columns,
        "hg_ood_means": score.means,
        "hg_ood_directions": score.directions,
        "hg_ood_variances": score.variances,
        "hg_ood_scaling": np.concatenate([score.scaling, score.threshold, score.noise]),
    }


def ood_constants(score: OodScore, network: Network) -> str:
    """Return the sizes of the score's arrays, and the names of its numbers."""
    rows, columns = cell_weights(network.shape)
    defined = {
        "HIGH": len(rows),
        "WIDE": len(columns),
        "EDGES": DIRECTIONS * len(rows) * len(columns),
        "RANK": score.directions.shape[1],
    }
    return "\n".join(f"#define HG_OOD_{name} {value}" for name, value in defined.items())
