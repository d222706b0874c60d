"""Figures measured on two real account books; none of their records is part of kamsim.

`kamsim.books.moments` computes them (`moments_of`, `deciles_of`) and says what each of them is. Ranges go from the
lowest to the highest pair of years; a book of two years has one pair, and so a point.
"""

from typing import NamedTuple

Tenth = tuple[float, float, float, float, float, float, float, float, float, float]


class RealBook(NamedTuple):
    """A real account book that figures were measured on."""

    book: str
    accounts: int  # with net spend above zero
    years: int
    says: str
    source: str


class BookMoment(NamedTuple):
    """A moment of annual spend: its lowest and highest value over pairs of years."""

    book: str
    accounts: str  # all, regular or steady
    moment: str
    low: float
    high: float


class BookDeciles(NamedTuple):
    """A decile table, lowest spend first: lowest and highest values over pairs of years."""

    book: str
    table: str  # retention, growth or steady_growth
    low: Tenth
    high: Tenth


BOOKS: tuple[RealBook, ...] = (
    RealBook(
        "iowa",
        2807,
        10,
        "sales of a monopoly wholesaler of spirits to licensed stores, 2012 to 2021 (calendar years)",
        "State of Iowa open data, m3tr-qhgy, by way of github jlguo9/Analyzing-Iowa-Liquor-Sales-Data @f7518869",
    ),
    RealBook(
        "online_retail",
        5810,
        2,
        "net sales of a British wholesaler of gifts, December 2009 to November 2011 (fiscal years)",
        "UCI Online Retail II, doi 10.24432/C5CG6D",
    ),
)


def _moments(book: str, accounts: str, **moments: tuple[float, float]) -> list[BookMoment]:
    return [BookMoment(book, accounts, moment, low, high) for moment, (low, high) in moments.items()]


MOMENTS: tuple[BookMoment, ...] = (
    *_moments(
        "iowa",
        "all",
        gini=(0.6747, 0.7117),
        top_share=(0.7138, 0.7494),
        log_sd=(1.3274, 1.4523),
        retained=(0.9323, 0.9531),
        rank_rule_miss=(0.0655, 0.0971),
        slope=(0.8367, 0.9489),
        growth_sd=(0.4543, 0.6122),
        correlation_1=(0.8968, 0.9378),
        correlation_2=(0.854, 0.9309),
        correlation_3=(0.8621, 0.9168),
        correlation_5=(0.8589, 0.9112),
    ),
    *_moments(
        "iowa",
        "regular",
        gini=(0.646, 0.6863),
        top_share=(0.6857, 0.725),
        log_sd=(1.2026, 1.2514),
        retained=(0.9783, 0.9934),
        rank_rule_miss=(0.0408, 0.1115),
        slope=(0.9571, 1.0097),
        growth_sd=(0.3409, 0.53),
        correlation_1=(0.9163, 0.9645),
        correlation_2=(0.907, 0.9535),
        correlation_3=(0.9037, 0.9457),
        correlation_5=(0.889, 0.9307),
    ),
    *_moments(
        "iowa",
        "steady",
        gini=(0.6459, 0.6872),
        top_share=(0.6843, 0.7263),
        log_sd=(1.207, 1.2574),
        retained=(1.0, 1.0),
        rank_rule_miss=(0.0378, 0.0982),
        slope=(0.9468, 0.9975),
        growth_sd=(0.1679, 0.2504),
        correlation_1=(0.9801, 0.9907),
        correlation_2=(0.9631, 0.9822),
        correlation_3=(0.9563, 0.9732),
        correlation_5=(0.9425, 0.956),
    ),
    *_moments(
        "online_retail",
        "all",
        gini=(0.6985, 0.6985),
        top_share=(0.7289, 0.7289),
        log_sd=(1.2704, 1.2704),
        retained=(0.6367, 0.6367),
        rank_rule_miss=(0.3322, 0.3322),
        slope=(0.7522, 0.7522),
        growth_sd=(0.9365, 0.9365),
        correlation_1=(0.7167, 0.7167),
    ),
    *_moments(
        "online_retail",
        "regular",
        gini=(0.6259, 0.6259),
        top_share=(0.6762, 0.6762),
        log_sd=(0.9836, 0.9836),
        retained=(0.9426, 0.9426),
        rank_rule_miss=(0.312, 0.312),
        slope=(1.012, 1.012),
        growth_sd=(0.7436, 0.7436),
        correlation_1=(0.802, 0.802),
    ),
    *_moments(
        "online_retail",
        "steady",
        gini=(0.6416, 0.6416),
        top_share=(0.6957, 0.6957),
        log_sd=(1.0006, 1.0006),
        retained=(1.0, 1.0),
        rank_rule_miss=(0.2131, 0.2131),
        slope=(0.895, 0.895),
        growth_sd=(0.4677, 0.4677),
        correlation_1=(0.8912, 0.8912),
    ),
)

DECILES: tuple[BookDeciles, ...] = (
    BookDeciles(
        "iowa",
        "retention",
        (0.7134, 0.8767, 0.8973, 0.9015, 0.918, 0.9297, 0.9521, 0.9573, 0.9726, 0.9918),
        (0.878, 0.9573, 0.9855, 0.9869, 0.9803, 0.9796, 0.9886, 0.9918, 1.0, 1.0),
    ),
    BookDeciles(
        "iowa",
        "growth",
        (0.2466, 0.0743, 0.0262, 0.0287, -0.0078, 0.002, -0.0286, -0.0184, -0.0626, -0.0168),
        (0.8262, 0.452, 0.3276, 0.2619, 0.1461, 0.1428, 0.1785, 0.1534, 0.1393, 0.1124),
    ),
    BookDeciles(
        "iowa",
        "steady_growth",
        (0.1013, 0.0262, 0.0224, -0.0156, 0.0002, -0.0308, -0.0031, -0.0129, -0.0614, -0.0183),
        (0.3733, 0.3065, 0.2568, 0.1461, 0.1541, 0.1926, 0.1816, 0.152, 0.1489, 0.1123),
    ),
    BookDeciles(
        "online_retail",
        "retention",
        (0.2979, 0.3735, 0.4988, 0.5059, 0.654, 0.669, 0.7376, 0.8227, 0.87, 0.9384),
        (0.2979, 0.3735, 0.4988, 0.5059, 0.654, 0.669, 0.7376, 0.8227, 0.87, 0.9384),
    ),
    BookDeciles(
        "online_retail",
        "growth",
        (0.8624, 0.3743, 0.1572, -0.092, -0.1922, -0.2519, -0.4123, -0.2367, -0.3354, -0.3044),
        (0.8624, 0.3743, 0.1572, -0.092, -0.1922, -0.2519, -0.4123, -0.2367, -0.3354, -0.3044),
    ),
    BookDeciles(
        "online_retail",
        "steady_growth",
        (0.1954, 0.116, -0.0712, -0.0283, -0.1599, -0.0092, -0.1273, -0.27, -0.1667, -0.0054),
        (0.1954, 0.116, -0.0712, -0.0283, -0.1599, -0.0092, -0.1273, -0.27, -0.1667, -0.0054),
    ),
)
