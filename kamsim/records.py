"""Frozen records as plain values: one way for all results into JSON."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def plain(value: object) -> Any:
    """Turn a record, and whatever it holds, into plain values.

    Parameters
    ----------
    value : object
        A dataclass or named tuple as a dict by field; sequences and arrays as lists; numbers of NumPy as Python's.

    Returns
    -------
    object
        Ready for JSON; None for NaN and for no bound.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, tuple | list) else value


class Record:
    """A frozen dataclass that says itself in plain values."""

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; what cannot be told, or has no bound, is None."""
        content: dict[str, object] = plain(self)
        return content
