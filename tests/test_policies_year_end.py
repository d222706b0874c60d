"""What a program chooses for its year's end: how it sets quotas, when and how it rebuilds, how it lets accounts go."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import assert_same_bits, choosing, examples, seeds, small
from hypothesis import given
from hypothesis import strategies as st
from test_drivers import agree

from kamsim import KeyAccountProgram, Scenario, draw_world, simulate
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.model.behaviors import adopted_levers, adopts_any, heed_notice
from kamsim.model.ensemble import Run
from kamsim.policy.policy import Intervention, policy_of
from kamsim.rules.tiering import LEAVING
from kamsim.world.world import World


def restless(name: str = "status_quo", **sections: dict[str, Any]) -> Scenario:
    """A small program of twelve years that misses and rebuilds often, and its choices."""
    return small(name, timeline={"window_years": 8}, patience_most=2).changed(**sections)


def played(scenario: Scenario, seed: int) -> tuple[World, Run]:
    world = draw_world(scenario, seed=seed)
    return world, simulate(world, scenario, trace=True)


@examples(100)
@given(choosing(), seeds(), st.integers(0, 2**32 - 1))
def test_both_drivers_agree_whatever_a_program_chooses(scenario: Scenario, seed: int, organization: int) -> None:
    agree(scenario, seed, organization)


# ---------------------------------------------------------------- quota

QUOTAS: tuple[dict[str, Any], ...] = (
    {"years": 3},
    {"premium": 0.0, "added": 0.08},
    {"ratchet_down": 0.6},
    {"by_potential": 0.7},
    {"years": 10, "premium": 2.0, "added": -0.02, "ratchet_down": 0.3, "by_potential": 1.0},
)


@pytest.mark.parametrize("quota", QUOTAS, ids=str)
@pytest.mark.parametrize("name", ["status_quo", "full_program"])
def test_both_drivers_agree_on_how_quotas_are_set(name: str, quota: dict[str, Any]) -> None:
    differ = False
    for seed in range(3):
        model = agree(restless(name, quota=quota), seed)
        agree(restless(name, quota=quota), seed, intervention=Intervention(quota_without_luck=True))
        plain = simulate(model.world, restless(name))
        differ |= model.history.years.tobytes() != plain.history.years.tobytes()
    assert differ


def test_a_quota_is_the_growth_asked_for_on_the_mean_of_so_many_years_of_those_that_are_key_now() -> None:
    """Recomputed from what the run leaves behind; years before an account came do not count."""
    quota = {"years": 3, "premium": 0.5, "added": 0.03, "ratchet_down": 0.4}
    scenario = restless(quota=quota).changed(world={"arrival": 0.3, "new_size": 2.0}, policy={"ratchet": 0.3})
    came_late = ratchets = 0
    for seed in range(6):
        world, run = played(scenario, seed)
        accounts, years = run.history.accounts, run.history.years
        expected = world.premium if world.prioritizes_returns else scenario.world.premium_elsewhere * world.premium
        growth = 1.0 + world.market_growth + 0.5 * expected + 0.03
        for year in range(2, len(years)):
            members = np.flatnonzero(accounts["tier"][year] > 0)
            usual = 0.0
            for number in members:
                there = [back for back in (1, 2, 3) if back <= year and accounts["tier"][year - back, number] >= 0]
                came_late += len(there) < min(3, year)
                usual += np.mean([accounts["spend"][year - back, number] for back in there])
            old = 0.0 if year == 2 or years["rebuilt"][year - 1] else years["quota"][year - 1]
            if old > 0.0:
                ratchets += usual > old
                usual += 0.3 * max(0.0, old - usual) - 0.4 * max(0.0, usual - old)
            np.testing.assert_allclose(years["quota"][year], usual * growth, rtol=1e-12)
    assert came_late
    assert ratchets


def test_the_quota_of_account_plans_asks_less_where_the_large_ones_have_no_room() -> None:
    """Recomputed where nobody errs in reading: the room is what share of wallet leaves of its ceiling."""
    scenario = small(observation_noise=0.0).changed(quota={"by_potential": 0.8})
    world, run = played(scenario, 2)
    launch = scenario.timeline.history_years - 1
    members = np.flatnonzero(run.history.accounts["tier"][launch + 1] > 0)
    sales = run.history.accounts["spend"][launch, members]
    # Shares are those at the launch, before anybody was elevated: nothing is lost by an elevation.
    ceiling = world.accounts["ceiling"][members]
    room = np.maximum(ceiling - run.trace.accounts["share"][4 * launch + 3, members], scenario.world.least_room)
    promise = 1.0 + room / ceiling
    base = 0.2 * sales.sum() + 0.8 * (sales * promise).sum() / promise.mean()
    expected = world.premium if world.prioritizes_returns else scenario.world.premium_elsewhere * world.premium
    np.testing.assert_allclose(
        run.history.years["quota"][launch + 1], base * (1.0 + world.market_growth + expected), rtol=1e-12
    )
    assert abs(base / sales.sum() - 1.0) > 1e-3


def test_terms_of_quotas_reach_the_drivers() -> None:
    terms = policy_of(Scenario().changed(quota=QUOTAS[-1]), 40).terms
    assert [terms[f"quota_{name}"] for name in QUOTAS[-1]] == list(QUOTAS[-1].values())


def test_a_softer_quota_is_missed_less_often() -> None:
    """In the same worlds, as long as nothing else hangs on misses: programs that never rebuild, KAMs that stay."""
    missed, spent = {}, {}
    for added in (-0.2, 0.0, 0.2):
        scenario = restless(quota={"added": added}).changed(world={"turnover_after_miss": 0.0})
        runs = [
            simulate(draw_world(scenario, seed=seed), scenario, intervention=Intervention(most_rebuilds=0))
            for seed in range(8)
        ]
        missed[added] = np.array([run.history.years["missed"] for run in runs])
        spent[added] = np.array([run.history.accounts["spend"].sum() for run in runs])
    assert_same_bits(spent[-0.2], spent[0.0])
    assert_same_bits(spent[0.2], spent[0.0])
    assert (missed[-0.2] <= missed[0.0]).all()
    assert (missed[0.0] <= missed[0.2]).all()
    assert missed[-0.2].sum() < missed[0.0].sum() < missed[0.2].sum()


# ---------------------------------------------------------------- rebuilds

REBUILDS: tuple[dict[str, Any], ...] = (
    {"patience": 1},
    {"patience": 1, "part": 0.4},
    {"patience": 1, "part": 0.0},
    {"patience": 1, "adopts_selection": 1.0, "adopts_retiering": 0.6},
    {"patience": 1, "adopts_alignment": 0.5, "adopts_boundaries": 0.7},
    {"patience": 1, "part": 0.3, "pilot_years": 2, "adopts_selection": 1.0, "adopts_alignment": 1.0},
)
SOFT = {"added": -0.06}  # so that some years meet their quota, and some do not


@pytest.mark.parametrize("rebuild", REBUILDS, ids=str)
@pytest.mark.parametrize("name", ["status_quo", "full_program", "spend_retiering"])
def test_both_drivers_agree_on_what_a_rebuild_is(name: str, rebuild: dict[str, Any]) -> None:
    for seed in range(3):
        agree(restless(name, rebuild=rebuild, quota=SOFT), seed)


def test_both_drivers_agree_where_organizations_adopt_what_they_were_not_drawn_to_do() -> None:
    for seed in range(3):
        agree(restless("population", rebuild=REBUILDS[-1] | {"adopts_boundaries": 0.5}, quota=SOFT), seed, seed)


def tiers_of(run: Run) -> np.ndarray:
    return run.history.accounts["tier"]


def test_a_program_bears_as_many_misses_as_it_chooses_to() -> None:
    """Rebuilt in every year that makes so many misses in a row, whatever the world draws; 0 is what it draws."""
    seen = set()
    for patience in (1, 2, 4, 1000):
        for seed in range(4):
            _, run = played(restless(rebuild={"patience": patience}), seed)
            streak = 0
            for year in run.history.years[2:]:
                streak = streak + 1 if year.missed else 0
                assert year.rebuilt == (streak == patience)
                seen |= {patience} if year.rebuilt else set()
                streak = 0 if year.rebuilt else streak
    assert seen == {1, 2, 4}
    for seed in range(4):
        world, run = played(restless(), seed)
        assert_same_bits(played(restless(rebuild={"patience": world.patience}), seed)[1].history, run.history)


def test_staying_the_course_is_the_twin_that_never_rebuilds() -> None:
    for seed in range(3):
        world, run = played(restless(rebuild={"patience": 1000}), seed)
        never = simulate(world, restless(), intervention=Intervention(most_rebuilds=0))
        assert_same_bits(run.history, never.history)
        assert simulate(world, restless()).history.years["rebuilt"].any()


@pytest.mark.parametrize("part", [0.0, 0.3, 0.5, 1.0])
def test_a_rebuild_of_a_part_keeps_the_best_of_the_others(part: float) -> None:
    """Where large spenders are elevated: recomputed from what accounts spent in the year of a rebuild."""
    rebuilds = 0
    for seed in range(4):
        _, run = played(restless(rebuild={"patience": 1, "part": part}), seed)
        tier, spend, kam = (run.history.accounts[field] for field in ("tier", "spend", "kam"))
        for year in np.flatnonzero(run.history.years["rebuilt"][:-1]):
            members = np.flatnonzero((tier[year] > 0) & (tier[year + 1] >= 0))
            members = members[np.argsort(-spend[year, members], kind="stable")]
            # Who left in the year after stands there as it was held; who left in this one is no member any more.
            kept = members[: len(members) - int(part * len(members) + 0.5)]
            assert (tier[year + 1, kept] == tier[year, kept]).all()
            assert (run.trace.accounts["kam"][4 * year + 4, kept] == kam[year, kept]).all() or part == 1.0
            # The others are as good as anybody outside.
            places = int((tier[year + 1] > 0).sum()) - len(kept)
            rest = np.flatnonzero((tier[year] >= 0) & (tier[year + 1] >= 0))
            rest = np.setdiff1d(rest, kept)
            best = rest[np.argsort(-spend[year, rest], kind="stable")][:places]
            assert sorted(best) == sorted(np.setdiff1d(np.flatnonzero(tier[year + 1] > 0), kept))
            rebuilds += 1
    assert rebuilds > 4


def test_a_rebuild_of_no_part_tires_functions_and_changes_nobody() -> None:
    scenario = restless(rebuild={"patience": 1, "part": 0.0}, quota={"added": 0.4}, policy={"ratchet": 1.0})
    scenario = scenario.changed(world={"hazard": 0.0, "turnover": 0.0})
    _, run = played(scenario, 1)
    assert run.history.years["rebuilt"][2:].all()
    assert (tiers_of(run)[2:] == tiers_of(run)[2]).all(where=tiers_of(run)[2:] > 0)
    assert not run.history.years["handover_cost"].any()
    assert not run.history.years["elevation_cost"][2:].any()
    # No quota ratchets after a rebuild, and functions lose alignment to it.
    _, stayed = played(scenario.changed(rebuild={"patience": 1000}), 1)
    assert (run.history.years["quota"][4:] < stayed.history.years["quota"][4:]).all()
    assert (run.trace.functions["alignment"][12:] < stayed.trace.functions["alignment"][12:]).all()


ADVISED = {"selection": 1.0, "alignment": 1.0, "boundaries": 1.0, "retiering": 1.0}


def test_a_rebuild_moves_levers_a_part_of_the_way_each_time() -> None:
    terms = policy_of(restless(rebuild={f"adopts_{lever}": 0.4 for lever in ADVISED}), 40).terms
    levers = policy_of(restless(policy={"selection": 0.5}), 40).levers
    assert adopts_any(terms)
    once = adopted_levers(levers, terms)
    assert once == pytest.approx((0.7, 0.4, 0.4, 0.4, False))
    assert adopted_levers(once, terms) == pytest.approx((0.82, 0.64, 0.64, 0.64, False))
    assert not adopts_any(policy_of(restless(), 40).terms)
    assert adopted_levers(levers, policy_of(restless(), 40).terms) == levers
    # Who ranks by spend gives that up for the first step toward reading health.
    by_spend = policy_of(restless(policy={"retiering": {"spend": 0.8}}), 40).levers
    assert adopted_levers(by_spend, terms)[3:] == pytest.approx((0.4, False))
    assert adopted_levers(by_spend, policy_of(restless(), 40).terms)[3:] == (0.8, True)


def test_a_rebuild_that_adopts_everything_selects_and_works_as_advised_from_then_on() -> None:
    """Up to its first rebuild the program is the status quo; in that rebuild it selects by enterprise criteria."""
    adopting = restless(rebuild={f"adopts_{lever}": 1.0 for lever in ADVISED})
    changed = 0
    for seed in range(4):
        _, as_is = played(restless(), seed)
        _, run = played(adopting, seed)
        first = int(np.flatnonzero(as_is.history.years["rebuilt"])[0])
        for field in ("spend", "tier", "kam"):
            assert_same_bits(run.history.accounts[field][: first + 1], as_is.history.accounts[field][: first + 1])
        assert_same_bits(run.history.years["missed"][: first + 1], as_is.history.years["missed"][: first + 1])
        changed += int((tiers_of(run)[first + 1] != tiers_of(as_is)[first + 1]).sum())
        # A team pulls alignment up from the next quarter on.
        after = 4 * (first + 1)
        assert (run.trace.functions["alignment"][after:] > as_is.trace.functions["alignment"][after:]).any()
        assert_same_bits(run.trace.functions["alignment"][after - 1], as_is.trace.functions["alignment"][after - 1])
    assert changed


def test_what_a_rebuild_adopts_is_no_answer_of_a_survey() -> None:
    """Organizations are told apart by the levers that they started with."""
    started, adopting = (
        play_organizations([job_of(restless(rebuild=rebuild))], 1, 0, 4)[0]
        for rebuild in ({}, {f"adopts_{lever}": 1.0 for lever in ADVISED})
    )
    assert_same_bits(started.levers, adopting.levers)
    assert not started.levers.any()
    assert started.outcomes.tobytes() != adopting.outcomes.tobytes()


def test_a_pilot_is_followed_by_the_rest_only_where_its_last_year_met_the_quota() -> None:
    """Nobody leaves and nobody is re-tiered, so that only launches, rebuilds and what follows them move accounts."""
    rebuild = {"patience": 1, "part": 0.3, "pilot_years": 2}
    scenario = restless(rebuild=rebuild, quota=SOFT).changed(world={"hazard": 0.0, "growth_sd": 0.4})
    followed = stopped = 0
    for seed in range(12):
        _, run = played(scenario, seed)
        years, tier = run.history.years, tiers_of(run)
        year = 2
        while year < len(years) - 1:
            moved = int(((tier[year + 1] > 0) & (tier[year] <= 0)).sum())
            if not years["rebuilt"][year]:
                assert moved == 0
                year += 1
                continue
            members = int((tier[year] > 0).sum())
            assert moved <= int(0.3 * members + 0.5)
            if year + 3 >= len(years):
                break
            # While it runs no other rebuild begins, however often the quota is missed.
            assert not years["rebuilt"][year + 1 : year + 3].any()
            assert (tier[year + 2] > 0).tolist() == (tier[year + 1] > 0).tolist()
            entered = int(((tier[year + 3] > 0) & (tier[year + 2] <= 0)).sum())
            handed_over = years["handover_cost"][year + 2]
            if years["missed"][year + 2]:
                assert entered == 0
                assert handed_over == 0.0
                stopped += 1
            else:
                assert entered <= members - int(0.3 * members + 0.5)
                followed += entered > 0
            year += 3
    assert followed
    assert stopped


def test_without_a_part_to_try_it_on_there_is_no_pilot() -> None:
    plain, piloted = (played(restless(rebuild={"patience": 1} | more), 5)[1] for more in ({}, {"pilot_years": 3}))
    assert plain.history.years["rebuilt"].any()
    assert_same_bits(piloted.history, plain.history)


# ---------------------------------------------------------------- notice

CARE = {"managed_downtiering": 0.8}
REVIEWS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("status_quo", {}, {"patience": 1}),
    ("status_quo", CARE, {"patience": 1, "part": 0.6, "pilot_years": 1}),
    ("spend_retiering", {}, {"patience": 2}),
    ("full_program", CARE | {"health_threshold": 0.1}, {"patience": 3, "part": 0.5}),
    ("full_program", {"health_threshold": 0.1, "retiering_years": 2}, {"adopts_selection": 0.5}),
)


@pytest.mark.parametrize("years", [1, 2, 5])
@pytest.mark.parametrize(("name", "policy", "rebuild"), REVIEWS, ids=str)
def test_both_drivers_agree_on_notice(name: str, policy: dict[str, Any], rebuild: dict[str, Any], years: int) -> None:
    scenario = restless(name, policy=policy | {"notice_years": years}, rebuild=rebuild, quota=SOFT)
    differ = False
    for seed in range(3):
        model = agree(scenario, seed)
        without = simulate(model.world, scenario.changed(policy={"notice_years": 0}))
        differ |= model.history.accounts.tobytes() != without.history.accounts.tobytes()
    assert differ


class Noticing(KeyAccountProgram):
    """The Mesa model, noting who is a member, and who has notice, after every year's end."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.noted: list[tuple[dict[int, int], dict[int, int]]] = []

    def close_year(self) -> None:
        super().close_year()
        members = list(self.key_accounts)
        self.noted.append(
            ({account.number: account.tier for account in members}, {a.number: a.notice for a in members if a.notice})
        )
        for account in self.accounts:
            assert account.tier > 0 or account.notice == 0
            if account.notice > 0:
                assert account.effort == 1.0


@pytest.mark.parametrize("years", [1, 3])
@pytest.mark.parametrize(("name", "policy", "rebuild"), REVIEWS, ids=str)
def test_nobody_leaves_the_program_without_notice_and_nobody_comes_before(
    name: str, policy: dict[str, Any], rebuild: dict[str, Any], years: int
) -> None:
    scenario = restless(name, policy=policy | {"notice_years": years}, rebuild=rebuild, quota=SOFT)
    left = stayed = 0
    for seed in range(5):
        model = Noticing(scenario, seed=seed)
        model.run_model()
        alive = model.history.accounts["tier"] >= 0
        seats = int(model.policy.seats.sum())
        for year in range(2, len(model.noted) - 1):
            (before, had), (now, has) = model.noted[year - 1], model.noted[year]
            there = {number for number in before if alive[year + 1, number]}
            for number in there - set(now):
                assert had[number] == 1
                left += 1
            for number, notice in has.items():
                assert notice == had.get(number, years + 1) - 1
                # It keeps its tier, whoever else is seated anew.
                assert now[number] == before[number]
            stayed += len([number for number in had if number in now and number not in has])
            # No more than there are places for, and only where somebody has gone.
            assert len(set(now) - set(before)) <= seats - len(there & set(now))
    assert left
    assert stayed


def test_who_has_notice_learns_to_expect_standard_service_and_is_served_as_before() -> None:
    """One rebuild and no review: from then on to the end of the notice nobody comes and nobody goes."""
    scenario = restless(policy={"notice_years": 2} | CARE, rebuild={"patience": 1})
    scenario = scenario.changed(world={"hazard": 0.0, "arrival": 0.0, "growth_sd": 0.8})
    speed, promise = scenario.world.expectation_speed, scenario.tiers.standard_promise
    told = 0
    for seed in range(4):
        world = draw_world(scenario, seed=seed)
        once = Intervention(most_rebuilds=1)
        run = simulate(world, scenario, trace=True, intervention=once)
        sudden = simulate(world, scenario.changed(policy={"notice_years": 0}), intervention=once)
        tier, year = tiers_of(run), int(np.flatnonzero(run.history.years["rebuilt"])[0])
        if year + 3 >= len(tier):
            continue
        go = np.flatnonzero((tiers_of(sudden)[year] > 0) & (tiers_of(sudden)[year + 1] == 0))
        assert ((tier[year : year + 3] > 0) == (tier[year] > 0)).all()
        gone = np.flatnonzero((tier[year + 2] > 0) & (tier[year + 3] == 0))
        assert set(gone) <= set(go)
        expectation = run.trace.accounts["expectation"][4 * year + 3, go]
        for quarter in range(4 * year + 4, 4 * year + 12):
            expectation = expectation + speed * (promise - expectation)
            np.testing.assert_allclose(run.trace.accounts["expectation"][quarter, go], expectation, rtol=1e-12)
            assert (run.trace.accounts["hours"][quarter, go] > 0).all()
        # The notice over, the account is handed down with care, as it would have been without one.
        if len(gone):
            assert (run.history.accounts["investment"][year + 3, gone] > 0).all()
            assert run.history.years["handover_cost"][year + 2] > 0
        assert not run.history.years["elevation_cost"][year : year + 2].any()
        told += len(gone)
    assert told


def test_an_account_read_as_healthy_again_keeps_its_place() -> None:
    """Its warning gone, notice ends at once; and where nobody was reviewed it has to compete."""
    terms = policy_of(restless(policy={"notice_years": 3}), 40).terms
    account = SimpleNamespace(notice=0, warned=True, effort=1.5, tier=1)
    assert heed_notice(account, 0, True, terms) == 1
    assert (account.notice, account.warned, account.effort) == (3, False, 1.0)
    assert heed_notice(account, 1, False, terms) == 1
    assert account.notice == 2
    account.warned = True
    assert heed_notice(account, 1, True, terms) == 1
    assert (account.notice, account.warned) == (1, False)
    for warned, assessed, tier, notice in ((False, True, 1, 0), (True, True, LEAVING, 0), (False, False, 0, 0)):
        other = SimpleNamespace(notice=1, warned=warned, effort=1.0, tier=1)
        assert heed_notice(other, 1, assessed, terms) == tier
        assert other.notice == notice
