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
from kamsim.world.draws import between_bounds, normal, normal_quantile, uniform, words
from kamsim.world.laws import ALIGNMENT_BOUNDS, SHARE_BASE_BOUNDS, SKILL_LEAST, TIE_BOUNDS, TRUST_BOUNDS
from kamsim.world.world import World, known_from, nothing_known, split_seed

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
    assert len(numbers) == len(set(numbers)) >= 16


# ---------------------------------------------------------------- nothing else changes a draw


def later(name: str = "status_quo", **timeline: int) -> Scenario:
    return small(name, timeline=timeline)


def prefix(world: World, years: int, accounts: int, kams: int, functions: int) -> tuple[Any, ...]:
    """What a shorter, smaller world has in common with a larger one, the mix of needs apart."""
    return (
        world.accounts[:accounts],
        world.quarters[: 4 * years, :accounts],
        world.readings[:years, :accounts],
        world.skill[:kams],
        world.tie[:kams, :functions],
        world.kam_quarters[: 4 * years, :kams],
        world.report_draw[:years, :kams],
        world.alignment[:functions],
        (world.market_growth, world.premium, world.prioritizes_returns, world.patience),
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
    sizes = (6, 40, len(few.skill), 4)
    assert_same_bits(prefix(few, *sizes), prefix(many, *sizes))
    if "functions" not in larger:
        assert_same_bits(few.need_mix, many.need_mix[:40])
    else:
        # Needs are parts of a whole: with more functions they keep their proportions.
        kept = many.need_mix[:40, :4]
        np.testing.assert_allclose(few.need_mix, kept / kept.sum(axis=1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("longer", [{"window_years": 4}, {"warmup_years": 5, "window_years": 9}, {"history_years": 6}])
def test_a_longer_horizon_changes_no_other_draw(longer: dict[str, int]) -> None:
    short, long = (draw_world(later(**timeline), seed=5, organization=3) for timeline in ({}, longer))
    sizes = (6, 40, 3, 4)
    assert_same_bits(prefix(short, *sizes), prefix(long, *sizes))
    assert_same_bits(short.need_mix, long.need_mix)


@examples(20)
@given(scenarios(), seeds())
def test_one_more_account_changes_no_other_draw_in_random_worlds(scenario: Scenario, seed: int) -> None:
    one_more = scenario.changed(world={"accounts": scenario.world.accounts + 1})
    few, many = draw_world(scenario, seed=seed), draw_world(one_more, seed=seed)
    sizes = (scenario.timeline.history_years + 1, scenario.world.accounts)
    for fewer, more in ((few.quarters, many.quarters), (few.readings, many.readings)):
        assert_same_bits(fewer[: sizes[0]], more[: sizes[0], : sizes[1]])
    assert_same_bits(few.accounts, many.accounts[: sizes[1]])
    assert_same_bits(few.need_mix, many.need_mix[: sizes[1]])


@pytest.mark.parametrize("name", shipped_scenarios())
def test_the_policy_changes_no_draw(name: str) -> None:
    assert_same_bits(draw_world(small(), seed=5), draw_world(small(name), seed=5))


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
            assert (one.quarters["wallet"] != other.quarters["wallet"]).all()
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


def test_wallets_are_lognormal_about_a_median_of_1_and_grow_on_average(large: World) -> None:
    defaults = load_scenario("status_quo").world
    assert_follows(large.accounts["log_wallet"] + math.log(4), stats.norm(0, defaults.wallet_sigma).cdf)
    assert_follows(large.accounts["growth"], stats.norm(defaults.market_growth, defaults.growth_sd).cdf)
    growth = np.repeat(large.growth, 4, axis=0)[1:]
    change = np.diff(np.log(large.quarters["wallet"]), axis=0) - growth / 4
    industry = change.mean(axis=1, keepdims=True)
    assert_follows((change - industry), stats.norm(0, defaults.wallet_shock_sd).cdf)


def test_growth_reverts_to_the_market_and_keeps_its_spread(large: World) -> None:
    defaults = load_scenario("status_quo").world
    np.testing.assert_array_equal(large.growth[0], large.accounts["growth"])
    for year in (1, len(large.growth) - 1):
        assert_follows(large.growth[year], stats.norm(defaults.market_growth, defaults.growth_sd).cdf)
    for years in (1, 2):
        together = np.corrcoef(large.growth[0], large.growth[years])[0, 1]
        assert together == pytest.approx(defaults.growth_persistence**years, abs=0.05)


def test_growth_lasts_where_it_is_said_to_and_through_the_years_of_a_book() -> None:
    world = draw_world(small(growth_persistence=1.0), seed=1)
    assert (world.growth == world.accounts["growth"]).all()
    book = read_book(EXAMPLE_BOOK)
    world = draw_world(small(timeline={"history_years": 3}), seed=1, book=book)
    assert (world.growth[:3] == world.accounts["growth"]).all()
    assert (world.growth[3] != world.accounts["growth"]).all()


def test_industry_shocks_are_shared_by_all_accounts() -> None:
    world = {"accounts": 2, "growth_sd": 0.0, "wallet_shock_sd": 0.0, "industry_shock_sd": 0.03, "market_growth": 0.04}
    long = {"warmup_years": 0, "window_years": 100}
    wallets = draw_world(small(timeline=long, **world), seed=3).quarters["wallet"]
    change = np.diff(np.log(wallets), axis=0)
    np.testing.assert_allclose(change[:, 0], change[:, 1], rtol=1e-9, atol=1e-12)
    assert_follows(change[:, 0], stats.norm(0.01, 0.03).cdf)


def test_orders_are_1_on_average_and_surges_last(large: World) -> None:
    defaults = load_scenario("status_quo").world
    orders = large.quarters["orders"]
    variance = defaults.surge_sd**2 + defaults.order_noise_sd**2
    assert orders.mean() == pytest.approx(1.0, abs=0.02)
    for quarter in (0, 23):
        assert_follows(np.log(orders[quarter]), stats.norm(-variance / 2, math.sqrt(variance)).cdf)
    for lag in (1, 3):
        expected = defaults.surge_persistence**lag * defaults.surge_sd**2 / variance
        one, other = np.log(orders[:-lag]).ravel(), np.log(orders[lag:]).ravel()
        assert np.corrcoef(one, other)[0, 1] == pytest.approx(expected, abs=0.02)


def test_rivals_attack_at_their_rate_and_larger_wallets_more(large: World) -> None:
    defaults = load_scenario("status_quo").world
    size = np.minimum(defaults.rival_most, (4 * large.quarters["wallet"]) ** defaults.rival_exponent)
    chance, attacked = (defaults.rival_rate * size).ravel(), large.quarters["attacked"].ravel()
    for part in (chance < np.median(chance), chance >= np.median(chance)):
        expected, spread = chance[part].sum(), math.sqrt((chance[part] * (1 - chance[part])).sum())
        assert abs(attacked[part].sum() - expected) < 4 * spread
    assert attacked[chance >= np.median(chance)].mean() > 1.3 * attacked[chance < np.median(chance)].mean()


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
        assert inside.mean() == pytest.approx(law.cdf(high) - law.cdf(low), abs=0.01)
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
    assert_follows(large.readings["reassign"], "uniform")


def test_readings_are_half_persistent(large: World) -> None:
    for what in ("potential", "fit", "trust"):
        errors = large.readings[what]
        assert_follows(errors[2], "norm")
        assert np.corrcoef(errors[0], errors[5])[0, 1] == pytest.approx(0.5, abs=0.05)
    assert abs(np.corrcoef(large.readings["fit"][0], large.readings["trust"][0])[0, 1]) < 0.07
    assert_follows(large.report_draw, "norm")


def test_different_mechanisms_draw_independently(large: World) -> None:
    account = large.accounts
    columns = [account["growth"], account["fit"], account["trust"], account["log_wallet"], large.need_mix[:, 0]]
    columns += [large.quarters["orders"][0], large.readings["potential"][0], large.readings["reassign"][0]]
    assert np.abs(np.corrcoef(columns) - np.eye(len(columns))).max() < 0.07


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
    scenario, book = small(ceiling_base=0.15, ceiling_fit=0.76, rival_rate=0.03, share_speed=0.2), wide_book(tmp_path)
    known, unit = known_from(book, scenario.world)
    for organization in range(20):
        world = draw_world(scenario, seed=1, organization=organization, book=book)
        born = world.accounts
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


def test_an_account_of_a_book_starts_the_program_at_its_level() -> None:
    """In a calm world without rivals, expected spend of the first program year is the book's level, carried on."""
    calm = {"rival_rate": 0.0, "wallet_shock_sd": 0.0, "industry_shock_sd": 0.0, "trust_sd": 0.0}
    scenario = small("no_program", timeline={"warmup_years": 0, "window_years": 1}, **calm)
    book = read_book(EXAMPLE_BOOK)
    known, _ = known_from(book, scenario.world)
    total = np.zeros(len(book.account_id))
    for organization in range(60):
        world = draw_world(scenario, seed=1, organization=organization, book=book)
        total += simulate(world, scenario).history.accounts["spend"][2] / 60
    growth = np.where(np.isnan(book.growth), known.market_growth, book.growth)
    ratio = total / (known.annual_spend * np.exp(growth / 2))
    assert np.median(ratio) == pytest.approx(1.0, abs=0.03)
    assert np.abs(np.log(ratio)).max() < 0.25


def test_an_account_of_known_share_starts_the_program_at_its_level_too(tmp_path: Path) -> None:
    lines = ["account_id,annual_spend,share", *(f"{place},10,{place / 20}" for place in range(2, 19))]
    path = tmp_path / "shares.csv"
    path.write_text("\n".join(lines))
    calm = {"rival_rate": 0.0, "wallet_shock_sd": 0.0, "industry_shock_sd": 0.0, "trust_sd": 0.0, "growth_sd": 0.0}
    scenario, book = small("no_program", market_growth=0.0, surge_sd=0.0, order_noise_sd=0.0, **calm), read_book(path)
    known, _ = known_from(book, scenario.world)
    for organization in range(5):
        world = draw_world(scenario, seed=1, organization=organization, book=book)
        history = simulate(world, scenario).history
        possible = world.accounts["share_base"] > SHARE_BASE_BOUNDS[0]
        possible &= book.share <= scenario.world.ceiling_base + scenario.world.ceiling_fit
        assert possible.mean() > 0.6
        np.testing.assert_allclose(history.accounts["spend"][2][possible], known.annual_spend[possible], rtol=1e-9)


def test_volatility_and_growth_of_a_book_are_those_of_its_accounts() -> None:
    scenario, book = small(timeline={"window_years": 100}), read_book(EXAMPLE_BOOK)
    world = draw_world(scenario, seed=1, book=book)
    given_growth = ~np.isnan(book.growth)
    np.testing.assert_array_equal(world.accounts["growth"][given_growth], book.growth[given_growth])
    known = np.average(book.growth[given_growth], weights=book.annual_spend[given_growth])
    assert world.market_growth == pytest.approx(known, rel=1e-12)
    assert np.median(np.log(world.quarters["orders"]).std(axis=0) / book.volatility) == pytest.approx(1.0, abs=0.05)


def test_nothing_is_known_of_a_synthetic_book() -> None:
    known = nothing_known(7)
    assert all(np.isnan(column).all() for column in known)
    assert len(known.annual_spend) == 7


def test_a_book_keeps_its_level_between_rivals_and_what_comes_back() -> None:
    """With rivals and everything else as by default, the years around the launch sell what the book says."""
    scenario = small("no_program", accounts_per_kam=4.0, timeline={"warmup_years": 0, "window_years": 1})
    book = read_book(EXAMPLE_BOOK)
    known, _ = known_from(book, scenario.world)
    total, organizations = 0.0, 150
    for organization in range(organizations):
        run = simulate(draw_world(scenario, seed=1, organization=organization, book=book), scenario)
        total += run.history.accounts["spend"][1].sum() / organizations
    assert total / known.annual_spend.sum() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("share", "fit"), [(0.03, 0.7), (0.5, 0.5), (0.8, 0.2)])
def test_a_known_share_stays_whatever_the_fit(tmp_path: Path, share: float, fit: float) -> None:
    path = tmp_path / "book.csv"
    path.write_text(f"account_id,annual_spend,share,fit\nA,10,{share},{fit}\nB,20,{share},{fit}\n")
    scenario = small("no_program", rival_rate=0.0, trust_sd=0.0)
    run = simulate(draw_world(scenario, seed=1, book=read_book(path)), scenario, trace=True)
    np.testing.assert_allclose(run.trace.accounts["share"], share, rtol=1e-9)


def test_a_world_refuses_a_scenario_of_other_years() -> None:
    scenario = small()
    world = draw_world(scenario, seed=1)
    with pytest.raises(KamsimError, match="draw a world of the scenario's own"):
        simulate(world, scenario.changed(timeline={"window_years": 9}))
