"""A run on a real book with a history starts where the book ends: its quarters are the years before the launch."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import assert_same_bits, small

from kamsim import Book, KeyAccountProgram, draw_world, simulate
from kamsim.books.history import Quarters
from kamsim.model.readings import TODAYS_LEAD
from kamsim.studies.settings import with_settings
from kamsim.world.known import known_of

ACCOUNTS = 30


def book_of(quarters: int = 14, first: int = 4 * 2020, seed: int = 1, **told: Any) -> Book:
    """Accounts that differ in size, some of which come late and some of which have long gone."""
    draw = np.random.default_rng(seed)
    size = np.exp(draw.normal(size=ACCOUNTS)) * 10_000
    spend = size[:, None] * np.exp(0.2 * draw.normal(size=(ACCOUNTS, quarters)))
    for late in range(5):
        spend[late, : max(0, quarters - 3 - late)] = 0.0
    spend[5:9, -6:] = 0.0
    names = tuple(f"A{number:02}" for number in range(ACCOUNTS))
    unknown = np.full(ACCOUNTS, np.nan)
    book = Book("made.csv", names, names, spend.sum(axis=1), *(unknown,) * 4, (), Quarters(first, spend))
    return replace(book, **told)


def last_years(book: Book, years: int) -> np.ndarray[Any, Any]:
    assert book.quarters is not None
    return book.quarters.spend[:, -4 * years :].reshape(ACCOUNTS, years, 4).sum(axis=2).T


@pytest.mark.parametrize("organization", [0, 7])
def test_the_history_of_a_run_is_that_of_the_book(organization: int) -> None:
    book, scenario = book_of(), small()
    _, unit = known_of(scenario, book)
    world = draw_world(scenario, seed=1, organization=organization, book=book)
    run = simulate(world, scenario, trace=True)
    spent = run.history.accounts["spend"][:2, :ACCOUNTS] * unit
    np.testing.assert_allclose(spent, last_years(book, 2), rtol=1e-12, atol=1e-9)
    assert run.trace is not None
    assert book.quarters is not None
    by_quarter = run.trace.accounts["spend"][:8, :ACCOUNTS] * unit
    np.testing.assert_allclose(by_quarter, book.quarters.spend[:, -8:].T, rtol=1e-12, atol=1e-9)
    # Nobody else buys before the launch.
    assert not run.history.accounts["spend"][:2, ACCOUNTS:].any()


def test_customers_of_the_history_are_those_that_had_come_by_then() -> None:
    book, scenario = book_of(), small()
    run = simulate(draw_world(scenario, seed=1, book=book), scenario)
    tier = run.history.accounts["tier"][:2, :ACCOUNTS]
    # The run begins in quarter 6 of the book; accounts 0 to 4 first buy in quarters 11, 10, 9, 8 and 7.
    assert (tier[0] == -1).nonzero()[0].tolist() == [0, 1]
    assert (tier[1] >= 0).all()


def test_the_program_is_launched_on_what_the_last_year_sold() -> None:
    book, scenario = book_of(), small()
    sold = last_years(book, 1)[0]
    for organization in range(10):
        world = draw_world(scenario, seed=1, organization=organization, book=book)
        tier = simulate(world, scenario).history.accounts["tier"][2, :ACCOUNTS]
        members = np.flatnonzero(tier > 0)
        assert set(members) == set(np.argsort(-sold)[: len(members)])
        assert len(members) > 0


def test_who_is_gone_is_drawn_as_often_as_the_book_makes_likely() -> None:
    book, scenario = book_of(), small()
    known, _ = known_of(scenario, book)
    assert (known.alive[5:9] < 0.5).all()
    assert (np.delete(known.alive, [5, 6, 7, 8]) > 0.9).all()
    gone = np.mean(
        [
            draw_world(scenario, seed=3, organization=number, book=book).accounts["leaves"][:ACCOUNTS]
            for number in range(200)
        ]
        < np.int64(100),
        axis=0,
    )
    np.testing.assert_allclose(gone, 1 - known.alive, atol=4 * 0.5 / np.sqrt(200))


def test_who_is_gone_buys_no_more_and_is_missed_only_if_it_bought_of_late() -> None:
    book, scenario = book_of(), small()
    for organization in range(30):
        world = draw_world(scenario, seed=3, organization=organization, book=book)
        history = simulate(world, scenario).history.accounts
        leaves, tier = world.accounts["leaves"][:ACCOUNTS], history["tier"][:, :ACCOUNTS]
        spend = history["spend"][:, :ACCOUNTS]
        assert set(leaves) <= {7, 8, 2**31}
        assert (spend[2:, leaves < 9] < 1e-200).all()
        assert (tier[2, leaves == 7] == -1).all()
        assert (tier[2, leaves == 8] >= 0).all()
        assert (tier[3:, leaves == 8] == -1).all()
        assert not np.isin(np.flatnonzero(leaves == 7), np.flatnonzero(last_years(book, 1)[0] > 0)).any()


def test_what_accounts_spend_after_the_launch_goes_on_from_the_end_of_the_book() -> None:
    book = book_of(quarters=24)
    scenario = small("no_program", arrival=0.0, hazard=0.0, market_growth=0.0, erosion=0.0, share_trust=0.0)
    known, _ = known_of(scenario, book)
    steady = np.arange(9, ACCOUNTS)
    after = np.mean(
        [
            simulate(draw_world(scenario, seed=2, organization=number, book=book), scenario).history.accounts["spend"][
                2
            ]
            for number in range(150)
        ],
        axis=0,
    )[steady]
    assert after.sum() / (known.alive * known.rate.mean(axis=0))[steady].sum() == pytest.approx(1.0, abs=0.05)


def test_seasons_are_those_of_the_year_of_the_book() -> None:
    index = {f"season_{number + 1}": value for number, value in enumerate((0.6, 0.8, 1.0, 1.6))}
    scenario = small(**index)
    for first in range(4):
        season = draw_world(scenario, seed=1, book=book_of(quarters=12, first=8080 + first)).season
        assert [season[(place - first) % 4] for place in range(4)] == pytest.approx([0.6, 0.8, 1.0, 1.6])


def test_a_book_that_is_shorter_than_the_history_is_played_where_it_tells_nothing() -> None:
    book, scenario = book_of(quarters=6), small()
    _, unit = known_of(scenario, book)
    run = simulate(draw_world(scenario, seed=1, book=book), scenario, trace=True)
    assert run.trace is not None
    assert book.quarters is not None
    spent = run.trace.accounts["spend"][:8, :ACCOUNTS] * unit
    np.testing.assert_allclose(spent[2:], book.quarters.spend.T, rtol=1e-12, atol=1e-9)
    assert (spent[:2] > 0).any()


def test_what_a_book_tells_of_margins_is_what_its_accounts_earn() -> None:
    margin = np.full(ACCOUNTS, np.nan)
    margin[:3] = 0.2, 0.5, 0.9
    scenario = small(gross_margin=0.45)
    usual = draw_world(scenario, seed=1, book=book_of()).accounts["cost"][:ACCOUNTS]
    told = draw_world(scenario, seed=1, book=book_of(margin=margin)).accounts["cost"][:ACCOUNTS]
    np.testing.assert_allclose(told[3:], usual[3:])
    np.testing.assert_allclose(told[:3], np.maximum(0, usual[:3] + 0.45 - margin[:3]))
    # Whatever margin others are taken to have, that of the book stays.
    richer = draw_world(small(gross_margin=0.6), seed=1, book=book_of(margin=margin)).accounts["cost"][:ACCOUNTS]
    np.testing.assert_allclose(0.6 - richer[:2], 0.45 - told[:2], atol=1e-12)


@pytest.mark.parametrize("told", ["share", "wallet"])
def test_what_a_book_tells_of_share_or_category_spend_stays(told: str) -> None:
    values = np.full(ACCOUNTS, np.nan)
    values[10:20] = 0.37 if told == "share" else 900_000.0
    book, scenario = book_of(**{told: values}), small()
    _, unit = known_of(scenario, book)
    for organization in range(4):
        world = draw_world(scenario, seed=1, organization=organization, book=book)
        born = world.accounts[10:20]
        if told == "share":
            np.testing.assert_allclose(born["share"], 0.37)
        else:
            np.testing.assert_allclose(4 * np.exp(born["log_wallet"]) * unit * (1 - born["concession"]), 900_000.0)


# ---------------------------------------------------------------- today's program

TODAY: dict[str, Any] = {
    "tier": np.array([0] * 10 + [1, 2, 1] + [0] * (ACCOUNTS - 13)),
    "kam": ("",) * 10 + ("Ann", "Bob", "Ann") + ("",) * (ACCOUNTS - 13),
}
PROGRAMS = ("status_quo", "full_program", "no_program", "full_with_incubator", "give_get")


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("keep", [0, 1])
def test_both_drivers_start_from_todays_program(name: str, keep: int) -> None:
    book, scenario = book_of(**TODAY), small(name, order_size_sd=0.4, orders_sd=0.3)
    scenario = scenario.changed(policy={"keep_today": keep})
    for organization in range(3):
        run = simulate(draw_world(scenario, seed=1, organization=organization, book=book), scenario)
        model = KeyAccountProgram(scenario, seed=1, organization=organization, book=book)
        model.run_model()
        assert_same_bits(run.history, model.history)


def test_todays_key_accounts_keep_their_places_where_the_program_keeps_them() -> None:
    book = book_of(**TODAY)
    (scenario,) = with_settings([small()], ["policy.keep_today=1", "tiers.key.seats=2", "tiers.strategic.seats=1"])
    for organization in range(5):
        world = draw_world(scenario, seed=1, organization=organization, book=book)
        history = simulate(world, scenario).history
        assert history.accounts["tier"][2, 10:13].tolist() == [1, 2, 1]
        assert history.years["elevation_cost"][1] == history.years["handover_cost"][1] == 0.0
        assert history.accounts["kam"][1, 10] == history.accounts["kam"][1, 12] != history.accounts["kam"][1, 11]


def test_a_program_that_selects_anew_pays_for_whom_it_elevates_and_hands_down() -> None:
    book, scenario = book_of(**TODAY), small(elevation_cost=0.1, handover_cost=0.01)
    world = draw_world(scenario, seed=1, book=book)
    history = simulate(world, scenario).history
    before, after = history.accounts["tier"][1, :ACCOUNTS] > 0, history.accounts["tier"][2, :ACCOUNTS] > 0
    assert before.sum() == 3
    elevated, handed_down = (after & ~before).sum(), (before & ~after).sum()
    assert elevated > 0
    assert handed_down > 0
    costs = history.years["elevation_cost"][1] / 0.1, history.years["handover_cost"][1] / 0.01
    assert costs[0] * handed_down == pytest.approx(costs[1] * elevated)


def test_to_end_todays_program_costs_the_share_that_hangs_on_its_people() -> None:
    book = book_of(**TODAY)
    scenario = small("no_program", bond_today=0.8, follow=0.5, handover=0.5)
    without = scenario.changed(world={"bond_today": 0.0})
    runs = [simulate(draw_world(one, seed=1, book=book), one, trace=True) for one in (scenario, without)]
    assert all((run.history.accounts["tier"][2:, :ACCOUNTS] <= 0).all() for run in runs)
    shares = [run.trace.accounts["share"][:, :ACCOUNTS] for run in runs if run.trace is not None]
    lost = shares[0][7] / shares[1][7]
    np.testing.assert_allclose(lost, 1.0)
    key = TODAY["tier"] > 0
    later = shares[0][8] / shares[1][8]
    np.testing.assert_allclose(later[~key], 1.0)
    assert (later[key] < 0.9).all()


def test_no_score_is_near_the_lead_of_todays_key_accounts() -> None:
    # Scores are logs of money in median wallets, or ranks.
    assert np.log(1e300) < TODAYS_LEAD / 1000
