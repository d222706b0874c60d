"""Published patterns that no parameter was fitted to: what a model has to find by itself, or to miss honestly."""

from typing import NamedTuple


class HeldBack(NamedTuple):
    """A published pattern, as a range; a single figure has the same at both ends."""

    name: str
    low: float
    high: float
    says: str
    source: str


HELD_BACK: tuple[HeldBack, ...] = (
    HeldBack(
        "rebuilt_once",
        0.79,
        0.79,
        "79 % of organizations rebuilt their program at least once in seven years",
        "Gartner 2021, by secondary sources",
    ),
    HeldBack(
        "top_share",
        0.59,
        0.73,
        "the top 20 % of customers bring 67 % of sales, 59 to 73 % by company",
        "McCarthy & Winer 2018",
    ),
    HeldBack(
        "departure_cost",
        0.13,
        0.18,
        "a departing KAM costs 13 to 18 % of an account's sales in the next year",
        "Shi et al. 2017, sales representatives",
    ),
    HeldBack(
        "demotion_against_promotion",
        0.0,
        float("inf"),
        "a demotion takes more spend than a promotion brings",
        "Homburg, Droll & Totzek 2008; Wagner et al. 2009",
    ),
    HeldBack(
        "rank_rule_miss",
        0.0,
        0.55,
        "of next year's top 20 % of accounts, less than 55 % are not in this year's, and as many as in real books",
        "Malthouse & Blattberg 2005 (consumers); two real books",
    ),
)
