"""What it is worth to know something before a choice: expected value of partial perfect information, by regression.

With the datum known, the choice that is best given its value is taken instead of the one that is best on average. What
choices earn given the datum is a regression of what they earn in simulated cases on the datum there (Strong, Oakley &
Brennan 2014, Medical Decision Making 34(3)): no case need be simulated again. Here it is least squares of a degree that
is chosen, for each choice, by what it foretells of parameter sets that were left out: none, one or two. So a datum that
tells nothing is worth about nothing, where a regression of fixed degree would take luck for knowledge.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kamsim.types import Floats, Integers

FOLDS = 12
_RESAMPLES = 100
_CONSTANT = 1e-9  # spread of a datum, as a part of its size, that is none


class Information(NamedTuple):
    """What it is worth to know a datum, in the unit of what choices earn."""

    value: float  # >= 0
    error: float  # standard error, from resampling the cases


def value_of_knowing(earned: Floats, datum: Floats, sets: Integers) -> Information:
    """Expected value of knowing a datum before the choice is made.

    Parameters
    ----------
    earned : array of shape (cases, choices)
        What each choice earns in a case.
    datum : array of shape (cases, features)
        The datum in that case, or what sums it up; what varies in no case is left out.
    sets : array of shape (cases,)
        Which cases were drawn with the same parameters: they are left out of a regression together.

    Returns
    -------
    Information
        0 where the datum tells nothing of what choices earn.
    """
    degrees = _degrees_of(datum)
    # What all choices earn alike is no matter of choice, and would only blur.
    gain = earned - earned[:, [int(earned.mean(axis=0).argmax())]]
    if len(degrees) == 1 or not gain.any():
        return Information(0.0, 0.0)
    taken = _best_degrees(degrees, gain, sets)

    def told(weights: Floats) -> float:
        foretold = np.empty_like(gain)
        for place, terms in enumerate(degrees):
            columns = taken == place
            foretold[:, columns] = terms @ _fitted(terms, gain[:, columns], weights)
        total = weights.sum()
        return max(0.0, float(weights @ foretold.max(axis=1) / total - (weights @ foretold / total).max()))

    generator, cases = np.random.default_rng(0), len(gain)
    resampled = generator.multinomial(cases, np.full(cases, 1.0 / cases), _RESAMPLES).astype(np.float64)
    return Information(told(np.ones(cases)), float(np.std([told(weights) for weights in resampled], ddof=1)))


def _degrees_of(datum: Floats) -> list[Floats]:
    """Terms of regressions of a datum, each set with those before it: a constant, features, squares and products."""
    constant, first = np.ones((len(datum), 1)), _standardized(datum)
    if not first.shape[1]:
        return [constant]
    rows, columns = np.triu_indices(first.shape[1])
    second = _standardized(first[:, rows] * first[:, columns])
    linear = np.concatenate([constant, first], axis=1)
    return [constant, linear, np.concatenate([linear, second], axis=1)]


def _standardized(values: Floats) -> Floats:
    """Features with mean 0 and spread 1, none that does not vary."""
    spread, size = values.std(axis=0), np.abs(values).max(axis=0, initial=0.0)
    varies = spread > _CONSTANT * size
    kept: Floats = (values[:, varies] - values[:, varies].mean(axis=0)) / spread[varies]
    return kept


def _best_degrees(degrees: Sequence[Floats], gain: Floats, sets: Integers) -> Integers:
    """Degree of each choice that foretells best what is left out, whole sets at a time."""
    names = np.unique(sets)
    place = np.searchsorted(names, sets) if len(names) > 1 else np.arange(len(sets))
    folds = min(FOLDS, int(place.max()) + 1)
    errors = np.zeros((len(degrees), gain.shape[1]))
    for fold in range(folds):
        out = place % folds == fold
        for degree, terms in enumerate(degrees):
            fitted = _fitted(terms, gain, (~out).astype(np.float64))
            errors[degree] += ((gain[out] - terms[out] @ fitted) ** 2).sum(axis=0)
    best: Integers = errors.argmin(axis=0)
    return best


def _fitted(terms: Floats, gain: Floats, weights: Floats) -> Floats:
    """Coefficients of weighted least squares, (terms, choices)."""
    root = np.sqrt(weights)[:, None]
    fitted = np.linalg.lstsq(root * terms, root * gain, rcond=None)[0]
    return np.asarray(fitted, dtype=np.float64)
