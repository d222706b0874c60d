"""Fit the calibrated defaults to the four published figures and to real books; ``docs/calibration.md`` has the result.

``python experiments/fit_defaults.py --iterations 40`` prints the best scenario so far after every iteration, as TOML.

The cross-entropy method: sample parameter sets around a center, keep those that fit best, move the center and the
spread to them. Tuning uses organizations of seeds 1000 and up, of which no test, default or benchmark makes use.
"""

import argparse

import numpy as np

from kamsim.analysis.survey import figures_of
from kamsim.evidence.published import OUTCOMES
from kamsim.experiments.chunk import job_of
from kamsim.experiments.runner import available_cores, run_in_chunks
from kamsim.scenario import Scenario, load_scenario

FIRST_TUNING_SEED = 1000
CHECKING_SEED = 5000

# Parameter: lowest, highest, and where the search starts and is lightly held.
FREE = {
    "world.hours_per_kam": (6, 25, 15),
    "world.capacity_per_seat": (0.25, 0.9, 0.5),
    "world.wallet_sigma": (0.7, 1.25, 0.95),
    "world.growth_sd": (0.02, 0.07, 0.045),
    "world.surge_sd": (0.36, 0.47, 0.44),
    "world.surge_persistence": (0.5, 0.8, 0.65),
    "world.order_noise_sd": (0.12, 0.2, 0.15),
    "world.market_growth": (0.015, 0.035, 0.03),
    "world.ceiling_fit": (0.6, 0.8, 0.76),
    "world.share_base": (0.2, 0.6, 0.35),
    "world.share_base_sd": (0.05, 0.22, 0.15),
    "world.share_trust": (0.1, 0.5, 0.21),
    "world.share_collaboration": (0.2, 1.5, 0.7),
    "world.share_speed": (0.12, 0.35, 0.24),
    "world.rival_rate": (0.03, 0.06, 0.049),
    "world.rival_exponent": (0.3, 0.8, 0.6),
    "world.rival_damage": (0.25, 0.5, 0.35),
    "world.trust_speed": (0.08, 0.3, 0.15),
    "world.value_collaboration": (0.25, 0.6, 0.35),
    "world.need_exponent": (0.1, 0.4, 0.2),
    "world.tie_mean": (0.4, 0.75, 0.6),
    "world.tie_sd": (0.1, 0.25, 0.2),
    "world.tie_learning": (0.2, 3, 0.8),
    "world.alignment_mean": (0.5, 0.8, 0.7),
    "world.sorting": (3, 40, 20),
    "world.turnover": (0.03, 0.065, 0.05),
    "world.disruption": (0.15, 0.3, 0.22),
    "world.observation_noise": (0.3, 0.6, 0.5),
    "world.premium_mean": (0.01, 0.06, 0.03),
    "world.patience_stop": (0.5, 0.9, 0.8),
    "world.report_noise": (0.005, 0.1, 0.03),
    "rebuild.fatigue": (0.08, 0.25, 0.125),
    "tiers.key.promise": (0.18, 0.36, 0.26),
}
# Strategic accounts are promised more than key accounts, by as much as in the specification.
STRATEGIC_PROMISE_ABOVE_KEY = 0.08
LOWEST, HIGHEST, START = np.array(list(FREE.values())).T

# What a deviation of one counts as: well inside what a survey of 69 can tell apart.
SCALE = {"quota_miss": 0.02, "rebuilt_twice": 0.03, "large_spend_growth_ratio": 0.025, "collaboration_ratio": 0.15}
# Moments of real books are held inside their observed ranges, with a margin.
RANGES = {"year_to_year_correlation": (0.87, 0.95, 0.01), "growth_sd": (0.28, 0.475, 0.02)}
HELD_TO_START = 0.012


def scenario_of(values: np.ndarray) -> Scenario:
    """Population with these values of the free parameters."""
    sections: dict = {"world": {}, "rebuild": {}, "tiers": {"ordered": {"key": {}}}}
    for name, value in zip(FREE, values, strict=True):
        section, *rest = name.split(".")
        place = sections[section] if section != "tiers" else sections["tiers"]["ordered"][rest[0]]
        place[rest[-1]] = float(value)
    promise = sections["tiers"]["ordered"]["key"]["promise"] + STRATEGIC_PROMISE_ABOVE_KEY
    sections["tiers"]["ordered"]["strategic"] = {"promise": promise}
    return load_scenario("population").changed(**sections)


def misfit(values: np.ndarray, seed: int, organizations: int) -> tuple[float, dict[str, float]]:
    """Weighted squared deviation of the simulated figures, and the figures."""
    job = job_of(scenario_of(values))
    figures = figures_of([tables[0] for tables in run_in_chunks([job], seed, organizations, workers=available_cores())])
    total = HELD_TO_START * float((((values - START) / (0.4 * (HIGHEST - LOWEST))) ** 2).sum())
    for published in OUTCOMES:
        total += ((figures[published.name] - published.value) / SCALE[published.name]) ** 2
    for name, (low, high, scale) in RANGES.items():
        total += (max(0.0, low - figures[name], figures[name] - high) / scale) ** 2
    return total, figures


def main() -> None:
    """Search, and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--iterations", type=int, default=40)
    arguments.add_argument("--samples", type=int, default=56)
    options = arguments.parse_args()
    random = np.random.default_rng(5)
    center, spread = START.copy(), 0.22 * (HIGHEST - LOWEST)
    for iteration in range(options.iterations):
        organizations = 300 if iteration < 22 else 800
        samples = center + spread * random.standard_normal((options.samples, len(center)))
        samples = np.clip(samples, LOWEST, HIGHEST)
        misfits = [misfit(sample, FIRST_TUNING_SEED + iteration, organizations)[0] for sample in samples]
        best = samples[np.argsort(misfits)[: options.samples // 5 + 1]]
        center = 0.3 * center + 0.7 * best.mean(axis=0)
        spread = np.maximum(0.3 * spread + 0.7 * best.std(axis=0), 0.01 * (HIGHEST - LOWEST))
        total, figures = misfit(center, CHECKING_SEED + iteration, organizations)
        print(f"# iteration {iteration}: misfit {total:.2f}", {k: round(v, 3) for k, v in figures.items()})
        print("\n".join(f"{name} = {value:.4g}" for name, value in zip(FREE, center, strict=True)), flush=True)


if __name__ == "__main__":
    main()
