"""Patterns that a simulated world is held against, with how each was used and what a miss of it means."""

from typing import Literal, NamedTuple

from kamsim.evidence.published import SURVEY_SAMPLE

# held back: used neither in choosing rules nor in fitting. checked: known while rules were chosen, and nothing was
# fitted to it. fitted: parameters, or the ranges that they may lie in, were chosen so that it holds.
Use = Literal["held back", "checked", "fitted"]

DECILES = 10.0
_KAM_SAMPLE_ERROR = 1.96 * (0.16 * 0.84 / SURVEY_SAMPLE) ** 0.5  # the number of KAMs asked is not published
ABOVE = float("inf")


class Pattern(NamedTuple):
    """A pattern as a range; a single figure has the same at both ends."""

    name: str
    use: Use
    low: float
    high: float
    says: str
    source: str
    meaning: str  # what a miss means for a decision, the end of a sentence


_BOOKS = "two real books"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "rank_rule_miss",
        "held back",
        0.0,
        0.55,
        "of next year's top 20 % of accounts, fewer than 55 % are new there, and as many as in real books",
        f"Malthouse & Blattberg 2005 (consumers); {_BOOKS}",
        "next year's largest accounts are easier or harder to foresee than in life; do not ask what selecting by "
        "potential instead of spend is worth",
    ),
    Pattern(
        "steady_growth",
        "checked",
        DECILES,
        DECILES,
        "median log growth of accounts that buy in all eight quarters, by decile of spend, as in real books",
        _BOOKS,
        "loyal customers grow otherwise than in life; do not ask what large ones would have done without a program",
    ),
    Pattern(
        "trust_gap",
        "checked",
        -0.25,
        0.25,
        "key customers trust neither more nor less than others, by a quarter of a standard deviation",
        "Ivens & Pardo 2007",
        "a program earns more trust, or less, than firms report; do not ask how long key customers stay, or what "
        "service is worth",
    ),
    Pattern(
        "margin_gap",
        "checked",
        0.05,
        0.09,
        "the margin on key accounts is 5 to 9 points below that on others",
        "consultants",
        "key accounts get too much or too little discount; do not ask whether a program pays, only at which discount "
        "it breaks even",
    ),
    Pattern(
        "whale_peak",
        "checked",
        1.5,
        3.0,
        "the most profitable customers together earn 1.5 to 3 times the total profit; the others lose the rest (whale "
        "curve)",
        "consultants; Kaplan & Narayanan",
        "too few or too many accounts lose money; do not ask which to drop, or what selecting by profit is worth",
    ),
    Pattern(
        "service_used",
        "checked",
        0.16 - _KAM_SAMPLE_ERROR,
        0.16 + _KAM_SAMPLE_ERROR,
        "16 % of KAMs say that their key customers fully use the resources dedicated to them",
        f"Gartner benchmarking survey 2021; the range is the error of a sample of {SURVEY_SAMPLE}",
        "customers use more or less of the service than in life; do not ask what agreeing on it with them (bilateral "
        "boundaries) is worth",
    ),
    Pattern(
        "demotion_against_promotion",
        "checked",
        0.0,
        ABOVE,
        "an account loses more sales by a demotion than it gains by a promotion",
        "Homburg, Droll & Totzek 2008; Wagner et al. 2009",
        "taking customers out of the program costs too little; do not conclude that re-tiering pays",
    ),
    Pattern(
        "demoted_below",
        "checked",
        -ABOVE,
        0.0,
        "a demoted customer buys less than if it had never been promoted",
        "Wagner, Hennig-Thurau & Rudolph 2009",
        "a customer can be tried as a key account at no risk; do not conclude that re-tiering or an incubator pays",
    ),
    Pattern(
        "retention",
        "fitted",
        DECILES,
        DECILES,
        "part of accounts that buy again in the next year, by decile of spend, as in real books",
        _BOOKS,
        "customers leave or stay otherwise than in life; do not ask about churn, or a customer's lifetime value",
    ),
    Pattern(
        "growth",
        "fitted",
        DECILES,
        DECILES,
        "median log growth of accounts that buy again, by decile of spend, as in real books",
        _BOOKS,
        "large or small accounts grow otherwise than in life; do not compare programs that select by size",
    ),
    Pattern(
        "top_share",
        "fitted",
        0.59,
        0.73,
        "the top 20 % of customers bring 67 % of sales, 59 to 73 % by company",
        "McCarthy & Winer 2018; fitted to the same of two real books",
        "sales depend on the largest customers more or less than in life; do not ask how many key accounts to have",
    ),
    Pattern(
        "departure_cost",
        "fitted",
        0.13,
        0.18,
        "a departing KAM costs 13 to 18 % of an account's sales in the next year",
        "Shi et al. 2017, sales representatives; the ranges of what a KAM takes along were chosen by it",
        "departing KAMs cost too little or too much; do not ask what it is worth to keep them, or to hand over with "
        "care",
    ),
    Pattern(
        "rebuilt_once",
        "fitted",
        0.79,
        0.84,
        "79 to 84 % of suppliers rebuilt their program at least once in seven years",
        "Gartner 2021, by secondary sources; Adamson",
        "programs are rebuilt too often or too seldom; do not ask what rebuilds cost, or what staying the course is "
        "worth",
    ),
    Pattern(
        "programs_pay",
        "fitted",
        0.0,
        ABOVE,
        "on average over a mix of suppliers, having a program earns more than having none",
        "Homburg, Droll & Totzek 2008, 310 firms (sign)",
        "the usual program loses money; compare programs with each other, and do not conclude to have none",
    ),
)
