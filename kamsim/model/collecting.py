"""What a model is watched by: sums and means over its agents, after every quarter."""

from typing import TYPE_CHECKING

import mesa

if TYPE_CHECKING:
    from kamsim.model.program import KeyAccountProgram


def collector() -> mesa.DataCollector:
    """Collector of what a model is worth watching for: a row after every quarter."""
    return mesa.DataCollector(
        model_reporters={
            "quarter": "quarter",
            "year": "year",
            "revenue": _revenue,
            "key_revenue": _key_revenue,
            "key_accounts": _key_accounts,
            "trust_of_key": _trust_of_key,
            "collaboration": _collaboration,
            "alignment": _alignment,
            "ties": _ties,
        }
    )


# What the data collector asks for are functions with a name, so that a model can be pickled.


def _revenue(model: "KeyAccountProgram") -> float:
    return model.money * float(sum(account.spend for account in model.accounts))


def _key_revenue(model: "KeyAccountProgram") -> float:
    return model.money * float(sum(account.spend for account in model.key_accounts))


def _key_accounts(model: "KeyAccountProgram") -> int:
    return len(model.key_accounts)


def _trust_of_key(model: "KeyAccountProgram") -> float:
    return _mean([account.trust for account in model.key_accounts])


def _collaboration(model: "KeyAccountProgram") -> float:
    return _mean([account.collaboration for account in model.key_accounts])


def _alignment(model: "KeyAccountProgram") -> float:
    return _mean([function.alignment for function in model.functions])


def _ties(model: "KeyAccountProgram") -> float:
    return _mean([tie for kam in model.kams for tie in kam.ties])


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
