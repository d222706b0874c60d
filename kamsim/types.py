"""The names of types that many rooms share."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Places = NDArray[np.uint64]  # numbers of accounts: never below 0, so that compiled code need not look for that
Flags = NDArray[np.bool_]
Records = NDArray[np.record]  # rows read as agents, compiled or not: ``accounts[3].trust``

Json = dict[str, Any]  # as a file of JSON has it

Progress = Callable[[int], None]  # told how much is done


class Numbers(Protocol):
    """A record of numbers by name, as the ledger lists them: ``parameters.trust_speed``."""

    def __getattribute__(self, name: str, /) -> Any: ...
