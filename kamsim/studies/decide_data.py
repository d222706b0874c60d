"""What is known or drawn of accounts and prices, and the data that a firm could find out before it decides."""

from typing import NamedTuple

import numpy as np

from kamsim.books.book import Book
from kamsim.experiments.jobs import Job
from kamsim.types import Floats
from kamsim.world.world import World


class Drawn(NamedTuple):
    """What a case has of each account of the book at the launch, arrays of shape (accounts,)."""

    share: Floats  # of wallet
    potential: Floats  # money a year that the account spends with others and could spend with us
    fit: Floats
    trust: Floats
    cost: Floats  # to serve, part of list price
    rate: Floats  # money a year that the account spends with us by then, if it is still a customer; else 0


class Datum(NamedTuple):
    """Something that a firm could find out: facts of accounts, and parameters, that it would tell."""

    name: str
    says: str  # what would have to be found out
    facts: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()


LEAST = 1e-9  # that is divided by
_SUMMED_UP = ("large", "others", "picked")  # of a fact of accounts: see `facts_of`
OF_ACCOUNTS = ("share", "fit", "trust", "cost", "rate")
FACTS = tuple(f"{name}_{summed_up}" for name in OF_ACCOUNTS for summed_up in _SUMMED_UP)
DATA: tuple[Datum, ...] = (
    Datum("share_of_wallet", "share of wallet of each account", ("share",)),
    Datum("rate", "what each account buys a year by now, and who has left for good", ("rate",)),
    Datum("fit", "strategic fit of each account", ("fit",)),
    Datum("health", "trust (health) of each account", ("trust",)),
    Datum("cost_to_serve", "cost to serve of each account", ("cost",), ("world.serve_cost",)),
    Datum("growth", "growth of the market", (), ("world.market_growth",)),
    Datum("churn", "how often accounts leave, and why", (), ("world.hazard", "world.hazard_trust")),
    Datum("gross_margin", "gross margin", (), ("world.gross_margin",)),
    Datum(
        "price_concessions", "price concessions: usual ones, and those of each tier", (),
        ("world.base_concession", "world.erosion", "tiers.key.concession", "tiers.strategic.concession"),
    ),
    Datum(
        "cost_of_service", "cost of KAM time and support, and how much of it there is", (),
        ("world.hour_cost", "world.support_cost", "world.hours_per_kam", "world.capacity_per_seat"),
    ),
    Datum(
        "cost_of_moves", "cost of making an account key, and of handing it over", (),
        ("world.elevation_cost", "world.handover_cost"),
    ),
    Datum(
        "turnover", "turnover of KAMs, and what leaves with them", (),
        ("world.turnover", "world.follow", "world.disruption"),
    ),
    Datum(
        "answer_to_service", "how share of wallet answers to service (a trial tells)", (),
        ("world.share_collaboration", "world.value_collaboration", "world.value_attention", "world.share_speed"),
    ),
    Datum("selection", "how well growth potential is read", (), ("world.observation_noise",)),
)  # fmt: skip


def spend_of(book: Book) -> Floats:
    """What each account spent in the last year of a book, or what a book without a history says that it spends."""
    return book.annual_spend if book.quarters is None else book.quarters.spend[:, -4:].sum(axis=1)


def drawn_in(world: World, job: Job, launch: int) -> Drawn:
    """What a world has of the accounts of the first book when the program is launched, money in that of the book."""
    born = world.accounts[: world.first]
    wallet = 4.0 * job.unit * world.quarters[4 * launch - 1]["wallet"][: world.first]
    share = born["share"].copy()
    room = np.maximum(born["ceiling"] - share, 0.0)
    rate = wallet * share * (1.0 - born["concession"])
    return Drawn(share, wallet * room, born["fit"].copy(), born["trust"].copy(), born["cost"].copy(), rate)


def facts_of(drawn: Drawn, spend: Floats, seats: int) -> Floats:
    """Sum up what a case has of its accounts, by `FACTS`.

    Of each datum: the mean of the largest accounts by spend, as many as have places, that of the others, and what the
    best accounts for their size have more than the largest; all weighted by spend.
    """
    places = max(1, min(seats, len(spend)))
    by_spend = np.argsort(-spend, kind="stable")
    large, others = by_spend[:places], by_spend[places:]
    # What a customer spends with others, for each unit spent with us, counts: so a share is turned round.
    of_spend = drawn.rate / np.maximum(spend, LEAST)
    values = (1.0 / np.maximum(drawn.share, LEAST), drawn.fit, drawn.trust, -drawn.cost, of_spend)
    found = []
    for value in values:
        amounts = spend * value
        picked = np.partition(amounts, len(amounts) - places)[len(amounts) - places :].sum()
        found += [
            amounts[large].sum() / spend[large].sum(),
            amounts[others].sum() / spend[others].sum() if len(others) else 0.0,
            (picked - amounts[large].sum()) / spend.sum(),
        ]
    return np.array(found)


def features_of(datum: Datum, facts: Floats, parameters: tuple[str, ...], values: Floats) -> Floats:
    """What sums up a datum in each case, (cases, features); facts and values as of `Cases`."""
    of_accounts = [place for place, name in enumerate(FACTS) if name.rpartition("_")[0] in datum.facts]
    named = [place for place, name in enumerate(parameters) if name in datum.parameters]
    return np.concatenate([facts[:, of_accounts], values[:, named]], axis=1)


def told_by(book: Book) -> dict[str, np.ndarray]:
    """Which of the readings of accounts a book tells itself, by name."""
    share = ~np.isnan(book.share)
    return {
        "share": share,
        "potential": share & ~np.isnan(book.fit),
        "fit": ~np.isnan(book.fit),
        "trust": ~np.isnan(book.trust),
        "cost": np.zeros(len(share), dtype=np.bool_),
        "rate": np.full(len(share), book.quarters is None),
    }
