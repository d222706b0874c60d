"""What tests share: small scenarios, random valid scenarios, and comparison to the last bit."""

import math
import os
import signal
from typing import Any

import numba
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from kamsim.evidence.ledger import LEDGER, TERMS_OF_PROGRAM, Parameter, parameter
from kamsim.scenario import LEVERS, MOST_CONCEDED, PRESETS, Scenario, load_scenario

# A shell that runs tests in the background has them ignore Ctrl-C, which the processes that they start would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "kamsim",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("kamsim")


def examples(number: int) -> settings:
    """So many random examples, a tenth of them with the compiler off, where a run takes a hundred times as long."""
    return settings(max_examples=max(5, number // 10) if numba.config.DISABLE_JIT else number)


SHORT = {"history_years": 2, "warmup_years": 1, "window_years": 3}

# Drawn or fixed by `scenarios` itself, because they hang together with others.
_DRAWN_APART = {
    "accounts",
    "functions",
    "budgeted_seats",
    "budgeted_seats_most",
    "accounts_per_kam",
    "ceiling_base",
    "ceiling_fit",
    "patience_least",
    "patience_most",
    "bargaining_base",
    "bargaining_most",
}


def small(name: str = "status_quo", timeline: dict[str, int] | None = None, **world: Any) -> Scenario:
    """A shipped scenario with few accounts, three KAMs and six years, in which much happens."""
    few = {"accounts": 40, "accounts_per_kam": 2.0, "patience_least": 1, "turnover": 0.1}
    return load_scenario(name).changed(world={**few, **world}, timeline=SHORT | (timeline or {}))


def assert_same_bits(one: Any, other: Any) -> None:
    """Two arrays or tuples of arrays, with fields or without, are the same to the last bit."""
    if isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same_bits(a, b)
        return
    a, b = np.asarray(one), np.asarray(other)
    assert a.shape == b.shape
    assert a.dtype.names == b.dtype.names
    for name in a.dtype.names or [None]:
        left, right = (a, b) if name is None else (a[name], b[name])
        assert left.dtype == right.dtype
        assert left.tobytes() == right.tobytes(), f"{name} differs first at {np.argwhere(left != right)[:1].tolist()}"


def _value(draw: st.DrawFn, row: Parameter) -> float:
    if isinstance(row.default, int):
        return draw(st.integers(int(row.low), int(min(row.high, row.low + 8))))
    out = {"exclude_min": row.excluded == "low", "exclude_max": row.excluded == "high"}
    return draw(st.floats(row.low, row.high, allow_subnormal=False, **out))


@st.composite
def _tiers(draw: st.DrawFn, accounts: int) -> dict[str, Any]:
    left, ordered = accounts, {}
    for number in range(draw(st.integers(1, 3))):
        seats: float = draw(st.integers(0, left))
        left -= int(seats)
        # A share is of all accounts; a share of 1 would be read as a single seat.
        if seats < accounts and draw(st.booleans()):
            seats = seats / accounts
        ordered[f"tier_{number + 1}"] = {
            "seats": seats,
            "attention": draw(st.floats(0.1, 10)),
            "promise": draw(st.floats(0, 2)),
            "concession": draw(st.floats(0, 0.4)),
        }
    return {"ordered": ordered, "standard_promise": draw(st.floats(0, 2)), "seat_cap": draw(st.sampled_from([60, 3]))}


@st.composite
def _policy(draw: st.DrawFn) -> dict[str, Any]:
    policy: dict[str, Any] = {
        lever: draw(st.floats(0, 1) | st.sampled_from(sorted(PRESETS[lever]))) for lever in LEVERS
    }
    if draw(st.booleans()):
        policy["retiering"] = {draw(st.sampled_from(["performance", "spend"])): draw(st.floats(0, 1))}
    return policy


@st.composite
def _world(draw: st.DrawFn) -> dict[str, Any]:
    accounts = draw(st.integers(2, 40))
    base = draw(st.floats(0.01, 1))
    most = draw(st.floats(0, 10))
    patience = sorted([draw(st.integers(1, 4)), draw(st.integers(1, 6))])
    return {
        "accounts": accounts,
        "functions": draw(st.integers(1, 6)),
        "budgeted_seats": draw(st.integers(0, accounts) | st.floats(0, 0.99)),
        "accounts_per_kam": draw(st.floats(2, 20)),
        "ceiling_base": base,
        "ceiling_fit": draw(st.floats(0, 0.99)) * (1 - base),
        "patience_least": patience[0],
        "patience_most": patience[1],
        "bargaining_base": draw(st.floats(0, 5)),
        "bargaining_most": most,
    }


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Random valid scenarios, small and short: tiers, levers and a handful of ledger parameters within their ranges."""
    world = draw(_world())
    sections: dict[str, Any] = {name: {} for name in TERMS_OF_PROGRAM}
    sections |= {"world": world, "policy": draw(_policy())}
    sections["tiers"] = draw(_tiers(world["accounts"]))
    for tier in sections["tiers"]["ordered"].values():
        # A scenario may not concede more than this of the list price.
        tier["concession"] = min(tier["concession"], 0.999 * MOST_CONCEDED / max(world["bargaining_most"], 0.001))
    rows = [row for row in LEDGER if row.section in ("world", *TERMS_OF_PROGRAM) and row.name not in _DRAWN_APART]
    for row in draw(st.lists(st.sampled_from(rows), max_size=8, unique_by=lambda row: row.name)):
        sections[row.section][row.name] = _value(draw, row)
    sections["timeline"] = {
        "history_years": draw(st.integers(2, 3)),
        "warmup_years": draw(st.integers(0, 2)),
        "window_years": draw(st.integers(1, 4)),
        "discount": draw(st.sampled_from([0.0, 0.08, 1.0])),
    }
    if draw(st.integers(0, 4)) == 0:
        for lever in LEVERS:
            del sections["policy"][lever]
        sections["population"] = {lever: draw(st.floats(0, 1)) for lever in LEVERS}
    return Scenario().changed(**sections)


def _end(row: Parameter) -> st.SearchStrategy[float]:
    low = math.nextafter(row.low, math.inf) if row.excluded == "low" else row.low
    return st.sampled_from([type(row.default)(end) for end in (low, row.high)])


@st.composite
def at_the_ends(draw: st.DrawFn) -> Scenario:
    """Valid scenarios that few would write: numbers at the ends of their ranges, tiers without seats, no capacity."""
    accounts = draw(st.integers(2, 5))
    world: dict[str, Any] = {
        "accounts": accounts,
        "functions": draw(st.sampled_from([1, 2, 16])),
        "budgeted_seats": draw(st.sampled_from([0, accounts, 0.01])),
        "accounts_per_kam": draw(st.sampled_from([0.5, 2.0, 100.0])),
    }
    world["ceiling_base"], world["ceiling_fit"] = draw(st.sampled_from([(0.01, 0.0), (0.01, 0.99), (1.0, 0.0)]))
    world["patience_least"], world["patience_most"] = draw(st.sampled_from([(1, 1), (1, 100), (100, 100)]))
    left, ordered = accounts, {}
    attention = parameter("tiers", "key.attention")
    for number in range(draw(st.integers(0, 3))):
        seats = draw(st.sampled_from([0, min(1, left), left]))
        left -= seats
        ordered[f"tier_{number + 1}"] = {"seats": seats, "attention": draw(_end(attention)), "concession": 0.09}
    levers: dict[str, Any] = {lever: draw(st.sampled_from([0.0, 1.0])) for lever in LEVERS}
    if draw(st.booleans()):
        levers["retiering"] = {draw(st.sampled_from(["performance", "spend"])): 1.0}
    sections: dict[str, Any] = {name: {} for name in TERMS_OF_PROGRAM}
    sections |= {"world": world, "policy": levers, "tiers": {"ordered": ordered}}
    rows = [row for row in LEDGER if row.section in ("world", *TERMS_OF_PROGRAM) and row.name not in _DRAWN_APART]
    for row in draw(st.lists(st.sampled_from(rows), max_size=len(rows), unique_by=lambda row: row.name)):
        sections[row.section][row.name] = draw(_end(row))
    sections["timeline"] = {"history_years": 2, "warmup_years": draw(st.integers(0, 1)), "window_years": 2}
    sections["timeline"]["discount"] = draw(st.sampled_from([0.0, 1.0]))
    return Scenario().changed(**sections)


def choosing() -> st.SearchStrategy[Scenario]:
    """Random scenarios whose programs choose much about their year's end, and rebuild often."""
    parts, levers = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0]), ("selection", "alignment", "boundaries")
    rebuild = {f"adopts_{lever}": parts for lever in (*levers, "retiering")} | {"part": parts, "reassigned": parts}
    rebuild |= {"patience": st.integers(0, 2), "pilot_years": st.integers(0, 2)}
    quota = {"years": st.integers(1, 4), "premium": st.floats(0, 2), "added": st.floats(-0.1, 0.3)}
    quota |= {"ratchet_down": parts, "by_potential": parts}
    policy = {"notice_years": st.integers(0, 2), "managed_downtiering": parts, "health_threshold": st.floats(-0.2, 0.2)}
    chosen = {"rebuild": rebuild, "quota": quota, "policy": policy}
    sections = {name: st.fixed_dictionaries({}, optional=keys) for name, keys in chosen.items()}
    longer = st.just({"warmup_years": 0, "window_years": 6})
    return st.builds(Scenario.changed, scenarios(), timeline=longer, **sections)


def seeds() -> st.SearchStrategy[int]:
    """Seeds of all sizes."""
    return st.integers(0, 2**64 - 1)


def over_ranges(**changed: Any) -> dict[str, Any]:
    """Fields of a result over ranges, of a gain of 2.5 points at the best fit, as a test changes them."""
    from kamsim.measures.profit import Horizon
    from kamsim.studies.bridge import TOTAL, BridgeTerm
    from kamsim.studies.compare import ComparedMeasure

    row = ComparedMeasure("total_profit", "full_program", "status_quo", 200.0, 12.0, 10.0, 14.0, 0.7, 500)
    gain = BridgeTerm("full_program", TOTAL, 12.0, 10.0, 14.0, 2.5, 2.1, 2.9)
    told = {
        "scenario": "full_program", "against": "status_quo", "reference_in_words": "status_quo",
        "measure": "total_profit", "unit": "points of sales", "years": 10, "best_fit": row, "gain": gain,
        "horizon": Horizon(10, 0.0, "units of the median account's yearly category spend", "no_program"),
        "best_fit_worlds": 500,
        "ranges": (), "posterior": "sets.csv", "sets": 60, "mean": 3.0, "mean_low": 2.0, "mean_high": 4.0, "low": -1.0,
        "high": 7.0, "seed": 1, "replications": 32, "notes": (),
    }  # fmt: skip
    return told | changed
