"""M: which measures are shown: named one by one, or by groups of those who ask for them."""

from collections.abc import Iterable

from kamsim.errors import KamsimError, nearest, shown
from kamsim.measures.outcomes import MEASURES, Measure

NAMES = tuple(measure.name for measure in MEASURES)
PROFIT = NAMES.index("total_profit")  # its place among all measures
USUAL = ("total_profit", "quota_miss_rate", "rebuilds_per_seven_years", "collaboration")  # where nothing is chosen
# A table for spreadsheets that names no measures has those of the first version, so that whoever reads it still can.
FILED = (*USUAL, "key_revenue_growth", "investment_in_shrinking")
GROUPS: dict[str, tuple[str, ...]] = {
    "board": (
        *("total_profit", "program_spend", "net_revenue_retention", "key_churn_by_spend", "key_share_of_wallet"),
        *("top_10_share", "revenue_at_risk", "forecast_error", "elevation_hit_rate", "cost_per_hit"),
        *("overinvestment", "expectation_gap"),
    ),
    "program": (
        *("quota_miss_rate", "rebuilds_per_seven_years", "collaboration", "program_spend", "price_concessions"),
        *("forecast_bias", "forecast_error", "elevation_hit_rate", "cost_per_hit", "overinvestment"),
        "investment_in_shrinking",
    ),
    "customer": (
        *("key_revenue_growth", "growth_over_others", "expectation_gap"),
        *("net_revenue_retention", "gross_revenue_retention", "key_churn", "key_churn_by_spend"),
        *("key_share_of_wallet", "key_share_gained", "top_1_share", "top_10_share", "concentration"),
        "revenue_at_risk",
    ),
    "all": NAMES,
}


def chosen(words: Iterable[str]) -> tuple[str, ...]:
    """Names of measures that are asked for, in the order of `MEASURES`.

    Parameters
    ----------
    words : iterable of str
        Names of measures and of `GROUPS`, several with commas between them.

    Returns
    -------
    tuple of str
        Each once.

    Raises
    ------
    KamsimError
        Where a word names neither; it says which is nearest.
    """
    found = set[str]()
    for word in (part.strip() for text in words for part in text.split(",")):
        if word in GROUPS:
            found.update(GROUPS[word])
        elif word in NAMES:
            found.add(word)
        else:
            raise KamsimError(f"{shown(word)} is no measure and no group of them; {nearest(word, (*GROUPS, *NAMES))}")
    return tuple(name for name in NAMES if name in found)


def named(names: Iterable[str]) -> tuple[Measure, ...]:
    """Measures of some names, in the order of `MEASURES`."""
    known = set(names)
    return tuple(measure for measure in MEASURES if measure.name in known)
