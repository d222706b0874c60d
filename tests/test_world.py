"""A world is drawn once: draws are named, follow their laws, and nothing else changes them."""

import math
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from conftest import SHORT, assert_same_bits, examples, scenarios, seeds, small
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from kamsim import Scenario, draw_world, load_scenario, read_book, shipped_scenarios, simulate
from kamsim.errors import KamsimError
from kamsim.experiments.jobs import Table, job_of, play_organizations
from kamsim.policy.policy import LeverMix, Levers, drawn_levers, lever_mix_of
from kamsim.rules.spend import share_ceiling, share_target
from kamsim.scenario import LEVERS, scenario_folder
from kamsim.world import draws
from kamsim.world.customers import NEVER, draw_name
from kamsim.world.draws import between_bounds, laplace_quantile, normal, normal_quantile, uniform, words
from kamsim.world.known import known_from, nothing_known
from kamsim.world.laws import ALIGNMENT_BOUNDS, SHARE_BASE_BOUNDS, SKILL_LEAST, TIE_BOUNDS, TRUST_BOUNDS
from kamsim.world.world import World, split_seed

EXAMPLE_BOOK = scenario_folder() / "example_book.csv"

# ---------------------------------------------------------------- the generator

ONES = 0xFFFFFFFF
KNOWN_ANSWERS = [
    ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES, ONES), (ONES, ONES, ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0xA4093822, 0x299F31D0),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@numba.njit
def words_compiled(key: tuple[int, int], counter: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return words(key[0], key[1], counter[0], counter[1], counter[2], counter[3])


@numba.njit
def normals_compiled(many: Any) -> Any:
    drawn = np.empty(len(many))
    for place in range(len(many)):
        drawn[place] = normal(many[place])
    return drawn


@pytest.mark.parametrize(("key", "counter", "answer"), KNOWN_ANSWERS)
def test_words_are_those_of_philox_4x32_10(key: Any, counter: Any, answer: Any) -> None:
    assert words(*key, *counter) == answer
    assert words_compiled(key, counter) == answer


@settings(max_examples=200)
@given(st.lists(st.integers(0, ONES), min_size=6, max_size=6))
def test_words_are_the_same_compiled_and_not(six: list[int]) -> None:
    key, counter = (six[0], six[1]), (six[2], six[3], six[4], six[5])
    assert words(*key, *counter) == words_compiled(key, counter)


def test_a_uniform_number_never_reaches_zero_or_one() -> None:
    assert 0 < uniform(0) < 2**-32
    assert 1 - 2**-32 < uniform(ONES) < 1
    assert uniform(0) == pytest.approx(1 - uniform(ONES), rel=1e-6)
    assert uniform(2**31) + uniform(2**31 - 1) == 1.0


def test_normal_quantiles_are_those_of_scipy() -> None:
    many = np.unique(np.concatenate([np.arange(2000), ONES - np.arange(2000), np.linspace(0, ONES, 20_001)]))
    many = many.astype(np.int64)
    exact = special.ndtri((many + 0.5) / 2.0**32)
    ours = np.array([normal(int(word)) for word in many])
    assert np.abs(ours - exact).max() < 1e-6
    assert np.abs(ours).max() < 6.4
    np.testing.assert_array_equal(ours, normals_compiled(many))
    assert normal_quantile(0.5) == 0.0


@numba.njit
def laplace_compiled(probability: float) -> float:
    return laplace_quantile(probability)


@settings(max_examples=300)
@given(st.integers(0, ONES))
def test_laplace_quantiles_are_those_of_scipy(word: int) -> None:
    probability = uniform(word)
    drawn = laplace_quantile(probability)
    assert drawn == pytest.approx(stats.laplace(scale=math.sqrt(0.5)).ppf(probability), rel=1e-9, abs=1e-12)
    assert drawn == -laplace_quantile(uniform(ONES - word))
    assert drawn == laplace_compiled(probability)


def test_laplace_numbers_have_variance_1_and_fat_tails() -> None:
    drawn = np.array([laplace_quantile((place + 0.5) / 100_000) for place in range(100_000)])
    assert laplace_quantile(0.5) == 0.0
    assert drawn.mean() == pytest.approx(0.0, abs=1e-12)
    assert drawn.var() == pytest.approx(1.0, abs=2e-3)
    assert stats.kurtosis(drawn) == pytest.approx(3.0, abs=0.02)


def test_a_value_outside_its_bounds_moves_to_the_nearest() -> None:
    assert [between_bounds(value, -1.0, 2.0) for value in (-3.0, -1.0, 0.5, 2.0, 9.0)] == [-1.0, -1.0, 0.5, 2.0, 2.0]


def test_a_seed_has_two_halves() -> None:
    assert split_seed(0) == (0, 0)
    assert split_seed(2**32 + 7) == (7, 1)
    assert split_seed(2**64 - 1) == (ONES, ONES)
    for seed in (-1, 2**64):
        with pytest.raises(KamsimError, match="seed"):
            split_seed(seed)


def test_every_mechanism_has_a_number_of_its_own() -> None:
    numbers = [value for name, value in vars(draws).items() if name.isupper() and not name.startswith("_")]
    assert len(numbers) == len(set(numbers)) >= 20


# ---------------------------------------------------------------- nothing else changes a draw


def later(name: str = "status_quo", **timeline: int) -> Scenario:
    return small(name, timeline=timeline)


# What an account costs and pays is told against the others of its book.
OWN = [name for name in (draw_world(small(), seed=1).accounts.dtype.names or ()) if name not in ("cost", "concession")]


def in_both(few: World, many: World) -> tuple[Any, Any]:
    """Numbers in either world of the accounts that come in the smaller one: of the first book, and later."""
    number = np.arange(len(few.accounts))
    year, place = np.divmod(number - few.first, max(1, few.newcomers))
    other = np.where(number < few.first, number, many.first + year * many.newcomers + place)
    come = few.accounts["arrives"] < NEVER
    return number[come], other[come]


def assert_same_draws(few: World, many: World) -> None:
    """All that a shorter, smaller world has is the same in a larger one, the mix of needs apart."""
    (quarters, kams), functions = few.kam_quarters.shape, len(few.alignment)
    here, there = in_both(few, many)
    assert_same_bits(few.accounts[OWN][here], many.accounts[OWN][there])
    assert_same_bits(few.quarters[:, here], many.quarters[:quarters, there])
    assert_same_bits(few.readings[:, here], many.readings[: quarters // 4, there])
    # Costs are told against their mean by spend, which another account moves: all by one factor.
    cost, other = few.accounts["cost"][here], many.accounts["cost"][there]
    np.testing.assert_allclose(cost * other[0], other * cost[0], rtol=1e-12)
    of_many = (
        many.skill[:kams],
        many.tie[:kams, :functions],
        many.kam_quarters[:quarters, :kams],
        many.report_draw[: quarters // 4, :kams],
        many.buyer_leaves[:quarters, there],
        many.tenders[: quarters // 4, there],
        many.alignment[:functions],
        (many.market_growth, many.premium, many.prioritizes_returns, many.patience, many.season),
    )
    of_customers = few.buyer_leaves[:, here], few.tenders[:, here]
    of_few = few.skill, few.tie, few.kam_quarters, few.report_draw, *of_customers, few.alignment
    assert_same_bits(
        (*of_few, (few.market_growth, few.premium, few.prioritizes_returns, few.patience, few.season)), of_many
    )


@pytest.mark.parametrize(
    "larger",
    [
        {"accounts": 41},
        {"accounts": 90},
        {"accounts_per_kam": 0.5},
        {"functions": 9},
        {"accounts": 55, "functions": 5, "accounts_per_kam": 1.0},
    ],
)
def test_more_accounts_functions_or_kams_change_no_other_draw(larger: dict[str, Any]) -> None:
    few = draw_world(small(), seed=5, organization=3)
    many = draw_world(small(**larger), seed=5, organization=3)
    assert_same_draws(few, many)
    here, there = in_both(few, many)
    assert (here >= 40).any()
    if "functions" not in larger:
        assert_same_bits(few.need_mix[here], many.need_mix[there])
    else:
        # Needs are parts of a whole: with more functions they keep their proportions.
        kept = many.need_mix[there, :4]
        np.testing.assert_allclose(few.need_mix[here], kept / kept.sum(axis=1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("longer", [{"window_years": 4}, {"warmup_years": 5, "window_years": 9}, {"history_years": 6}])
def test_a_longer_horizon_changes_no_other_draw(longer: dict[str, int]) -> None:
    short, long = (draw_world(later(**timeline), seed=5, organization=3) for timeline in ({}, longer))
    assert_same_draws(short, long)
    # Nor does it move an account: slots of later years come last.
    slots = len(short.accounts)
    assert_same_bits((short.accounts, short.need_mix), (long.accounts[:slots], long.need_mix[:slots]))


@examples(20)
@given(scenarios(), seeds())
def test_one_more_account_changes_no_other_draw_in_random_worlds(scenario: Scenario, seed: int) -> None:
    one_more = scenario.changed(world={"accounts": scenario.world.accounts + 1})
    few, many = draw_world(scenario, seed=seed), draw_world(one_more, seed=seed)
    assert_same_draws(few, many)
    here, there = in_both(few, many)
    assert_same_bits(few.need_mix[here], many.need_mix[there])


@given(st.integers(2, 100_000), st.integers(1, 100_001), st.data())
def test_no_two_accounts_draw_by_one_name_and_new_ones_keep_theirs_in_a_larger_book(
    first: int, newcomers: int, data: st.DataObject
) -> None:
    slots = st.integers(0, first + 150 * newcomers - 1)
    one, other = data.draw(slots), data.draw(slots)
    assert (draw_name(one, first, newcomers) == draw_name(other, first, newcomers)) == (one == other)
    assert 0 <= draw_name(one, first, newcomers) < 2**32
    if one >= first:
        year, place = divmod(one - first, newcomers)
        more = first + 5, newcomers + 1
        assert draw_name(more[0] + year * more[1] + place, *more) == draw_name(one, first, newcomers)


@pytest.mark.parametrize("name", shipped_scenarios())
def test_the_policy_changes_no_draw(name: str) -> None:
    scenario = small(name)
    usual = small().model_copy(update={"world": scenario.world})
    assert_same_bits(draw_world(usual, seed=5), draw_world(scenario, seed=5))


def test_playing_a_policy_leaves_the_world_as_it_was() -> None:
    world = draw_world(small(), seed=5)
    simulate(world, small("full_program"), trace=True)
    simulate(world, small("spend_retiering"))
    assert_same_bits(world, draw_world(small(), seed=5))


def test_other_seeds_and_organizations_are_other_worlds() -> None:
    names = [(1, 0), (2, 0), (1, 1), (1 + 2**32, 0), (0, 1)]
    worlds = [draw_world(small(), seed=seed, organization=organization) for seed, organization in names]
    for place, one in enumerate(worlds):
        for other in worlds[:place]:
            assert (one.quarters["wallet"][:, :40] != other.quarters["wallet"][:, :40]).all()
            assert (one.quarters["level"][:, :40] != other.quarters["level"][:, :40]).all()
            assert (one.accounts["fit"] != other.accounts["fit"]).all()
            assert (one.need_mix != other.need_mix).all()
            assert (one.kam_quarters["leave"] != other.kam_quarters["leave"]).all()
            assert one.premium != other.premium


# ---------------------------------------------------------------- any grouping, any order


def rows(table: Table, place: int = 0, count: int | None = None) -> tuple[Any, ...]:
    return tuple(column[place:count] for column in table)


def test_organizations_are_the_same_whatever_is_played_with_them() -> None:
    names = ("status_quo", "population", "full_program", "spend_retiering", "no_program")
    jobs = {name: job_of(small(name, timeline={"window_years": 2}, accounts=24)) for name in names}
    jobs["elsewhere"] = job_of(small(accounts=30))
    alone = {name: play_organizations([job], 9, 0, 6)[0] for name, job in jobs.items()}
    together = play_organizations(list(jobs.values()), 9, 0, 6)
    backward = play_organizations(list(jobs.values())[::-1], 9, 0, 6)[::-1]
    for name, one, other in zip(jobs, together, backward, strict=True):
        assert_same_bits(rows(alone[name]), rows(one))
        assert_same_bits(rows(alone[name]), rows(other))
    for first, count in ((0, 1), (2, 3), (5, 1)):
        for name, table in zip(jobs, play_organizations(list(jobs.values()), 9, first, count), strict=True):
            assert_same_bits(rows(table), rows(alone[name], first, first + count))
    assert len({np.nan_to_num(table.outcomes).tobytes() for table in alone.values()}) == len(alone)


def test_a_chunk_is_what_single_runs_are() -> None:
    scenario = small("population")
    table = play_organizations([job_of(scenario)], 4, 0, 6)[0]
    for organization in range(6):
        named = {"seed": 4, "organization": organization}
        years = simulate(draw_world(scenario, **named), scenario).history.years[3:]
        assert table.answers[organization, 1] == years["missed"].sum()
        assert table.answers[organization, 2] == years["rebuilt"].sum()
        low, high = split_seed(4)
        levers = drawn_levers(low, high, organization, lever_mix_of(scenario.population), Levers(0, 0, 0, 0, False))
        assert table.levers[organization].tolist() == list(levers[:4])


# ---------------------------------------------------------------- laws


@pytest.fixture(scope="module")
def large() -> World:
    """The default world with 4,000 accounts and many KAMs."""
    world = {"accounts": 4000, "budgeted_seats": 2000, "accounts_per_kam": 1.0}
    return draw_world(load_scenario("status_quo").changed(world=world, timeline=SHORT), seed=12)


def assert_follows(sample: Any, law: Any) -> None:
    """Kolmogorov-Smirnov: a wrong law of this size of sample has a probability far below one in a million."""
    assert stats.kstest(np.ravel(sample), law).pvalue > 1e-3


def test_fit_is_beta_2_2(large: World) -> None:
    assert_follows(large.accounts["fit"], stats.beta(2, 2).cdf)


def test_needs_are_dirichlet_1(large: World) -> None:
    np.testing.assert_allclose(large.need_mix.sum(axis=1), 1.0, rtol=1e-12)
    for function in range(4):
        assert_follows(large.need_mix[:, function], stats.beta(1, 3).cdf)
    correlation = np.corrcoef(large.need_mix.T)
    np.testing.assert_allclose(correlation[np.triu_indices(4, 1)], -1 / 3, atol=0.06)


def test_wallets_are_lognormal_about_a_median_of_1(large: World) -> None:
    defaults = load_scenario("status_quo").world
    assert_follows(large.accounts["log_wallet"][:4000] + math.log(4), stats.norm(0, defaults.wallet_sigma).cdf)


def test_growth_is_permanent_once_a_year_laplace_and_smaller_for_large_wallets(large: World) -> None:
    defaults = load_scenario("status_quo").world
    wallets = large.quarters["wallet"][:, :4000]
    change = np.diff(np.log(wallets), axis=0)
    # Three of four accounts go with the market in a quarter.
    market = np.median(change, axis=1, keepdims=True)
    jumps = (change - market)[3:].reshape(5, 4, 4000)
    jumped = np.abs(jumps) > 1e-12
    assert (jumped.sum(axis=1) == 1).all()
    assert stats.chisquare(jumped.sum(axis=(0, 2))).pvalue > 1e-3
    before = 4 * (wallets[:-1] * np.exp(market))[3:].reshape(5, 4, 4000)
    spread = defaults.growth_sd * np.clip(before**-defaults.growth_size, 0.4, 2.5)
    assert_follows((jumps / spread)[jumped], stats.laplace(scale=math.sqrt(0.5)).cdf)
    yearly = jumps.sum(axis=1)
    assert np.abs(np.corrcoef(yearly) - np.eye(5)).max() < 0.07
    large_half = large.accounts["log_wallet"][:4000] > -math.log(4)
    assert yearly[:, large_half].std() < 0.95 * yearly[:, ~large_half].std()


def test_industry_shocks_are_shared_by_all_accounts() -> None:
    world = {"accounts": 2, "growth_sd": 0.0, "industry_shock_sd": 0.03, "market_growth": 0.04}
    long = {"warmup_years": 0, "window_years": 100}
    wallets = draw_world(small(timeline=long, **world), seed=3).quarters["wallet"][:, :2]
    change = np.diff(np.log(wallets), axis=0)
    np.testing.assert_allclose(change[:, 0], change[:, 1], rtol=1e-9, atol=1e-12)
    assert_follows(change[:, 0], stats.norm(0.01, 0.03).cdf)


def test_draws_behind_orders_and_leaving_are_uniform_and_independent(large: World) -> None:
    level, leave = (large.quarters[name][:, :4000] for name in ("level", "leave"))
    assert_follows(level, "uniform")
    assert_follows(np.exp(leave) * load_scenario("status_quo").world.hazard, "uniform")
    some = large.quarters[5, :500]
    assert some["score"].tolist() == [normal_quantile(number) for number in some["level"].tolist()]
    both = np.concatenate([level[:8], leave[:8]])
    assert np.abs(np.corrcoef(both) - np.eye(16)).max() < 0.08


def test_new_accounts_come_at_their_rate_all_year_round(large: World) -> None:
    defaults = load_scenario("status_quo").world
    born = large.accounts[4000:].reshape(6, large.newcomers)
    come = born["arrives"] < NEVER
    assert (np.abs(come.sum(axis=1) - 4000 * defaults.arrival) < 1).all()
    assert (born["arrives"][come] // 4 == np.repeat(np.arange(6), come.sum(axis=1))).all()
    assert stats.chisquare(np.bincount(born["arrives"][come] % 4)).pvalue > 1e-3
    assert (large.accounts["arrives"][:4000] == 0).all()
    # Nothing is drawn of a quarter in which an account is no customer.
    quarters = np.arange(24)[:, None]
    absent = quarters < large.accounts["arrives"]
    assert not large.quarters["wallet"][absent].any()
    assert (large.quarters["wallet"][~absent] > 0).all()


def test_arrivals_round_up_as_often_as_their_rate_says() -> None:
    few = small(accounts=3, arrival=0.25, timeline={"window_years": 100})
    come = [
        (draw_world(few, seed=2, organization=number).accounts["arrives"][3:].reshape(-1, 1) < NEVER).sum()
        for number in range(10)
    ]
    years, chance = 10 * 103, 0.75
    assert abs(sum(come) - years * chance) < 4 * math.sqrt(years * chance * (1 - chance))


def test_new_accounts_are_smaller_and_give_a_part_of_their_share_at_rest(large: World) -> None:
    defaults = load_scenario("status_quo").world
    born = large.accounts[4000:]
    assert_follows(born["log_wallet"] + math.log(4) - defaults.new_size, stats.norm(0, defaults.wallet_sigma).cdf)
    for accounts, part in ((large.accounts[:4000], 1.0), (born, defaults.new_share)):
        reached = np.minimum(1.0, accounts["share_base"] + defaults.share_trust * defaults.trust_mean)
        np.testing.assert_allclose(accounts["share"], part * accounts["ceiling"] * reached, rtol=1e-12)
        ceiling = defaults.ceiling_base + defaults.ceiling_fit * accounts["fit"]
        np.testing.assert_allclose(accounts["ceiling"], ceiling, rtol=1e-12)
    np.testing.assert_allclose(born["concession"], defaults.base_concession * defaults.bargaining_base, rtol=1e-12)


def test_a_new_account_comes_with_a_wallet_that_has_gone_with_the_market() -> None:
    world = draw_world(small(market_growth=0.04, growth_sd=0.0, industry_shock_sd=0.0), seed=3)
    later = np.flatnonzero((world.accounts["arrives"] > 0) & (world.accounts["arrives"] < NEVER))
    assert len(later) > 10
    for number in later:
        arrives = world.accounts["arrives"][number]
        quarters = np.arange(arrives, 24)
        expected = np.exp(world.accounts["log_wallet"][number] + 0.01 * (quarters + 1))
        np.testing.assert_allclose(world.quarters["wallet"][arrives:, number], expected, rtol=1e-12)


def test_will_is_about_fit_and_told_with_an_error(large: World) -> None:
    defaults = load_scenario("status_quo").world
    fit, will, told = (large.accounts[name] for name in ("fit", "will", "will_told"))
    for truth, said, spread in ((fit, will, defaults.will_sd), (will, told, defaults.will_noise)):
        # What would lie outside is moved to the bound: seen from the middle all is normal.
        middle = (truth > 0.45) & (truth < 0.55)
        assert_follows(np.clip((said - truth)[middle], -0.44, 0.44), _clipped(stats.norm(0, spread), 0.44))
        assert said.min() == 0.0
        assert said.max() == 1.0


def _clipped(law: Any, bound: float) -> Any:
    return lambda x: np.where(x >= bound, 1.0, law.cdf(x))


def test_costs_to_serve_are_lognormal_and_their_mean_by_spend_is_what_is_said(large: World) -> None:
    defaults = load_scenario("status_quo").world
    log_cost = np.log(large.accounts["cost"])
    assert log_cost.std() == pytest.approx(defaults.serve_cost_sd, rel=0.03)
    assert_follows((log_cost - log_cost.mean()) / log_cost.std(), "norm")
    assert np.corrcoef(log_cost, large.accounts["log_wallet"])[0, 1] == pytest.approx(0.0, abs=0.05)


@examples(60)
@given(scenarios(), seeds())
def test_the_mean_cost_to_serve_of_the_first_book_is_the_same_in_every_world(scenario: Scenario, seed: int) -> None:
    born = draw_world(scenario, seed=seed).accounts[: scenario.world.accounts]
    spend = 4 * np.exp(born["log_wallet"]) * born["share"]
    assert (spend * born["cost"]).sum() == pytest.approx(scenario.world.serve_cost * spend.sum(), rel=1e-9)


def test_the_mean_cost_to_serve_of_a_real_book_is_that_too() -> None:
    scenario, book = small(serve_cost=0.3), read_book(EXAMPLE_BOOK)
    for organization in range(5):
        born = draw_world(scenario, seed=1, organization=organization, book=book).accounts
        costs = born["cost"][: len(book.annual_spend)]
        assert book.quarters is not None
        assert np.average(costs, weights=book.quarters.spend[:, -4:].sum(axis=1)) == pytest.approx(0.3, rel=1e-12)


@given(st.lists(st.just(0.0) | st.floats(1e-6, 4), min_size=4, max_size=4))
def test_the_season_has_a_mean_of_1(index: list[float]) -> None:
    season = draw_world(small(accounts=2, **{f"season_{place + 1}": index[place] for place in range(4)}), seed=1).season
    if any(index):
        assert season.mean() == pytest.approx(1.0, rel=1e-12)
        np.testing.assert_allclose(season * np.mean(index), index, rtol=1e-12)
    else:
        assert (season == 1.0).all()


def test_customers_leave_at_their_chance_for_good() -> None:
    chance = {"hazard": 0.03, "hazard_size": 0.0, "hazard_trust": 0.0}
    scenario = small("no_program", accounts=2000, **chance)
    world = draw_world(scenario, seed=8)
    tier = simulate(world, scenario).history.accounts["tier"]
    there = (tier[:-1] == 0) & (world.accounts["arrives"] < 4 * np.arange(5)[:, None] + 1)
    left = there & (tier[1:] < 0)
    expected = 1 - 0.97**4
    assert abs(left.sum() - there.sum() * expected) < 4 * math.sqrt(there.sum() * expected * (1 - expected))
    gone = np.logical_or.accumulate((tier[:-1] == 0) & (tier[1:] < 0), axis=0)
    assert (tier[1:][gone] == -1).all()


def test_small_and_distrustful_customers_leave_more_often() -> None:
    scenario = small("no_program", accounts=4000, trust_drift=0.0, hazard=0.02, hazard_size=0.5, hazard_trust=3.0)
    world = draw_world(scenario, seed=8)
    tier = simulate(world, scenario).history.accounts["tier"][:, :4000]
    rate = 4 * np.exp(world.accounts["log_wallet"]) * world.accounts["share"]
    trust = world.accounts["trust"]
    hazard = (
        0.02 * np.minimum(8, (rate[:4000] / 0.35) ** -0.5) * np.exp(3.0 * (scenario.world.trust_mean - trust[:4000]))
    )
    chance = 1 - (1 - np.minimum(1, hazard)) ** 4
    left = tier[1] < 0
    for part in (hazard < np.median(hazard), hazard >= np.median(hazard)):
        spread = math.sqrt((chance[part] * (1 - chance[part])).sum())
        assert abs(left[part].sum() - chance[part].sum()) < 4 * spread


def test_people_and_functions_are_normal_within_bounds(large: World) -> None:
    defaults = load_scenario("status_quo").world
    samples = [
        (large.accounts["trust"], defaults.trust_mean, defaults.trust_sd, *TRUST_BOUNDS),
        (large.accounts["share_base"], defaults.share_base, defaults.share_base_sd, *SHARE_BASE_BOUNDS),
        (large.skill, 1.0, defaults.skill_sd, SKILL_LEAST, np.inf),
        (large.kam_quarters["successor_skill"], 1.0, defaults.skill_sd, SKILL_LEAST, np.inf),
        (large.tie, defaults.tie_mean, defaults.tie_sd, *TIE_BOUNDS),
    ]
    for sample, mean, spread, low, high in samples:
        assert ((sample >= low) & (sample <= high)).all()
        law = stats.norm(mean, spread)
        inside = (sample > low) & (sample < high)
        chance = law.cdf(high) - law.cdf(low)
        spread = math.sqrt(chance * (1 - chance) / inside.size)
        assert inside.mean() == pytest.approx(chance, abs=4 * spread)
        assert_follows(law.cdf(sample[inside]), stats.uniform(law.cdf(low), law.cdf(high) - law.cdf(low)).cdf)


def test_alignment_of_functions_is_normal_within_bounds() -> None:
    defaults = load_scenario("status_quo").world
    few = small(accounts=2, functions=16)
    drawn = np.ravel([draw_world(few, seed=2, organization=number).alignment for number in range(200)])
    law = stats.norm(defaults.alignment_mean, defaults.alignment_sd)
    inside = drawn < ALIGNMENT_BOUNDS[1]
    assert drawn.max() <= ALIGNMENT_BOUNDS[1]
    assert drawn.min() >= ALIGNMENT_BOUNDS[0]
    assert_follows(law.cdf(drawn[inside]), stats.uniform(0, law.cdf(ALIGNMENT_BOUNDS[1])).cdf)


def test_chances_of_leaving_and_reassignment_are_uniform(large: World) -> None:
    assert_follows(large.kam_quarters["leave"], "uniform")
    assert_follows(large.readings["reassign"][:, :4000], "uniform")


def test_readings_are_half_persistent(large: World) -> None:
    for what in ("potential", "fit", "trust", "cost"):
        errors = large.readings[what][:, :4000]
        assert_follows(errors[2], "norm")
        assert np.corrcoef(errors[0], errors[5])[0, 1] == pytest.approx(0.5, abs=0.05)
    assert abs(np.corrcoef(large.readings["fit"][0, :4000], large.readings["trust"][0, :4000])[0, 1]) < 0.07
    assert_follows(large.report_draw, "norm")


def test_different_mechanisms_draw_independently(large: World) -> None:
    account, quarter, reading = large.accounts[:4000], large.quarters[0, :4000], large.readings[0, :4000]
    columns = [account["fit"], account["trust"], account["log_wallet"], account["share_base"], account["cost"]]
    columns += [account["will"] - account["fit"], account["will_told"] - account["will"], large.need_mix[:4000, 0]]
    columns += [quarter["level"], quarter["leave"], *(reading[name] for name in reading.dtype.names)]
    jump = np.log(large.quarters["wallet"][7, :4000] / large.quarters["wallet"][3, :4000])
    columns += [np.sign(jump - np.median(jump))]
    together = np.corrcoef([stats.rankdata(column) for column in columns])
    # Fit bounds the will, and will what is told of it.
    for one, other in ((0, 5), (0, 6), (5, 6)):
        together[one, other] = together[other, one] = 0.0
    assert np.abs(together - np.eye(len(columns))).max() < 0.07


@pytest.fixture(scope="module")
def organizations() -> list[World]:
    """Two thousand organizations of the default law, with hardly any accounts."""
    tiny = small(accounts=2, functions=1, patience_least=2, timeline={"warmup_years": 0, "window_years": 1})
    return [draw_world(tiny, seed=6, organization=number) for number in range(2000)]


def test_as_many_organizations_expect_more_and_prioritize_as_were_surveyed(organizations: list[World]) -> None:
    defaults = load_scenario("status_quo").world
    premiums = np.array([world.premium for world in organizations])
    assert (premiums > 0).mean() == pytest.approx(0.95, abs=0.02)
    spread = defaults.premium_mean / stats.norm.ppf(defaults.expecting_more)
    assert_follows(premiums, stats.norm(defaults.premium_mean, spread).cdf)
    assert np.mean([world.prioritizes_returns for world in organizations]) == pytest.approx(0.85, abs=0.03)


def test_patience_is_geometric_from_its_least_to_its_most(organizations: list[World]) -> None:
    world = load_scenario("status_quo").world
    patience = np.array([world.patience for world in organizations])
    extra = np.arange(world.patience_most - 2)
    expected = world.patience_stop * (1 - world.patience_stop) ** extra
    expected = np.append(expected, 1 - expected.sum())
    observed = np.bincount(patience - 2, minlength=len(expected)) / len(patience)
    np.testing.assert_allclose(observed, expected, atol=0.04)
    assert patience.min() == 2
    assert patience.max() <= world.patience_most


def test_a_population_has_its_shares_of_levers_and_their_correlation() -> None:
    mix, given_levers = LeverMix(True, 0.3, 0.3, 0.25, 0.0, 0.36), Levers(0.0, 0.0, 0.0, 0.0, False)
    drawn = np.array([drawn_levers(1, 0, number, mix, given_levers)[:4] for number in range(8000)])
    assert set(np.unique(drawn)) == {0.0, 1.0}
    np.testing.assert_allclose(drawn.mean(axis=0), [0.3, 0.3, 0.25, 0.0], atol=0.02)
    both = stats.multivariate_normal([0, 0], [[1, 0.36], [0.36, 1]]).cdf([stats.norm.ppf(0.3)] * 2)
    assert (drawn[:, 0] * drawn[:, 1]).mean() == pytest.approx(both, abs=0.02)
    assert drawn_levers(1, 0, 3, mix._replace(mixed=False), given_levers) == given_levers
    everyone = drawn_levers(1, 0, 3, LeverMix(True, 1.0, 1.0, 1.0, 1.0, 0.9), given_levers)
    assert list(everyone) == [1.0, 1.0, 1.0, 1.0, False]
    assert lever_mix_of(None).mixed is False
    assert list(lever_mix_of(load_scenario("population").population)[1:5]) == [
        getattr(load_scenario("population").population, lever) for lever in LEVERS
    ]


# ---------------------------------------------------------------- a real book


def wide_book(folder: Path) -> Any:
    lines = ["account_id,annual_spend,wallet,share,fit,trust"]
    lines += ["whole,50,100,0.5,0.7,0.6", "share,30,,0.75,,", "wallet,20,200,,,0.2", "spend,40,,,0.3,", "bare,60,,,,"]
    path = folder / "wide.csv"
    path.write_text("\n".join(lines))
    return read_book(path)


def test_what_a_book_gives_is_kept_and_the_rest_drawn(tmp_path: Path) -> None:
    scenario, book = small(ceiling_base=0.15, ceiling_fit=0.76, share_speed=0.2), wide_book(tmp_path)
    known, unit = known_from(book, scenario.world)
    for organization in range(20):
        world = draw_world(scenario, seed=1, organization=organization, book=book)
        born = world.accounts[:5]
        assert born["known"].all()
        assert not world.accounts["known"][5:].any()
        assert born["share"][:3].tolist() == pytest.approx([0.5, 0.75, 0.1], rel=1e-12)
        assert born["fit"][[0, 3]].tolist() == [0.7, 0.3]
        assert born["trust"][[0, 2]].tolist() == [0.6, 0.2]
        assert np.isfinite(born["fit"]).all()
        assert np.isfinite(born["log_wallet"]).all()
        ceiling = scenario.world.ceiling_base + scenario.world.ceiling_fit * born["fit"]
        assert (born["share"] <= ceiling + 1e-12).all()
    assert known.annual_spend * unit == pytest.approx([50, 30, 20, 40, 60], rel=1e-12)
    drawn = [draw_world(scenario, seed=1, organization=number, book=book).accounts["fit"][1] for number in range(20)]
    assert len(set(drawn)) == 20


def test_a_median_wallet_is_the_unit_of_a_book(tmp_path: Path) -> None:
    scenario, book = small(), wide_book(tmp_path)
    known, unit = known_from(book, scenario.world)
    world = scenario.world
    ceiling = share_ceiling(0.5, world.ceiling_base, world.ceiling_fit)
    resting = share_target(ceiling, world.trust_mean, 0.0, world.share_base, world.share_trust, 0.0)
    assert unit == pytest.approx(float(np.median([100, 30 / 0.75, 200, 40 / resting, 60 / resting])), rel=1e-12)
    assert known.wallet[1] * unit == pytest.approx(40.0, rel=1e-12)
    assert np.isnan(known.wallet[3:]).all()


CALM: dict[str, Any] = {"industry_shock_sd": 0.0, "trust_sd": 0.0, "growth_sd": 0.0, "hazard": 0.0}
FREE = {"base_concession": 0.0, "erosion": 0.0}


def test_an_account_of_a_book_without_history_starts_the_program_at_its_level(tmp_path: Path) -> None:
    """In a calm world expected spend of the years about the launch is the book's level, carried on and back."""
    scenario = small("no_program", market_growth=0.03, timeline={"warmup_years": 0, "window_years": 1}, **CALM, **FREE)
    book = wide_book(tmp_path)
    known, _ = known_from(book, scenario.world)
    alone = np.isnan(known.share) & np.isnan(known.trust)
    for organization in range(5):
        world = draw_world(scenario, seed=1, organization=organization, book=book)
        found = simulate(world, scenario).history.accounts["expected_spend"][:, :5]
        for quarters, year in ((np.arange(-3, 1), 1), (np.arange(1, 5), 2)):
            carried = known.annual_spend * np.exp(quarters / 4 * 0.03).mean()
            np.testing.assert_allclose(found[year][alone], carried[alone], rtol=1e-9)


def test_a_book_tells_what_was_paid_and_a_wallet_is_at_list_price(tmp_path: Path) -> None:
    scenario, book = small(base_concession=0.1, **CALM), wide_book(tmp_path)
    known, _ = known_from(book, scenario.world)
    world = draw_world(scenario, seed=1, book=book)
    born = world.accounts[:5]
    power = np.minimum(2.5, 0.25 + 0.75 * known.annual_spend / known.annual_spend.max())
    assert world.seats == 1
    np.testing.assert_allclose(born["concession"], 0.1 * power, rtol=1e-12)
    listed = 4 * np.exp(born["log_wallet"]) * born["share"]
    has_wallet = ~np.isnan(known.wallet)
    np.testing.assert_allclose(listed[has_wallet], (known.wallet * born["share"])[has_wallet], rtol=1e-12)
    paid = listed * (1 - born["concession"])
    np.testing.assert_allclose(paid[~has_wallet], known.annual_spend[~has_wallet], rtol=1e-12)


def test_an_account_of_known_share_starts_the_program_at_its_level_too(tmp_path: Path) -> None:
    lines = ["account_id,annual_spend,share", *(f"{place},10,{place / 20}" for place in range(2, 19))]
    path = tmp_path / "shares.csv"
    path.write_text("\n".join(lines))
    scenario, book = small("no_program", market_growth=0.0, **CALM, **FREE), read_book(path)
    known, _ = known_from(book, scenario.world)
    for organization in range(5):
        world = draw_world(scenario, seed=1, organization=organization, book=book)
        found = simulate(world, scenario).history.accounts["expected_spend"][2][:17]
        np.testing.assert_allclose(found, known.annual_spend, rtol=1e-9)


def test_accounts_of_a_book_are_all_there_at_the_launch_and_nobody_comes_before_it(tmp_path: Path) -> None:
    always = {"hazard": 1.0, "hazard_size": 0.0, "hazard_trust": 0.0}
    scenario, book = small(**always, timeline={"history_years": 3}), wide_book(tmp_path)
    count = len(book.account_id)
    world = draw_world(scenario, seed=1, book=book)
    run = simulate(world, scenario, trace=True)
    assert (run.history.accounts["tier"][:4, :count] >= 0).all()
    assert (run.trace.accounts["spend"][:13, :count] > 0).any(axis=0).all()
    assert (run.history.accounts["tier"][4] == -1)[:count].all()
    assert world.accounts["arrives"][count:].min() >= 12
    # What is known of the years before is in their wallets: nothing jumps until then.
    change = np.diff(np.log(world.quarters["wallet"][:12, :count]), axis=0)
    own = change - change[:, :1]
    np.testing.assert_allclose(own, np.broadcast_to(own[0], own.shape), atol=1e-9)


def test_nothing_is_known_of_a_synthetic_book() -> None:
    known = nothing_known(7)
    assert all(np.isnan(column).all() for column in known[:6])
    assert len(known.paid) == len(known.rate) == len(known.pace) == 0
    assert len(known.annual_spend) == 7


@pytest.mark.parametrize(("share", "fit"), [(0.03, 0.7), (0.5, 0.5), (0.8, 0.2)])
def test_a_known_share_stays_whatever_the_fit(tmp_path: Path, share: float, fit: float) -> None:
    path = tmp_path / "book.csv"
    path.write_text(f"account_id,annual_spend,share,fit\nA,10,{share},{fit}\nB,20,{share},{fit}\n")
    scenario = small("no_program", **CALM)
    run = simulate(draw_world(scenario, seed=1, book=read_book(path)), scenario, trace=True)
    np.testing.assert_allclose(run.trace.accounts["share"][:, :2], share, rtol=1e-9)


def test_a_world_refuses_a_scenario_of_other_years() -> None:
    scenario = small()
    world = draw_world(scenario, seed=1)
    with pytest.raises(KamsimError, match="draw a world of the scenario's own"):
        simulate(world, scenario.changed(timeline={"window_years": 9}))
