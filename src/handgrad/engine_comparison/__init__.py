"""The duel: engines in lock-step, from the same weights, on the same batches.

At each step everything that they compute is held against each other, in the order in which it is
computed; so the first tensor that parts is where the trouble begins.

A batch may sit on a kink: two pixels of a max pooling so nearly equal that rounding decides which
one wins, and with it where the gradient goes. Such a batch says nothing about the engines. It is
known by this, that the first engine's own gradients jump as far when its weights are nudged in
their last digits; it is passed over, and the next one taken, while the tolerance stays as it is.
"""

from handgrad.engine_comparison.lockstep import TOLERANCES, duel
from handgrad.engine_comparison.result import KINDS, Difference, Duel, Parting, Side

__all__ = ["KINDS", "TOLERANCES", "Difference", "Duel", "Parting", "Side", "duel"]
