"""Measures that a board asks for, recomputed from histories by plain pandas, formula by formula."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from conftest import small

from kamsim.experiments.jobs import Table, job_of, play_organizations
from kamsim.measures.board import category_spend
from kamsim.measures.outcomes import MEASURES
from kamsim.model.ensemble import Run
from kamsim.model.session import draw_world, simulate
from kamsim.scenario import Scenario
from kamsim.world.world import World

SEED, ORGANIZATIONS, YEARS_AFTER = 11, 4, 3
NAMES = [measure.name for measure in MEASURES]


class Played(NamedTuple):
    """A policy played in a world, as tables."""

    scenario: Scenario
    accounts: pd.DataFrame  # by year and number, with the year before beside it
    years: pd.DataFrame
    premium: float

    @property
    def launch(self) -> int:
        return self.scenario.timeline.history_years

    @property
    def first(self) -> int:
        return self.launch + self.scenario.timeline.warmup_years

    @property
    def window(self) -> pd.DataFrame:
        return self.accounts[self.accounts.year >= self.first]

    def by_year(self, figure: Callable[[pd.DataFrame], float]) -> float:
        """Mean of a figure over the years of the window that have it."""
        return pd.Series([figure(year) for _, year in self.window.groupby("year")], dtype=float).mean()


def tables_of(scenario: Scenario, world: World, run: Run) -> Played:
    """Everything that measures are told of, as tables."""
    history = run.history
    parts = []
    for year, rows in enumerate(history.accounts):
        part = pd.DataFrame({name: rows[name] for name in rows.dtype.names})
        quarters = np.arange(4 * year, 4 * year + 4)
        there = quarters[:, None] >= world.accounts["arrives"]
        part["category"] = (world.quarters["wallet"][quarters] * world.season[:, None] * there).sum(axis=0)
        part["came"] = world.accounts["arrives"] // 4
        parts.append(part.assign(year=year, number=np.arange(len(part))))
    accounts = pd.concat(parts, ignore_index=True)
    before = accounts.assign(year=accounts.year + 1)[["year", "number", "spend", "tier", "left"]]
    accounts = accounts.merge(before, on=["year", "number"], how="left", suffixes=("", "_before"))
    years = pd.DataFrame({name: history.years[name] for name in history.years.dtype.names})
    return Played(scenario, accounts, years, world.premium)


# ---------------------------------------------------------------- the formulas


def share(part: pd.Series, whole: pd.Series) -> float:
    """Ratio of sums; NaN of nothing."""
    return part.sum() / whole.sum() if len(whole) and whole.sum() > 0 else math.nan


def net_retention(year: pd.DataFrame) -> float:
    were = year[year.tier_before > 0]
    return share(were.spend, were.spend_before)


def gross_retention(year: pd.DataFrame) -> float:
    were = year[year.tier_before > 0]
    return share(were[["spend", "spend_before"]].min(axis=1), were.spend_before)


def churn(year: pd.DataFrame) -> float:
    were = year[(year.tier_before > 0) & (year.left_before == False)]  # noqa: E712
    return float(were.left.mean()) if len(were) else math.nan


def churn_by_spend(year: pd.DataFrame) -> float:
    were = year[year.tier_before > 0]
    leaving = were[were.left & (were.left_before == False)]  # noqa: E712
    return share(leaving.spend_before, were.spend_before)


def share_of_wallet(year: pd.DataFrame) -> float:
    key = year[year.tier > 0]
    return share(key.listed, key.category)


def sold(year: pd.DataFrame) -> pd.Series:
    spend = year.spend[year.tier >= 0]
    return spend / spend.sum()


def at_risk(year: pd.DataFrame) -> float:
    key = year[year.tier > 0]
    return float((key.risk * key.spend).sum()) if len(key) else math.nan


def overinvested(year: pd.DataFrame, margin: float) -> float:
    earned = margin * year.listed - (year.listed - year.spend) - year.cost_to_serve - year.investment
    return share(year.investment[(year.tier > 0) & (earned < 0)], year.investment)


def over_others(year: pd.DataFrame) -> float:
    settled = year[year.came < year.year - 1]
    key, others = settled[settled.tier > 0], settled[settled.tier == 0]
    if not key.spend_before.sum() or not others.spend_before.sum():
        return math.nan
    growth = [math.log(some.spend.sum() / some.spend_before.sum()) for some in (key, others)]
    return growth[0] - growth[1]


def gained(played: Played) -> float:
    """Share of wallet less what key accounts would buy at the share that they had when they were elevated."""
    rows = {(row.year, row.number): row for row in played.accounts.itertuples()}

    def then(year: int, number: int) -> float:
        last = max(y for y in range(year) if rows[y, number].tier <= 0)
        return rows[last, number].listed / rows[last, number].category

    def of(year: pd.DataFrame) -> float:
        key = year[year.tier > 0]
        usual = pd.Series([then(*row) for row in zip(key.year, key.number, strict=True)], index=key.index, dtype=float)
        return share(key.listed - usual * key.category, key.category)

    return played.by_year(of)


def elevations(played: Played) -> tuple[float, float]:
    """Part of elevated accounts that grew, and what all of them cost for each that did."""
    years = len(played.years)
    spend, tier, service = (
        played.accounts.pivot(index="number", columns="year", values=name) for name in ("spend", "tier", "investment")
    )
    hits, elevated, cost = 0, 0, 0.0
    for year in range(played.launch - 1, years - YEARS_AFTER):
        after = list(range(year + 1, year + 1 + YEARS_AFTER))
        new = (tier[year] == 0) & (tier[year + 1] > 0)
        elevated += int(new.sum())
        hits += int((spend.loc[new, after].mean(axis=1) > spend.loc[new, year]).sum())
        cost += played.years.elevation_cost[year] + service.loc[new, after].sum().sum()
    return hits / elevated if elevated else math.nan, cost / hits if hits else math.nan


def recomputed(played: Played) -> dict[str, float]:
    """Every measure that a board asks for."""
    margin, window = played.scenario.world.gross_margin, played.years[played.first :]
    with_quota = window[window.quota > 0]
    attained = with_quota.key_revenue / with_quota.quota - 1.0
    run = played.accounts[played.accounts.year >= played.launch]
    moves = played.years[played.launch - 1 :][["elevation_cost", "handover_cost"]]
    rate, each = elevations(played)
    growth = played.by_year(over_others)
    return {
        "program_spend": run.investment.sum() + moves.sum().sum(),
        "price_concessions": (run.listed - run.spend).sum(),
        "net_revenue_retention": played.by_year(net_retention),
        "gross_revenue_retention": played.by_year(gross_retention),
        "key_churn": played.by_year(churn),
        "key_churn_by_spend": played.by_year(churn_by_spend),
        "key_share_of_wallet": played.by_year(share_of_wallet),
        "key_share_gained": gained(played),
        "top_1_share": played.by_year(lambda year: sold(year).max()),
        "top_10_share": played.by_year(lambda year: sold(year).nlargest(10).sum()),
        "concentration": played.by_year(lambda year: (sold(year) ** 2).sum()),
        "revenue_at_risk": played.by_year(at_risk),
        "forecast_bias": attained.mean(),
        "forecast_error": attained.abs().mean(),
        "elevation_hit_rate": rate,
        "cost_per_hit": each,
        "overinvestment": played.by_year(lambda year: overinvested(year, margin)),
        "growth_over_others": growth,
        "expectation_gap": growth - played.premium,
    }


# ---------------------------------------------------------------- tests


def scenarios() -> list[Scenario]:
    """Policies of every kind, in worlds in which much happens: many leave, and some key accounts lose money."""
    names = ("no_program", "status_quo", "full_program", "population", "performance_retiering")
    longer = {"window_years": 6}
    lossy = {"gross_margin": 0.12, "hazard": 0.05, "arrival": 0.3}
    of_name = [small(name, timeline=longer) for name in names]
    return [*of_name, small("full_program", timeline=longer, **lossy), small(timeline={"warmup_years": 0}, **lossy)]


@pytest.fixture(scope="module")
def played() -> list[tuple[Played, dict[str, float]]]:
    """Tables of every policy and organization, and what the ensemble tells of them."""
    found = []
    for scenario in scenarios():
        (table,) = play_organizations([job_of(scenario)], SEED, 0, ORGANIZATIONS)
        for organization in range(ORGANIZATIONS):
            world = draw_world(scenario, seed=SEED, organization=organization)
            tables = tables_of(scenario, world, simulate(world, scenario))
            found.append((tables, told_of(table, organization)))
    return found


def told_of(table: Table, organization: int) -> dict[str, float]:
    return dict(zip(NAMES, table.outcomes[organization].tolist(), strict=True))


def test_every_measure_is_what_pandas_makes_of_the_history(played: list[tuple[Played, dict[str, float]]]) -> None:
    seen: dict[str, list[float]] = {}
    for tables, told in played:
        for name, expected in recomputed(tables).items():
            assert told[name] == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True), name
            seen.setdefault(name, []).append(told[name])
    asked = {measure.name for measure in MEASURES} - {
        *("key_revenue_growth", "total_profit", "quota_miss_rate", "rebuilds_per_seven_years", "collaboration"),
        "investment_in_shrinking",
    }
    assert set(seen) == asked
    # Each is told, and told apart: a formula that gives one number everywhere would show nothing.
    assert all(len(set(values) - {0.0}) >= 4 for values in seen.values()), {
        name: len(set(v)) for name, v in seen.items()
    }


def test_only_measures_that_need_a_program_lack_where_nobody_is_elevated(
    played: list[tuple[Played, dict[str, float]]],
) -> None:
    needing = {measure.name for measure in MEASURES if measure.needs_program}
    without = [told for tables, told in played if tables.scenario.name == "no_program"]
    assert without
    for told in without:
        assert {name for name, value in told.items() if math.isnan(value)} == needing


def test_category_spend_is_the_wallet_with_its_season_from_arrival_on() -> None:
    scenario = small(arrival=0.4)
    world = draw_world(scenario, seed=3)
    late = next(number for number, row in enumerate(world.accounts) if row.arrives % 4 == 2 and row.arrives < 20)
    year = int(world.accounts[late].arrives) // 4
    wallet = world.quarters["wallet"][:, late]
    expected = sum(wallet[4 * year + quarter] * world.season[quarter] for quarter in (2, 3))
    assert category_spend(world, late, year) == pytest.approx(expected, rel=1e-14)
    whole = sum(wallet[4 * year + 4 + quarter] * world.season[quarter] for quarter in range(4))
    assert category_spend(world, late, year + 1) == pytest.approx(whole, rel=1e-14)


def test_who_left_is_no_customer_in_the_next_year_and_who_did_not_is(
    played: list[tuple[Played, dict[str, float]]],
) -> None:
    leavers = 0
    for tables, _ in played:
        rows = tables.accounts[tables.accounts.tier >= 0]
        later = rows[rows.year < rows.year.max()]
        next_year = tables.accounts.set_index(["year", "number"]).tier
        after = next_year[list(zip(later.year + 1, later.number, strict=True))]
        assert ((after.to_numpy() < 0) == later.left.to_numpy()).all()
        leavers += int(later.left.sum())
    assert leavers > 50


def test_risk_is_the_chance_that_a_key_account_leaves_in_another_year() -> None:
    scenario = small("full_program", timeline={"window_years": 6}, hazard=0.05)
    at_risk, left = 0.0, 0
    for organization in range(150):
        world = draw_world(scenario, seed=SEED, organization=organization)
        accounts = simulate(world, scenario).history.accounts
        staying_key = (accounts["tier"] > 0) & ~accounts["left"]
        assert (accounts["risk"][staying_key] > 0).all()
        assert (accounts["risk"][~staying_key] == 0).all()
        at_risk += accounts["risk"][:-1].sum()
        left += int((staying_key[:-1] & accounts["left"][1:]).sum())
    assert left > 500
    # Trust and size move within the year: the chance is told as both are at its beginning.
    assert at_risk == pytest.approx(left, rel=0.15)
