"""Where the values of fitted parameters may plausibly lie, before anything is fitted.

Parameters are named by section and name, ``world.turnover``; tiers as in a scenario file, ``tiers.key.promise``.
Ranges span what the reference specification and its prototype give, what fits to other forms of the model needed, and
what the literature that rules cite allows; a fitted value has to lie inside.
"""

PLAUSIBLE: dict[str, tuple[float, float]] = {
    "world.hours_per_kam": (6.0, 25.0),
    "world.capacity_per_seat": (0.2, 0.9),
    "world.wallet_sigma": (0.7, 1.3),
    "world.market_growth": (0.005, 0.04),
    "world.growth_sd": (0.03, 0.12),
    "world.growth_persistence": (0.5, 0.9),
    "world.wallet_shock_sd": (0.03, 0.1),
    "world.surge_sd": (0.3, 0.5),
    "world.surge_persistence": (0.5, 0.8),
    "world.order_noise_sd": (0.1, 0.2),
    "world.ceiling_fit": (0.6, 0.8),
    "world.share_base": (0.2, 0.6),
    "world.share_base_sd": (0.05, 0.22),
    "world.share_trust": (0.1, 0.5),
    "world.share_collaboration": (0.2, 1.5),
    "world.share_speed": (0.04, 0.35),
    "world.rival_rate": (0.03, 0.09),
    "world.rival_exponent": (0.3, 0.9),
    "world.rival_damage": (0.25, 0.6),
    "world.trust_speed": (0.08, 0.3),
    "world.value_collaboration": (0.25, 0.6),
    "world.need_exponent": (0.1, 0.4),
    "world.tie_mean": (0.4, 0.75),
    "world.tie_sd": (0.1, 0.25),
    "world.tie_learning": (0.2, 3.0),
    "world.alignment_mean": (0.5, 0.8),
    "world.sorting": (2.0, 30.0),
    "world.turnover": (0.02, 0.065),
    "world.disruption": (0.1, 0.3),
    "world.observation_noise": (0.3, 0.6),
    "world.premium_mean": (0.01, 0.06),
    "world.patience_stop": (0.5, 0.95),
    "world.report_noise": (0.01, 0.1),
    "rebuild.fatigue": (0.08, 0.25),
    "tiers.key.promise": (0.18, 0.45),
}

# Strategic accounts are promised more than key accounts, by as much as in the reference specification.
TIED: dict[str, tuple[str, float]] = {"tiers.strategic.promise": ("tiers.key.promise", 0.08)}
