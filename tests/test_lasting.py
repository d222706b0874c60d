"""Growth that lasts, told from what comes and goes."""

import numpy as np
import pytest

from kamsim.books.lasting import lasting_growth

ACCOUNTS, YEARS = 400, 9


def panel(seed: int, lasting: float, passing: float, own_season: float, multiple: np.ndarray) -> np.ndarray:
    """Spend by quarter of accounts that grow once a year for good, and otherwise vary by quarter, year and season."""
    draw = np.random.default_rng(seed)
    grown = np.zeros((ACCOUNTS, 4 * YEARS))
    for year in range(YEARS):
        quarter = 4 * year + draw.integers(0, 4, ACCOUNTS)
        jump = draw.laplace(0.0, lasting * multiple / np.sqrt(2.0))
        grown += jump[:, None] * (np.arange(4 * YEARS) >= quarter[:, None])
    season = np.tile(own_season * draw.normal(size=(ACCOUNTS, 4)), YEARS)
    return np.exp(grown + season + passing * draw.normal(size=grown.shape))


def test_what_lasts_is_told_whatever_comes_and_goes() -> None:
    multiple = np.exp(0.2 * np.random.default_rng(1).normal(size=ACCOUNTS))
    for passing, season in ((0.0, 0.0), (0.3, 0.0), (0.1, 0.4)):
        found = [lasting_growth(panel(seed, 0.2, passing, season, multiple), multiple) for seed in range(20)]
        sds = np.array([each.sd for each in found if each is not None])
        errors = np.array([each.error for each in found if each is not None])
        assert len(sds) == 20
        assert sds.mean() == pytest.approx(0.2, rel=0.06)
        # The error is that which there is, and intervals hold.
        assert np.median(errors) == pytest.approx(np.log(sds).std(), rel=0.6)
        assert (np.abs(np.log(sds / 0.2)) < 2.5 * errors).mean() >= 0.8


def test_short_books_and_few_steady_accounts_do_not_tell() -> None:
    multiple = np.ones(ACCOUNTS)
    whole = panel(1, 0.2, 0.1, 0.0, multiple)
    assert lasting_growth(whole[:, :19], multiple) is None
    assert lasting_growth(whole[:29], multiple[:29]) is None
    gaps = whole.copy()
    gaps[29:, 5] = 0.0
    assert lasting_growth(gaps, multiple) is None
    assert lasting_growth(whole[:30], multiple[:30]) is not None


def test_accounts_that_never_grow_tell_no_growth() -> None:
    assert lasting_growth(np.ones((40, 24)), np.ones(40)) is None
