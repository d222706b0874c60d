"""Facts about account books, recovered from planted panels."""

import math
import os
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamsim.books.facts import bootstrap_errors, facts_by_year, facts_of
from kamsim.errors import KamsimError
from kamsim.evidence import measure
from kamsim.evidence.book_facts import BookFact, book_facts
from kamsim.evidence.real_books import DECILES, MOMENTS
from kamsim.types import Floats

DATA = Path(os.environ.get("KAMSIM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
NAMES = {"steady": "iowa", "lively": "online_retail"}

LAPLACE = 1 / math.sqrt(2)  # scale of a Laplace variable of variance 1


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 1])


def grown(accounts: int, years: int, seed: int, growth_sd: float = 0.2, noise: float = 0.0) -> Floats:
    """Panel of accounts whose level grows by a Laplace variable at each new year, with white noise of quarters."""
    draws = random(seed)
    growth = growth_sd * draws.laplace(0.0, LAPLACE, (accounts, years))
    level = np.cumsum(growth, axis=1) + 1.2 * draws.standard_normal((accounts, 1))
    return np.exp(np.repeat(level, 4, axis=1) + noise * draws.standard_normal((accounts, 4 * years)))


def lively(accounts: int, years: int, seed: int) -> Floats:
    """Panel in which quarters and whole years are without orders."""
    draws = random(seed)
    panel = grown(accounts, years, seed, noise=0.3) * (draws.random((accounts, 4 * years)) < 0.8)
    return panel * np.repeat(draws.random((accounts, years)) < 0.9, 4, axis=1)


def by_decile(facts: dict[str, float], name: str) -> list[float]:
    return [facts[f"{name}_decile_{place}"] for place in range(1, 11)]


def assert_same(one: dict[str, float], other: dict[str, float]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert value == pytest.approx(other[name], rel=1e-6, abs=1e-9, nan_ok=True), name


# ---------------------------------------------------------------- growth


def test_permanent_laplace_growth_is_recovered() -> None:
    facts = facts_of(grown(40_000, 7, seed=1, growth_sd=0.2))
    assert facts["steady_growth_sd"] == pytest.approx(0.2, rel=0.01)
    assert facts["growth_sd"] == pytest.approx(0.2, rel=0.01)
    assert by_decile(facts, "growth_median") == pytest.approx([0.0] * 10, abs=0.005)
    assert facts["steady_growth_kurtosis"] == pytest.approx(3.0, abs=0.3)
    for span in (1, 2, 3, 5):
        assert facts[f"growth_variance_{span}"] == pytest.approx(0.04 * span, rel=0.03)
    assert facts["growth_variance_ratio"] == pytest.approx(5.0, rel=0.03)
    for lag in (1, 2, 3, 4):
        assert facts[f"growth_autocorrelation_{lag}"] == pytest.approx(0.0, abs=0.01)
    assert facts["size_exponent"] == pytest.approx(0.0, abs=0.01)
    assert facts["corrected_slope"] == pytest.approx(1.0, abs=0.005)
    assert facts["log_sd"] == pytest.approx(math.sqrt(1.44 + 0.04 * 4), rel=0.02)


@pytest.mark.parametrize("exponent", [-0.3, 0.1])
def test_the_size_exponent_is_recovered(exponent: float) -> None:
    draws = random(2)
    size = 1.2 * draws.standard_normal(40_000)
    growth = 0.2 * np.exp(exponent * size) * draws.laplace(0.0, LAPLACE, 40_000)
    panel = np.exp(np.repeat(np.column_stack([size, size + growth]), 4, axis=1))
    assert facts_of(panel)["size_exponent"] == pytest.approx(exponent, abs=0.02)


@pytest.mark.parametrize("slope", [0.8, 1.0])
def test_the_slope_is_corrected_for_white_noise_of_quarters(slope: float) -> None:
    draws = random(3)
    first = 0.5 * draws.standard_normal(40_000)
    level = np.column_stack([first, slope * first + 0.1 * draws.standard_normal(40_000)])
    panel = np.exp(np.repeat(level, 4, axis=1) + 0.3 * draws.standard_normal((40_000, 8)))
    before, after = np.log(panel.reshape(-1, 2, 4).sum(axis=2)).T
    raw = np.cov(before, after)[0, 1] / before.var()
    assert raw < 0.94 * slope
    assert facts_of(panel)["corrected_slope"] == pytest.approx(slope, abs=0.015)


def test_white_quarters_undo_half_of_their_growth_whatever_the_season() -> None:
    panel = grown(5_000, 3, seed=4, growth_sd=0.0, noise=0.2) * np.tile([1.0, 3.0, 0.5, 2.0], 3)
    facts = facts_of(panel)
    assert facts["quarterly_autocorrelation_1"] == pytest.approx(-0.5, abs=0.02)
    assert facts["quarterly_autocorrelation_2"] == pytest.approx(0.0, abs=0.02)
    assert facts["quarterly_autocorrelation_4"] == pytest.approx(0.0, abs=0.02)


def test_a_season_of_the_own_account_repeats_after_four_quarters() -> None:
    own = np.tile(0.5 * random(5).standard_normal((5_000, 4)), 2)
    facts = facts_of(np.exp(own))
    assert facts["quarterly_autocorrelation_4"] == pytest.approx(1.0)
    assert facts["steady_growth_sd"] == pytest.approx(0.0, abs=1e-12)


def test_growth_that_is_undone_is_told_apart_from_growth_that_stays() -> None:
    draws = random(6)
    log = draws.standard_normal((20_000, 1)) + 0.1 * draws.standard_normal((20_000, 7))
    facts = facts_of(np.exp(np.repeat(log, 4, axis=1)))
    assert facts["growth_variance_ratio"] == pytest.approx(1.0, abs=0.03)
    assert facts["growth_autocorrelation_1"] == pytest.approx(-0.5, abs=0.02)
    assert facts["growth_autocorrelation_2"] == pytest.approx(0.0, abs=0.02)


# ---------------------------------------------------------------- leaving, arriving, ordering


def test_who_leaves_comes_and_orders_is_counted_by_decile() -> None:
    spend = np.arange(1.0, 101.0)
    panel = np.repeat(spend[:, None], 8, axis=1)
    leaving = [place * 10 + rank for place in range(10) for rank in range(9 - place)]  # 9 of decile 1, 0 of decile 10
    panel[leaving, 4:] = 0.0
    panel[40:50, 1] = 0.0  # a quarter of decile 5, too little to change its rank
    panel[40:50, 0] *= 2.0
    newcomers = np.zeros((45, 8))
    newcomers[:, 4:] = 1000.0 + np.arange(45.0)[:, None]
    facts = facts_of(np.vstack([panel, newcomers]))
    assert by_decile(facts, "retained") == pytest.approx([place / 10 for place in range(1, 11)])
    assert facts["retained"] == pytest.approx(0.55)
    assert facts["new"] == pytest.approx(0.45)
    assert by_decile(facts, "new") == pytest.approx([0.0] * 5 + [0.5] + [1.0] * 4)
    assert facts["buyers_ratio"] == pytest.approx(1.0)
    assert facts["empty_quarters"] == pytest.approx(10 / 400)
    assert [facts[f"empty_quarters_decile_{place}"] for place in (1, 5, 10)] == pytest.approx([0.0, 0.25, 0.0])
    assert math.isnan(facts["returned"])


def test_growth_by_decile_is_of_those_who_bought_in_both_years() -> None:
    spend = np.arange(1.0, 101.0)
    panel = np.repeat(spend[:, None], 8, axis=1)
    decile = np.arange(100) // 10
    panel[:, 4:] *= np.exp((decile + 1) * np.tile([-0.01, 0.0, 0.02, 0.0, 0.03], 20))[:, None]
    panel[decile == 0, 4:] *= np.array([0.0] * 5 + [1.0] * 5)[:, None]
    facts = facts_of(panel)
    assert by_decile(facts, "growth_median") == pytest.approx([0.0] * 10)
    spread = np.std([-0.01, 0.0, 0.02, 0.0, 0.03] * 2, ddof=1)
    assert facts["growth_sd_decile_5"] == pytest.approx(5 * spread)
    assert facts["growth_sd_decile_10"] == pytest.approx(10 * spread)
    assert facts["growth_sd_decile_1"] == pytest.approx(np.std([-0.01, 0.0, 0.02, 0.0, 0.03], ddof=1))
    panel[decile == 9, 4:] *= math.exp(0.5)
    assert facts_of(panel)["growth_median_decile_10"] == pytest.approx(0.5)


def test_returners_are_counted_among_those_who_were_away_for_a_year() -> None:
    buys = np.array([[1, 0, 1, 1]] * 3 + [[1, 0, 0, 1]] * 5 + [[1, 1, 1, 1]] * 12 + [[0, 0, 1, 0]] * 4)
    values = facts_by_year(np.repeat(buys, 4, axis=1).astype(float))["returned"]
    assert values == pytest.approx([3 / 8, np.nan], nan_ok=True)
    assert facts_of(np.repeat(buys, 4, axis=1).astype(float))["returned"] == pytest.approx(3 / 8)


# ---------------------------------------------------------------- size and season


def test_season_is_recovered_whatever_the_book_grows_by() -> None:
    season = np.array([0.8, 0.9, 1.0, 1.3])
    panel = np.outer([1.0, 2.0, 7.0], np.tile(season, 3)) * np.repeat([1.0, 4.0, 9.0], 4)
    facts = facts_of(panel)
    assert [facts[f"season_{quarter}"] for quarter in (1, 2, 3, 4)] == pytest.approx(season)
    assert facts["gini"] == pytest.approx(0.4)
    assert facts["top_share"] == pytest.approx(0.7)


# ---------------------------------------------------------------- many books


def test_copies_of_a_book_in_other_money_have_its_facts() -> None:
    panel = lively(300, 6, seed=7)
    copies = np.vstack([panel, 3.0 * panel, 0.01 * panel])
    numbers = np.repeat([17, -4, 5], len(panel))
    order = random(8).permutation(len(copies))
    assert_same(facts_of(copies[order], numbers[order]), facts_of(panel))


def test_what_books_do_not_share_is_no_fact_of_their_accounts() -> None:
    parts = [grown(4_000, 3, seed=9 + number) * np.repeat([1.0, factor, factor**2], 4) for number, factor in FACTORS]
    facts = facts_of(np.vstack(parts), np.repeat([number for number, _ in FACTORS], 4_000))
    assert facts["steady_growth_sd"] == pytest.approx(0.2, rel=0.02)
    assert facts["growth_autocorrelation_1"] == pytest.approx(0.0, abs=0.03)
    assert facts["log_sd"] == pytest.approx(math.sqrt(1.44 + 0.04 * 2), rel=0.02)


FACTORS = ((0, 0.5), (1, 1.0), (2, 4.0))


# ---------------------------------------------------------------- of any panel


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 80), st.integers(2, 6), st.floats(1e-6, 1e6))
def test_facts_know_no_money_and_no_order_of_accounts(seed: int, accounts: int, years: int, money: float) -> None:
    panel = lively(accounts, years, seed)
    facts = facts_of(panel)
    assert_same(facts_of(panel[random(seed).permutation(accounts)]), facts)
    if accounts > 20:  # of a handful, spreads are zero but for rounding
        assert_same(facts_of(money * panel), facts)
    for name, value in facts.items():
        if name.startswith(("retained", "new", "empty_quarters", "returned", "gini", "top_share")):
            assert math.isnan(value) or 0 <= value <= 1, name


def test_names_are_the_same_for_every_panel_and_what_cannot_be_told_is_nan() -> None:
    names = list(facts_of(lively(200, 7, seed=12)))
    assert len(names) == len(set(names)) == 65
    nobody = facts_of(np.zeros((5, 8)))
    assert list(nobody) == names
    assert all(math.isnan(value) for value in nobody.values())
    assert list(facts_of(np.zeros((0, 12)))) == names
    two_years = facts_of(grown(500, 2, seed=13, noise=0.2))
    unknown = {name for name, value in two_years.items() if math.isnan(value)}
    assert unknown == {
        "returned",
        *(f"growth_variance_{span}" for span in (2, 3, 5)),
        "growth_variance_ratio",
        *(f"growth_autocorrelation_{lag}" for lag in (1, 2, 3, 4)),
    }


@pytest.mark.parametrize("quarters", [4, 10, 0])
def test_a_panel_of_less_than_two_years_or_of_a_part_of_one_is_refused(quarters: int) -> None:
    with pytest.raises(KamsimError, match=f"panel: {quarters} quarters are"):
        facts_of(np.ones((3, quarters)))


# ---------------------------------------------------------------- errors


def test_bootstrap_errors_are_those_of_known_statistics() -> None:
    panel = np.repeat(np.exp(random(14).standard_normal((400, 1))), 8, axis=1)
    panel *= np.exp(0.3 * np.repeat(random(15).standard_normal((400, 2)), 4, axis=1))
    panel[:100, 4:] = 0.0
    errors, facts = bootstrap_errors(panel, 400, 1), facts_of(panel)
    assert list(errors) == list(facts)
    assert errors["retained"] == pytest.approx(math.sqrt(0.75 * 0.25 / 400), rel=0.15)
    assert errors["growth_sd"] == pytest.approx(facts["growth_sd"] / math.sqrt(2 * 300), rel=0.15)
    assert math.isnan(errors["returned"])
    assert_same(bootstrap_errors(panel, 5, 3), bootstrap_errors(panel, 5, 3))
    assert bootstrap_errors(panel, 5, 3)["retained"] != bootstrap_errors(panel, 5, 4)["retained"]


# ---------------------------------------------------------------- two real books


@pytest.mark.parametrize("book", NAMES)
def test_the_frozen_facts_agree_with_the_moments_of_the_evidence(book: str) -> None:
    facts = book_facts(book)
    moments = {(row.accounts, row.moment): (row.low, row.high) for row in MOMENTS if row.book == NAMES[book]}
    assert facts["retained"][1:3] == moments["all", "retained"]
    assert facts["growth_sd"][1:3] == pytest.approx(moments["all", "growth_sd"], rel=0.002)
    assert facts["steady_growth_sd"][1:3] == pytest.approx(moments["steady", "growth_sd"], rel=0.002)
    for fact in ("gini", "top_share", "log_sd"):  # of every year, moments of every first one of a pair
        low, high = moments["all", fact]
        assert facts[fact].low <= low * 1.001
        assert facts[fact].high >= high * 0.999
    for row in DECILES:
        names = {"retention": "retained_decile", "growth": "growth_median_decile"}
        if row.book == NAMES[book] and row.table in names:
            own = [facts[f"{names[row.table]}_{place}"] for place in range(1, 11)]
            assert ([fact.low for fact in own], [fact.high for fact in own]) == (list(row.low), list(row.high))


def test_the_frozen_facts_have_the_names_of_facts_and_values_within_their_ranges() -> None:
    names = set(facts_of(lively(200, 7, seed=16)))
    steady, few = book_facts("steady"), book_facts("lively")
    assert set(steady) == names
    assert set(few) < names
    assert len(few) == len(names) - 9
    for fact in (*steady.values(), *few.values()):
        assert fact.low <= fact.value <= fact.high
        assert fact.error > 0


@pytest.mark.parametrize("book", NAMES)
def test_the_frozen_facts_are_what_the_real_books_say(book: str) -> None:
    path = DATA / measure.FILES[book]
    if not path.exists():
        pytest.skip(f"the real book {path.name} is not here; set KAMSIM_DATA to the folder that holds it")
    seen, known = measure.measured(measure.panel_of(path)), book_facts(book)
    assert seen.keys() == known.keys()
    for name, fact in seen.items():
        assert fact == pytest.approx(known[name], abs=0.6e-4), name


def test_measuring_writes_what_the_loader_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in measure.FILES.values():
        panel = lively(40, 3, seed=17)
        rows = [
            f"A{account},{2010 + quarter // 4}Q{quarter % 4 + 1},{spend!r}"
            for account, spends in enumerate(panel.tolist())
            for quarter, spend in enumerate(spends)
        ]
        (tmp_path / file).write_text("\n".join(["account_id,quarter,spend", *rows, "A0,2013Q1,5"]))
    monkeypatch.setattr(measure, "SHIPPED", tmp_path / "book_facts.toml")
    measure.main(tmp_path)
    written = tomllib.loads((tmp_path / "book_facts.toml").read_text(encoding="utf-8"))
    assert list(written) == ["steady", "lively"]
    facts = facts_of(panel[panel.any(axis=1)])
    assert list(written["lively"]) == [name for name, value in facts.items() if not math.isnan(value)]
    for name, numbers in written["lively"].items():
        assert BookFact(*numbers).value == pytest.approx(facts[name], abs=0.6e-4), name
