"""Where the values of fitted parameters may plausibly lie, before anything is fitted.

Parameters are named by section and name, ``world.turnover``; tiers as in a scenario file, ``tiers.key.promise``.
Ranges span what the reference specification and its prototypes give, what fits to other forms of the model needed, and
what the literature that rules cite allows; a fitted value has to lie inside. The world is fitted to books alone, and
frozen; then the program and the survey are fitted to published figures.
"""

import math

WORLD: dict[str, tuple[float, float]] = {
    "world.wallet_sigma": (0.8, 1.7),
    "world.market_growth": (-0.12, 0.03),
    "world.growth_sd": (0.08, 0.8),
    "world.growth_size": (0.0, 0.35),
    "world.orders": (1.0, 600.0),
    "world.orders_exponent": (0.4, 1.0),
    "world.arrival": (0.03, 1.0),
    "world.new_size": (-1.5, 1.0),
    "world.new_share": (0.1, 1.0),
    "world.hazard": (0.002, 0.15),
    "world.hazard_size": (0.0, 1.2),
    "world.share_base_sd": (0.02, 0.15),
}

PROGRAM: dict[str, tuple[float, float]] = {
    "world.hours_per_kam": (6.0, 25.0),
    "world.capacity_per_seat": (0.05, 0.5),
    "world.hazard_trust": (0.0, 4.0),
    "world.ceiling_fit": (0.6, 0.845),
    "world.share_base": (0.05, 0.4),
    "world.share_trust": (0.1, 0.8),
    "world.share_collaboration": (0.5, 6.0),
    "world.share_speed": (0.01, 0.1),
    "world.trust_speed": (0.08, 0.5),
    "world.bond_speed": (0.05, 0.8),
    "world.follow": (0.05, 0.5),
    "world.disruption": (0.05, 0.35),
    "world.value_attention": (0.05, 0.6),
    "world.value_collaboration": (0.3, 2.0),
    "world.need_exponent": (0.0, 0.4),
    "world.tie_mean": (0.2, 0.7),
    "world.tie_sd": (0.05, 0.45),
    "world.tie_learning": (0.5, 8.0),
    "world.alignment_mean": (0.5, 0.95),
    "world.sorting": (5.0, 95.0),
    "world.turnover": (0.01, 0.09),
    "world.observation_noise": (0.02, 0.8),
    "world.premium_mean": (0.01, 0.1),
    "world.patience_stop": (0.5, 1.0),
    "world.report_noise": (0.002, 0.05),
    "rebuild.fatigue": (0.08, 0.4),
    "tiers.key.promise": (0.05, 0.35),
}

# Hardly pinned by anything published: honest ranges, of which those sets are kept whose programs pay.
MONEY: dict[str, tuple[float, float]] = {
    "world.gross_margin": (0.25, 0.7),
    "world.serve_cost": (0.1, 0.3),
    "world.hour_cost": (0.0003, 0.0042),
    "world.support_cost": (0.0075, 0.045),
    "world.elevation_cost": (0.02, 0.3),
    "world.handover_cost": (0.01, 0.06),
    "world.base_concession": (0.03, 0.06),
    "world.erosion": (0.0, 0.01),
    "tiers.key.concession": (0.0, 0.03),
    "tiers.strategic.concession": (0.0, 0.04),
}

PLAUSIBLE: dict[str, tuple[float, float]] = WORLD | PROGRAM | MONEY

# Strategic accounts are promised more than key accounts, by as much as in the reference specification.
TIED: dict[str, tuple[str, float]] = {"tiers.strategic.promise": ("tiers.key.promise", 0.08)}

# Told apart by factors, not by differences: half-way is the geometric middle.
BY_FACTORS = ("world.orders", "world.arrival", "world.hazard")


def value_at(name: str, ends: tuple[float, float], part: float) -> float:
    """Value of a parameter at a part, 0 to 1, of the way between two ends."""
    low, high = ends
    return low * (high / low) ** part if name in BY_FACTORS else low + part * (high - low)


def part_of(name: str, ends: tuple[float, float], value: float) -> float:
    """Part of the way between two ends at which a value lies; the inverse of `value_at`."""
    low, high = ends
    return math.log(value / low) / math.log(high / low) if name in BY_FACTORS else (value - low) / (high - low)
