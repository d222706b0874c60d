"""kamsim: agent-based simulation of key account programs.

Draw a world once, play any policy in it, and see which does better, by how much and how surely.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kamsim.books.book import Book, read_book
    from kamsim.errors import KamsimError
    from kamsim.evidence.posterior import Posterior, read_posterior
    from kamsim.experiments.designs import Experiment
    from kamsim.experiments.file import load_experiment, shipped_experiments
    from kamsim.experiments.sweep import Progressed, read_sweep, sweep
    from kamsim.model.agents import Account, Function, KeyAccountManager
    from kamsim.model.ensemble import Run
    from kamsim.model.plan import History
    from kamsim.model.program import KeyAccountProgram
    from kamsim.model.session import draw_world, simulate
    from kamsim.policy.policy import Policy
    from kamsim.scenario import Scenario, load_scenario, shipped_scenarios
    from kamsim.studies.compare import Comparison, compare
    from kamsim.studies.discover import Discovery, discover
    from kamsim.studies.explain import Explanation, explain
    from kamsim.studies.sensitivity import Sensitivity, sensitivity
    from kamsim.studies.survey import Survey, survey
    from kamsim.studies.uncertainty import UncertainComparison, compare_under_uncertainty
    from kamsim.studies.validate import Validation, validate
    from kamsim.world.world import World

__version__ = "0.2.0"

# Names load on first use: importing kamsim is fast and has no side effects.
_HOMES = {
    "Account": "kamsim.model.agents",
    "Book": "kamsim.books.book",
    "Comparison": "kamsim.studies.compare",
    "Discovery": "kamsim.studies.discover",
    "Experiment": "kamsim.experiments.designs",
    "Explanation": "kamsim.studies.explain",
    "Function": "kamsim.model.agents",
    "History": "kamsim.model.plan",
    "KamsimError": "kamsim.errors",
    "KeyAccountManager": "kamsim.model.agents",
    "KeyAccountProgram": "kamsim.model.program",
    "Policy": "kamsim.policy.policy",
    "Posterior": "kamsim.evidence.posterior",
    "Progressed": "kamsim.experiments.sweep",
    "Run": "kamsim.model.ensemble",
    "Scenario": "kamsim.scenario",
    "Sensitivity": "kamsim.studies.sensitivity",
    "Survey": "kamsim.studies.survey",
    "UncertainComparison": "kamsim.studies.uncertainty",
    "Validation": "kamsim.studies.validate",
    "World": "kamsim.world.world",
    "compare": "kamsim.studies.compare",
    "compare_under_uncertainty": "kamsim.studies.uncertainty",
    "discover": "kamsim.studies.discover",
    "draw_world": "kamsim.model.session",
    "explain": "kamsim.studies.explain",
    "load_experiment": "kamsim.experiments.file",
    "load_scenario": "kamsim.scenario",
    "read_book": "kamsim.books.book",
    "read_posterior": "kamsim.evidence.posterior",
    "read_sweep": "kamsim.experiments.sweep",
    "sensitivity": "kamsim.studies.sensitivity",
    "shipped_experiments": "kamsim.experiments.file",
    "shipped_scenarios": "kamsim.scenario",
    "simulate": "kamsim.model.session",
    "survey": "kamsim.studies.survey",
    "sweep": "kamsim.experiments.sweep",
    "validate": "kamsim.studies.validate",
}

__all__ = [
    "Account",
    "Book",
    "Comparison",
    "Discovery",
    "Experiment",
    "Explanation",
    "Function",
    "History",
    "KamsimError",
    "KeyAccountManager",
    "KeyAccountProgram",
    "Policy",
    "Posterior",
    "Progressed",
    "Run",
    "Scenario",
    "Sensitivity",
    "Survey",
    "UncertainComparison",
    "Validation",
    "World",
    "__version__",
    "compare",
    "compare_under_uncertainty",
    "discover",
    "draw_world",
    "explain",
    "load_experiment",
    "load_scenario",
    "read_book",
    "read_posterior",
    "read_sweep",
    "sensitivity",
    "shipped_experiments",
    "shipped_scenarios",
    "simulate",
    "survey",
    "sweep",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kamsim' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
