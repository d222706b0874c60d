"""Measures that a board asks for, recomputed from histories by plain pandas, formula by formula."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from conftest import small

from kamsim.analysis.agreement import held
from kamsim.errors import KamsimError
from kamsim.experiments.jobs import Table, job_of, play_organizations
from kamsim.measures.board import category_spend
from kamsim.measures.choice import FILED, GROUPS, USUAL, chosen
from kamsim.measures.outcomes import MEASURES
from kamsim.measures.profit import TERMS, Account
from kamsim.model.ensemble import Run
from kamsim.model.session import draw_world, simulate
from kamsim.report.comparison import comparison_table
from kamsim.scenario import Scenario
from kamsim.studies.bridge import MONEY, money_of, payback_of
from kamsim.studies.compare import compare
from kamsim.studies.watch import play_run
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
    accounts["left"] = accounts.risk == 1.0
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
    return float((key.risk * key.spend)[~key.left].sum()) if len(key) else math.nan


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
        left_now = accounts["risk"] == 1.0
        staying_key = (accounts["tier"] > 0) & ~left_now
        assert (accounts["risk"][staying_key] > 0).all()
        assert (accounts["risk"][~staying_key & ~left_now] == 0).all()
        at_risk += accounts["risk"][:-1][staying_key[:-1]].sum()
        left += int((staying_key[:-1] & left_now[1:]).sum())
    assert left > 500
    # Trust and size move within the year: the chance is told as both are at its beginning.
    assert at_risk == pytest.approx(left, rel=0.15)


# ---------------------------------------------------------------- the bridge, return and payback


def test_the_bridge_adds_up_in_every_world_and_year() -> None:
    policies = [small(name, timeline={"window_years": 6}) for name in ("no_program", "status_quo", "full_program")]
    discounted = [policy.changed(timeline={"discount": 0.08}) for policy in policies]
    for played in (policies, discounted):
        tables = play_organizations([job_of(policy) for policy in played], SEED, 0, ORGANIZATIONS)
        total = NAMES.index("total_profit")
        for table in tables:
            terms = table.account[:, : len(TERMS)]
            one_by_one = terms[:, 0]
            for place in range(1, len(TERMS)):
                one_by_one = one_by_one + terms[:, place]
            np.testing.assert_array_equal(one_by_one, table.outcomes[:, total])  # to the last bit, in their order
            np.testing.assert_allclose(table.cumulated[:, -1], table.outcomes[:, total], rtol=1e-12)
        money = money_of(np.stack([table.account for table in tables], axis=1))
        np.testing.assert_allclose(money[..., MONEY.terms].sum(axis=-1), money[..., MONEY.total], rtol=0, atol=1e-11)


def test_profit_up_to_a_year_is_that_of_a_run_that_ends_there() -> None:
    scenario = small("full_program", timeline={"window_years": 6, "discount": 0.08})
    world = draw_world(scenario, seed=SEED)
    played = tables_of(scenario, world, simulate(world, scenario))
    (table,) = play_organizations([job_of(scenario)], SEED, 0, 1)
    margin, launch = scenario.world.gross_margin, played.launch
    rows, moves = played.accounts, played.years.elevation_cost + played.years.handover_cost
    earned = margin * rows.listed - (rows.listed - rows.spend) - rows.cost_to_serve - rows.investment
    profit = (earned.groupby(rows.year).sum() - moves)[launch:].to_numpy() / 1.08 ** np.arange(len(moves) - launch)
    profit[0] -= moves[launch - 1]
    np.testing.assert_allclose(table.cumulated[0], profit.cumsum(), rtol=1e-12)


def test_a_program_has_paid_back_from_the_year_on_from_which_there_is_no_loss() -> None:
    gain, half = np.array([-3.0, -1.0, 0.0, 2.0]), np.array([0.5, 1.0, 1.0, 1.0])
    assert payback_of(gain, half) == (3.0, 2.0, 4.0)
    never = payback_of(gain[:2], np.zeros(2))
    assert all(math.isnan(end) for end in never)
    assert payback_of(np.array([0.0, 1.0]), np.zeros(2)) == (1.0, 1.0, 1.0)
    # Whoever saves at first and loses in the end has paid nothing back.
    assert math.isnan(payback_of(np.array([0.0, -1.0]), np.zeros(2)).value)
    assert payback_of(np.array([1.0, -1.0, 1.0]), np.zeros(3)).value == 3.0


def test_a_comparison_tells_return_payback_and_net_present_value() -> None:
    policies = [small(name, timeline={"window_years": 6}) for name in ("no_program", "status_quo", "full_program")]
    told = compare(policies, replications=30, seed=SEED, jobs=1)
    tables = play_organizations([job_of(policy) for policy in policies], SEED, 0, 30)
    for place, worth in enumerate(told.worth, start=1):
        account = {name: tables[place].account[:, at].mean() for at, name in enumerate(Account._fields)}
        conceded = tables[0].account[:, 1].mean() - account["concessions"]
        spent = -(account["service"] + account["elevations"] + account["handovers"]) + conceded
        cumulated = (tables[place].cumulated - tables[0].cumulated).mean(axis=0)
        assert worth.cost == pytest.approx(spent, rel=1e-12)
        assert worth.net_present_value.value == pytest.approx(cumulated[-1], rel=1e-10)
        assert worth.returned.value == pytest.approx(cumulated[-1] / spent, rel=1e-10)
        reached = [year + 1 for year in range(len(cumulated)) if (cumulated[year:] >= 0.0).all()]
        assert worth.payback.value == reached[0] if reached else math.isnan(worth.payback.value)


# ---------------------------------------------------------------- which are shown


def test_measures_are_chosen_by_name_and_by_group_each_once_in_one_order() -> None:
    assert chosen(["collaboration,total_profit", "collaboration"]) == ("total_profit", "collaboration")
    assert chosen(["all"]) == tuple(NAMES)
    assert set(chosen(["board", "program", "customer"])) == set(NAMES)
    assert all(set(group) <= set(NAMES) for group in (*GROUPS.values(), USUAL, FILED))
    assert all(len(set(group)) == len(group) for group in GROUPS.values())
    assert not set(GROUPS) & set(NAMES)


@pytest.mark.parametrize(
    ("word", "nearest"), [("bord", "did you mean 'board'?"), ("key_chrun", "did you mean 'key_churn'?")]
)
def test_an_unknown_measure_or_group_is_named_with_the_nearest(word: str, nearest: str) -> None:
    with pytest.raises(KamsimError) as caught:
        chosen(["total_profit", word])
    assert str(caught.value) == f"'{word}' is no measure and no group of them; {nearest}"


def test_a_comparison_tells_every_measure_and_shows_those_that_are_asked_for() -> None:
    policies = [small(name) for name in ("no_program", "status_quo", "full_program")]
    usual, asked = (compare(policies, replications=10, jobs=1, measures=words) for words in (None, ["customer"]))
    for told in (usual, asked):
        rows = told.to_dict()["measures"]
        assert isinstance(rows, list)
        assert {row["measure"] for row in rows} == set(NAMES)
        assert len(rows) == 3 * len(NAMES)
    assert {row.measure for row in usual.measures} == set(FILED)
    assert {row.measure for row in asked.measures} == {*FILED, *GROUPS["customer"]}
    headings = [group.heading for group in comparison_table(usual).groups]
    assert [heading.split(",")[0].split(" (")[0] for heading in headings] == [
        *("Years that miss the quota", "Rebuilds in seven years", "Collaboration for key accounts"),
    ]
    assert len(comparison_table(asked).groups) == len(GROUPS["customer"])
    by_name = {(row.measure, row.scenario): row for row in (*asked.measures, *asked.others)}
    same = {(row.measure, row.scenario): row for row in (*usual.measures, *usual.others)}
    assert all(repr(by_name[key]) == repr(same[key]) for key in same)


def test_nobody_is_better_by_a_measure_of_which_neither_more_nor_less_is() -> None:
    neither = {measure.name for measure in MEASURES if measure.higher_is_better is None}
    assert "concentration" in neither
    told = compare([small(name) for name in ("no_program", "full_program")], replications=10, jobs=1)
    for row in (*told.measures, *told.others):
        assert math.isnan(row.probability_best) == (row.measure in neither) or math.isnan(row.mean), row.measure
    found = held(np.array([1.0, 2.0, 3.0]), np.ones(3), math.nan, 5)
    assert found.verdict == ""
    assert math.isnan(found.better)
    assert not math.isnan(found.low)


def test_a_run_tells_the_measures_of_the_ensemble() -> None:
    scenario = small("full_program")
    (table,) = play_organizations([job_of(scenario)], 5, 0, 1)
    told = play_run(scenario, seed=5).measures
    expected = {name: None if math.isnan(value) else value for name, value in told_of(table, 0).items()}
    assert told == expected
