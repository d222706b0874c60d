"""The ledger: every parameter with its default, unit, range, kind of value and source, in this one place.

The scenario schema, the records that the drivers read and the documentation are all made from it.
"""

import math
import tomllib
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from kamsim.errors import KamsimError, shown

Kind = Literal["published", "measured", "calibrated", "assumed"]
Section = Literal[
    "world", "tiers", "policy", "rebuild", "quota", "budget", "elevation", "criteria", "timeline", "population"
]
SECTIONS: tuple[Section, ...] = get_args(Section)
# What a program chooses, beside its levers and tiers.
TERMS_OF_PROGRAM: tuple[Section, ...] = ("policy", "rebuild", "quota", "budget", "elevation", "criteria")
End = Literal["", "low", "high"]

SPEC = "reference specification, version 1"
MONEY = "fitted within a wide range, for little is published, so that programs pay on average, docs/calibration.md"
FIT = "fitted to the four published figures and to real books, docs/calibration.md"
GARTNER = "Gartner 2021, what firms expect (not an outcome)"
SIZES = "chosen where the specification is silent, docs/odd.md"
UNSET = "chosen so that a program that says nothing of it does as before, docs/odd.md"
NEUTRAL = "chosen so that a tier of your own gives no discount unless you say so"


class Parameter(NamedTuple):
    """One row of the ledger."""

    section: Section
    name: str
    default: float | int
    unit: str
    low: float
    high: float
    kind: Kind
    meaning: str
    source: str = SPEC
    excluded: End = ""
    """End of the range that is itself not allowed."""

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are values."""
        return isinstance(self.default, int)

    @property
    def seats(self) -> bool:
        """Whether a whole number counts places for key accounts, and a number below 1 is a share of accounts."""
        return self.unit == "accounts or share"

    @property
    def values(self) -> str:
        """What a value may be, as a sentence says it."""
        if self.seats:
            return f"a whole number {within(range_text(self.low, self.high))}, or a share of accounts below 1"
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} {within(range_text(self.low, self.high, self.excluded))} ({self.unit})"

    def parse(self, value: object) -> float | int:
        """Check a value that somebody gave, wherever: in a scenario, an experiment, a table or on the command line.

        A number; from text by `number_of`. It comes back as an int where whole numbers are asked for or seats are
        counted. An error is the end of a sentence that begins with the name of the parameter.
        """
        if isinstance(value, int | float) and not isinstance(value, bool) and self._takes(value):
            return int(value) if self.whole or (self.seats and (value >= 1 or isinstance(value, int))) else float(value)
        raise KamsimError(f"must be {self.values}, not {shown(value)}")

    def _takes(self, value: float) -> bool:
        if not self.low <= value <= self.high or value == {"low": self.low, "high": self.high}.get(self.excluded):
            return False
        # 1.0 could be one seat or a seat for every account.
        if self.seats and value == 1 and isinstance(value, float):
            return False
        return value == int(value) or not (self.whole or (self.seats and value > 1))


# The values that were fitted are data, as kamsim calibrate writes them: here stands only which they are.
FITTED = math.nan


def _with_fitted(rows: tuple[Parameter, ...]) -> Iterator[Parameter]:
    values = tomllib.loads((Path(__file__).parent / "fitted.toml").read_text(encoding="utf-8"))
    for row in rows:
        if row.kind == "calibrated":
            row = row._replace(default=float(reduce(getitem, row.name.split("."), values[row.section])))
        yield row


ANY_TIER = "tier"  # stands in the ledger for tiers that it does not name

# What every tier has: unit, range, the end of it that is not allowed, meaning.
_TERMS: dict[str, tuple[str, float, float, End, str]] = {
    "seats": (
        "accounts or share",
        0,
        100_000,
        "",
        "number of accounts in the tier (seats): a whole number counts, a fraction is a share of all accounts",
    ),
    "attention": ("weight", 0, 10, "low", "priority of the tier for KAM time (attention): weight of one account"),
    "promise": ("value of service", 0, 2, "", "service commitment (promise): what customers of the tier may expect"),
    "concession": ("part of list price", 0, 0.4, "", "price concession of the tier: discount beyond that for size"),
}


def _term(tier: str, term: str, default: float, kind: Kind, source: str = SPEC) -> Parameter:
    unit, low, high, excluded, meaning = _TERMS[term]
    return Parameter("tiers", f"{tier}.{term}", default, unit, low, high, kind, meaning, source, excluded)


_ROWS: tuple[Parameter, ...] = (
    # The supplier and its budgets: the same under every policy played in the world.
    Parameter("world", "accounts", 150, "accounts", 2, 100_000, "assumed", "accounts in the book"),
    Parameter("world", "functions", 4, "functions", 1, 16, "assumed",
         "company functions that KAMs ask for support, such as operations or finance"),
    Parameter("world", "budgeted_seats", 0.12, "accounts or share", 0, 100_000, "assumed",
         "number of key accounts that KAMs and functions are budgeted for (budgeted seats): a whole number counts, a "
         "fraction is a share of all accounts"),
    Parameter("world", "budgeted_seats_most", 60, "accounts", 0, 100_000, "assumed",
         "most key accounts budgeted for, where they are a share: a book of thousands has a program of tens"),
    Parameter("world", "accounts_per_kam", 4.0, "accounts per KAM", 0.5, 100, "assumed",
         "key accounts budgeted for per KAM: the size of a portfolio"),
    Parameter("world", "hours_per_kam", FITTED, "hours a quarter", 0, 1_000, "calibrated",
         "KAM time: hours a KAM has for accounts; one hour is the quarterly workload of a median account", FIT),
    Parameter("world", "capacity_per_seat", FITTED, "support a quarter", 0, 100, "calibrated",
         "support capacity: what all functions together can give, for each key account budgeted for", FIT),
    # Wallets and orders.
    Parameter("world", "median_wallet", 1.0, "money a year", 1e-9, 1e15, "assumed",
         "yearly category spend of the median account (wallet): scales the model to a currency"),
    Parameter("world", "wallet_sigma", FITTED, "log", 0, 3, "calibrated",
         "spread between accounts of their category spend (wallet; lognormal)", FIT),
    Parameter("world", "market_growth", FITTED, "log a year", -0.5, 0.5, "calibrated",
         "market growth: mean growth of customers' category spend", FIT),
    Parameter("world", "growth_sd", FITTED, "log a year", 0, 1, "calibrated",
         "spread of lasting growth between accounts of median category spend (Laplace)", FIT),
    Parameter("world", "growth_size", FITTED, "elasticity", 0, 1, "calibrated",
         "how much steadier large accounts grow", FIT),
    Parameter("world", "industry_shock_sd", 0.03, "log a quarter", 0, 1, "assumed",
         "industry shocks: ups and downs of all customers' category spend at once"),
    Parameter("world", "season_1", 1.0, "index", 0, 4, "assumed",
         "orders of the first quarter against the year's mean"),
    Parameter("world", "season_2", 1.0, "index", 0, 4, "assumed", "orders of the second quarter"),
    Parameter("world", "season_3", 1.0, "index", 0, 4, "assumed", "orders of the third quarter"),
    Parameter("world", "season_4", 1.0, "index", 0, 4, "assumed", "orders of the fourth quarter"),
    Parameter("world", "orders", FITTED, "orders a quarter", 0, 100_000, "calibrated",
         "orders of an account whose yearly sales are one median category spend", FIT),
    Parameter("world", "orders_exponent", FITTED, "elasticity", 0, 1, "calibrated",
         "how much more often larger accounts order", FIT),
    # Customers that come and customers that leave.
    Parameter("world", "orders_sd", 0.0, "log", 0, 3, "assumed",
         "spread between accounts of how often they order, beside what their size makes of it", UNSET),
    Parameter("world", "order_size_sd", 0.0, "part of the mean", 0, 5, "assumed",
         "spread of the sizes of an account's orders", UNSET),
    Parameter("world", "arrival", FITTED, "part of accounts a year", 0, 1, "calibrated", "new accounts (arrival)", FIT),
    Parameter("world", "new_size", FITTED, "log", -3, 3, "calibrated",
         "category spend of new accounts, against that of the first book", FIT),
    Parameter("world", "new_share", FITTED, "part of usual share", 0, 4, "calibrated",
         "share of wallet that a new account starts with", FIT),
    Parameter("world", "hazard", FITTED, "chance a quarter", 0, 1, "calibrated",
         "churn (hazard): chance that an account with sales of 0.35 median category spend leaves for good", FIT),
    Parameter("world", "hazard_size", FITTED, "elasticity", 0, 2, "calibrated",
         "churn and size: how much more often smaller accounts leave", FIT),
    Parameter("world", "hazard_trust", FITTED, "per unit of trust", 0, 10, "calibrated",
         "churn and trust: how much trust keeps accounts", FIT),
    Parameter("world", "bond_today", 0.5, "bond", 0, 1, "assumed",
         "bond of today's key accounts with their managers, where an account book tells who is key today"),
    # Share of wallet.
    Parameter("world", "ceiling_base", 0.15, "share", 0.01, 1, "assumed",
         "highest share of wallet of an account without strategic fit (ceiling)"),
    Parameter("world", "ceiling_fit", FITTED, "share", 0, 0.99, "calibrated",
         "share of wallet that full strategic fit adds to that ceiling", FIT),
    Parameter("world", "share_base", FITTED, "part of ceiling", 0.01, 1, "calibrated",
         "share of wallet reached with neither trust nor collaboration", FIT),
    Parameter("world", "share_base_sd", FITTED, "part of ceiling", 0, 1, "calibrated",
         "spread between accounts of the share of wallet they give by habit", FIT),
    Parameter("world", "share_trust", FITTED, "part of ceiling", 0, 2, "calibrated",
         "share of wallet that full trust adds", FIT),
    Parameter("world", "share_collaboration", FITTED, "part of ceiling", 0, 8, "calibrated",
         "share of wallet that full collaboration adds", FIT),
    Parameter("world", "share_speed", FITTED, "part a quarter", 0, 1, "calibrated",
         "pace at which share of wallet follows trust and collaboration", FIT),
    # Relationship.
    Parameter("world", "trust_mean", 0.42, "trust", 0, 1, "assumed",
         "trust of customers at the start, and without a program"),
    Parameter("world", "trust_sd", 0.12, "trust", 0, 1, "assumed", "spread of trust between customers at the start"),
    Parameter("world", "trust_speed", FITTED, "part a quarter", 0, 0.5, "calibrated",
         "pace at which trust follows the service received, against what was expected", FIT),
    Parameter("world", "loss_aversion", 2.0, "multiple", 1, 2, "assumed",
         "loss aversion: how much faster trust is lost than gained"),
    Parameter("world", "trust_drift", 0.03, "part a quarter", 0, 1, "assumed",
         "pace at which trust returns to its usual level without a program"),
    Parameter("world", "expectation_speed", 0.10, "part a quarter", 0, 1, "assumed",
         "pace at which customers' expectations follow what is committed to them"),
    Parameter("world", "value_fit_exponent", 0.7, "elasticity", 0, 2, "assumed",
         "how much the value of service to a customer depends on strategic fit"),
    Parameter("world", "value_attention", FITTED, "value", 0, 2, "calibrated",
         "value to the customer of the KAM's full time (attention)", FIT),
    Parameter("world", "value_collaboration", FITTED, "value", 0, 2, "calibrated",
         "value to the customer of full collaboration of the functions", FIT),
    Parameter("world", "value_joint", 0.35, "value", 0, 2, "assumed",
         "value to the customer of both together, beyond each alone"),
    Parameter("world", "need_exponent", FITTED, "elasticity", 0, 1, "calibrated",
         "account workload (need): how much more work larger accounts are", FIT),
    Parameter("world", "will_sd", 0.2, "will", 0, 1, "assumed",
         "spread of customers' willingness to be key accounts, around their strategic fit"),
    Parameter("world", "will_base", 0.5, "part of workload", 0, 2, "assumed",
         "KAM time that an unwilling customer makes use of"),
    Parameter("world", "will_slope", 0.8, "part of workload", 0, 2, "assumed",
         "KAM time that a willing customer makes use of beyond that"),
    Parameter("world", "will_noise", 0.12, "will", 0, 2, "assumed",
         "estimation error (noise): customers' willingness, as they tell it"),
    Parameter("world", "bond_speed", FITTED, "part a quarter", 0, 1, "calibrated",
         "pace at which a customer builds a bond with its KAM", FIT),
    Parameter("world", "follow", FITTED, "part of share", 0, 1, "calibrated",
         "portability (follow): share of wallet lost with a KAM to whom the bond is full", FIT),
    Parameter("world", "handover", 0.5, "part", 0, 1, "assumed",
         "handover plan: part of the losses of share and trust that remains where a change of KAM is planned"),
    # KAMs and functions.
    Parameter("world", "skill_sd", 0.15, "skill", 0, 0.5, "assumed", "spread of KAMs' skill about a mean of 1"),
    Parameter("world", "tie_mean", FITTED, "0 to 1", 0.05, 0.95, "calibrated",
         "a KAM's internal network (ties with functions) at the start", FIT),
    Parameter("world", "tie_sd", FITTED, "0 to 1", 0, 0.5, "calibrated",
         "spread of internal networks (ties) between KAMs at the start", FIT),
    Parameter("world", "tie_decay", 0.04, "part a quarter", 0, 1, "assumed",
         "internal network (tie) lost where a function grants no request"),
    Parameter("world", "tie_learning", FITTED, "multiple of decay", 0, 10, "calibrated",
         "internal network (ties) built by requests that functions grant", FIT),
    Parameter("world", "tie_kept", 0.5, "part", 0, 1, "assumed",
         "part of a KAM's internal network (ties) that the successor keeps"),
    Parameter("world", "alignment_mean", FITTED, "part of capacity", 0.05, 0.98, "calibrated",
         "commitment of functions (alignment) at the start: part of capacity that goes to key accounts", FIT),
    Parameter("world", "alignment_sd", 0.12, "part of capacity", 0, 0.5, "assumed",
         "spread of commitment (alignment) between functions at the start"),
    Parameter("world", "alignment_speed", 0.10, "part a quarter", 0, 1, "assumed",
         "pace at which commitment of functions (alignment) changes"),
    Parameter("world", "overload_weight", 0.10, "part of capacity", 0, 1, "assumed",
         "overload: commitment (alignment) lost by a function that can grant nothing of what it is asked"),
    Parameter("world", "fatigue_decay", 0.05, "part a quarter", 0, 1, "assumed",
         "pace at which fatigue from rebuilds passes"),
    Parameter("world", "sorting", FITTED, "accounts per full network", 0, 100, "calibrated",
         "how strongly strategic accounts go to KAMs with a good internal network (sorting)", FIT),
    Parameter("world", "turnover", FITTED, "chance a quarter", 0, 1, "calibrated",
         "turnover of KAMs: chance that a KAM leaves", FIT),
    Parameter("world", "turnover_after_miss", 0.5, "part", 0, 10, "assumed",
         "turnover of KAMs after a missed quota: what it adds to that chance"),
    Parameter("world", "disruption", FITTED, "part of trust", 0, 1, "calibrated",
         "transition loss (disruption): trust lost with a KAM to whom the bond is full", FIT),
    # What managers estimate and expect.
    Parameter("world", "observation_noise", FITTED, "log", 0, 5, "calibrated",
         "estimation error of growth potential (observation noise)", FIT),
    Parameter("world", "trust_noise", 0.15, "trust", 0, 2, "assumed", "estimation error of trust (noise)"),
    Parameter("world", "cost_noise", 0.5, "log", 0, 5, "assumed",
         "estimation error of an account's cost to serve (noise)"),
    Parameter("world", "cost_noise_team", 0.15, "log", 0, 5, "assumed",
         "estimation error of an account's cost to serve with a cross-functional team (noise)"),
    Parameter("world", "error_in_common", 0.3, "correlation", 0, 1, "assumed",
         "correlation between estimation errors in a team: its estimate is the mean of one member per function"),
    Parameter("world", "fit_noise", 0.35, "fit", 0, 2, "assumed",
         "estimation error of strategic fit by the supplier alone (noise)"),
    Parameter("world", "fit_noise_bilateral", 0.12, "fit", 0, 2, "assumed",
         "estimation error of strategic fit jointly with customers (noise)"),
    Parameter("world", "least_room", 0.01, "share", 1e-6, 1, "assumed",
         "least room to grow that estimates tell apart from none"),
    Parameter("world", "premium_mean", FITTED, "growth a year", 0, 1, "calibrated",
         "stretch (premium): growth over the market expected of key accounts; its spread makes 95 % of suppliers "
         "expect more", FIT),
    Parameter("world", "expecting_more", 0.95, "part of suppliers", 0.51, 0.999999, "published",
         "suppliers that expect key accounts to grow faster", GARTNER),
    Parameter("world", "prioritizing", 0.85, "part of suppliers", 0, 1, "published",
         "suppliers that prioritize increased returns on key accounts", GARTNER),
    Parameter("world", "premium_elsewhere", 0.5, "part of stretch", 0, 1, "assumed",
         "stretch (premium) that goes into the quota where returns are not prioritized"),
    Parameter("world", "report_noise", FITTED, "collaboration", 0, 2, "calibrated",
         "reporting error (noise): collaboration, as KAMs report it to a survey", FIT),
    Parameter("world", "patience_least", 2, "misses in a row", 1, 100, "assumed",
         "missed years that every supplier bears before it redesigns the program (patience)"),
    Parameter("world", "patience_stop", FITTED, "chance", 0.01, 1, "calibrated",
         "chance that the program is redesigned at each further missed year (end of patience, geometric)", FIT),
    Parameter("world", "patience_most", 6, "misses in a row", 1, 100, "assumed",
         "missed years after which every supplier redesigns the program (patience)"),
    # Prices.
    Parameter("world", "base_concession", FITTED, "part of list price", 0, 0.4, "calibrated",
         "price concession for size: to an account as large as the largest ones that the program is budgeted for",
         MONEY),
    Parameter("world", "erosion", FITTED, "part of list price a year", 0, 0.1, "calibrated",
         "price erosion: what bargaining takes off the price in a year without trust, from the launch on", MONEY),
    Parameter("world", "most_conceded", 0.25, "part of list price", 0, 0.9, "assumed",
         "highest price concession to any account"),
    Parameter("world", "concession_kept", 0.71, "part", 0, 1, "assumed",
         "price concession kept: part of the tier's discount that an account still has a year after it left the "
         "program"),
    Parameter("world", "bargaining_base", 0.25, "multiple", 0, 5, "assumed",
         "bargaining power of an account without sales: multiple of the concession for size"),
    Parameter("world", "bargaining_slope", 0.75, "multiple", 0, 5, "assumed",
         "bargaining power that the size of a large account adds"),
    Parameter("world", "bargaining_most", 2.5, "multiple", 0, 10, "assumed", "highest bargaining power"),
    # Money.
    Parameter("world", "gross_margin", FITTED, "part of list price", 0, 1, "calibrated",
         "gross margin: on list price, before cost to serve and the cost of the program", MONEY),
    Parameter("world", "serve_cost", FITTED, "part of list price", 0, 1, "calibrated",
         "cost to serve: what accounts cost beside the program, on average over sales", MONEY),
    Parameter("world", "serve_cost_sd", 0.87, "log", 0, 2, "assumed", "spread of cost to serve between accounts"),
    Parameter("world", "hour_cost", FITTED, "sales of a large account", 0, 10, "calibrated",
         "cost of KAM time: an hour, in mean yearly sales of the largest accounts before the launch", MONEY),
    Parameter("world", "support_cost", FITTED, "sales of a large account", 0, 10, "calibrated",
         "cost of support: one unit of what functions give", MONEY),
    Parameter("world", "elevation_cost", FITTED, "sales of a large account", 0, 10, "calibrated",
         "cost of an elevation: what it costs to make an account a key account", MONEY),
    Parameter("world", "handover_cost", FITTED, "sales of a large account", 0, 10, "calibrated",
         "cost of a planned handover: giving an account to another KAM", MONEY),
    # People who leave on the customer's side; off by default.
    Parameter("world", "buyer_turnover", 0.0, "chance a quarter", 0, 1, "assumed",
         "turnover at the customer: chance that the person leaves with whom a key account's bond is"),
    Parameter("world", "single_thread", 0.7, "part of bond", 0, 1, "assumed",
         "bond lost with that person where no function of the supplier works with the customer"),
    Parameter("world", "buyer_contacts", 0.10, "collaboration", 0, 1, "assumed",
         "collaboration at which other contacts at the customer halve that loss", excluded="low"),
    # Contracts and tenders, a kind of business.
    Parameter("world", "contract_years", 0, "years", 0, 50, "assumed",
         "years that a contract with a customer runs until its renewal; 0 for a business without contracts"),
    Parameter("world", "lock", 0.3, "part of pace", 0, 1, "assumed",
         "contract lock-in (lock): pace of share of wallet between renewals, against that without a contract"),
    Parameter("world", "stake", 0.6, "part of share", 0, 1, "assumed",
         "share of wallet lost with a tender that is lost (stake)"),
    Parameter("world", "tender_discount", 0.03, "part of list price", 0, 0.4, "assumed",
         "price concession in a tender that is won: to an account as large as the largest ones that the program is "
         "budgeted for"),
    Parameter("world", "tender_won", 0.55, "chance", 0, 1, "assumed",
         "chance to win a tender at the usual trust of customers"),
    Parameter("world", "tender_trust", 0.5, "per unit of trust", 0, 10, "assumed",
         "chance to win a tender that trust adds"),
    # Tiers: those of the default scenario, and what any other tier does not say; its places it has to say.
    Parameter("tiers", "standard_promise", 0.10, "value of service", 0, 2, "assumed",
         "service that all other accounts expect (standard promise)"),
    Parameter("tiers", "seat_cap", 60, "accounts", 0, 100_000, "assumed",
         "program size: most key accounts that shares of a large book may add up to (seat cap)", SIZES),
    _term("key", "seats", 0.09, "assumed"),
    _term("key", "attention", 1.0, "assumed"),
    _term("key", "promise", FITTED, "calibrated", FIT),
    _term("key", "concession", FITTED, "calibrated", MONEY),
    _term("strategic", "seats", 0.03, "assumed"),
    _term("strategic", "attention", 1.5, "assumed"),
    _term("strategic", "promise", FITTED, "calibrated", FIT),
    _term("strategic", "concession", FITTED, "calibrated", MONEY),
    _term(ANY_TIER, "attention", 1.0, "assumed"),
    _term(ANY_TIER, "promise", 0.24, "assumed"),
    _term(ANY_TIER, "concession", 0.0, "assumed", NEUTRAL),
    # What the levers change.
    Parameter("policy", "team_alignment", 0.30, "part of capacity", 0, 1, "assumed",
         "commitment of functions (alignment) that a standing team adds"),
    Parameter("policy", "team_fatigue_relief", 0.60, "part", 0, 1, "assumed",
         "fatigue from rebuilds that a standing team takes away"),
    Parameter("policy", "ambition_slope", 1.4, "per unit of fit", 0, 10, "assumed",
         "how much a negotiated partnership level (ambition) follows strategic fit"),
    Parameter("policy", "ambition_least", 0.3, "multiple", 0.01, 1, "assumed",
         "lowest negotiated partnership level (ambition); 1 is the tier's usual one"),
    Parameter("policy", "ambition_most", 1.5, "multiple", 1, 10, "assumed",
         "highest negotiated partnership level (ambition); 1 is the tier's usual one"),
    Parameter("policy", "retiering_share", 0.25, "part of accounts", 0, 1, "assumed",
         "part of the key accounts that one review may replace (re-tiering)"),
    Parameter("policy", "retiering_years", 1, "years", 1, 50, "assumed",
         "years between reviews of the key accounts (re-tiering)"),
    Parameter("policy", "health_threshold", 0.0, "health", -10, 10, "assumed",
         "account health below which a key account may step down"),
    Parameter("policy", "health_trust", 2.0, "weight", 0, 100, "assumed",
         "weight of estimated trust in account health"),
    Parameter("policy", "health_margin", 2.0, "weight", 0, 100, "assumed",
         "weight of contribution over sales in account health"),
    Parameter("policy", "recovery_hours", 1.5, "multiple", 1, 10, "assumed",
         "KAM time in the year that an unhealthy account has to recover"),
    Parameter("policy", "managed_downtiering", 0.0, "strength", 0, 1, "assumed",
         "managed down-tiering: how far an account that leaves the program is handed down with care"),
    Parameter("policy", "managed_saves", 0.4, "part", 0, 1, "assumed",
         "losses of share and trust that managed down-tiering saves"),
    Parameter("policy", "managed_hours", 0.5, "part of hours", 0, 1, "assumed",
         "KAM time that an account handed down keeps for a year"),
    Parameter("policy", "ratchet", 0.25, "weight", 0, 1, "assumed",
         "ratchet: weight of an unmet quota in the next one"),
    # What a program gives for what customers do.
    Parameter("policy", "rebate", 0.0, "part of list price", 0, 0.4, "assumed",
         "give-get pricing (rebate): rebate at the year's end on what a key account bought beyond the year before"),
    # Who stands beside the KAM.
    Parameter("policy", "team_contacts", 1, "people", 1, 3, "assumed",
         "account team: people who share the bond with a key account, so that less is lost when one leaves"),
    Parameter("policy", "contact_hours", 0.15, "part of hours", 0, 1, "assumed",
         "account team: time of each contact beyond the KAM, as a part of the KAM's own for the account, and paid"),
    Parameter("policy", "sponsor", 0.0, "strength", 0, 1, "assumed",
         "executive sponsor: how far a member of the board stands by each key account"),
    Parameter("policy", "sponsor_saves", 0.5, "part", 0, 1, "assumed",
         "losses of trust that a full executive sponsor saves"),
    Parameter("policy", "sponsor_hours", 0.15, "part of hours", 0, 1, "assumed",
         "time of a full executive sponsor, as a part of the KAM's own for the account, and paid"),
    Parameter("policy", "notice_years", 0, "years", 0, 5, "assumed",
         "notice of down-tiering: years that an account stays in its tier after it is told that it will leave", UNSET),
    Parameter("policy", "keep_today", 0, "1 or 0", 0, 1, "assumed",
         "1: today's key accounts, of an account book that tells them, keep their places at the launch as far as there "
         "are places; 0: all are selected anew", UNSET),
    # Rebuild.
    Parameter("rebuild", "reassigned", 0.60, "part", 0, 1, "assumed",
         "key accounts kept in a rebuild that get another KAM"),
    Parameter("rebuild", "fatigue", FITTED, "part of capacity", 0, 1, "calibrated",
         "fatigue from a rebuild: commitment of functions (alignment) lost to it", FIT),
    Parameter("rebuild", "patience", 0, "misses in a row", 0, 1_000, "assumed",
         "missed years in a row before the program is redesigned (patience); 0: as many as the supplier is drawn to "
         "bear; more than there are years: the program stays the course", UNSET),
    Parameter("rebuild", "part", 1.0, "part of places", 0, 1, "assumed",
         "part of the places for key accounts that a rebuild selects anew; the best of the others keep place, tier and "
         "KAM", UNSET),
    Parameter("rebuild", "adopts_selection", 0.0, "part of the way", 0, 1, "assumed",
         "how far a rebuild moves selection from what it is to enterprise criteria", UNSET),
    Parameter("rebuild", "adopts_alignment", 0.0, "part of the way", 0, 1, "assumed",
         "how far a rebuild moves from what there is to a cross-functional team (organizational alignment)", UNSET),
    Parameter("rebuild", "adopts_boundaries", 0.0, "part of the way", 0, 1, "assumed",
         "how far a rebuild moves boundaries from what they are to bilateral ones", UNSET),
    Parameter("rebuild", "adopts_retiering", 0.0, "part of the way", 0, 1, "assumed",
         "how far a rebuild moves re-tiering from what it is to that by performance; by spend counts as none", UNSET),
    Parameter("rebuild", "pilot_years", 0, "years", 0, 20, "assumed",
         "pilot: years that a rebuild of a part is tried before the other places follow, if the quota is met in the "
         "last", UNSET),
    # Quota.
    Parameter("quota", "years", 1, "years", 1, 10, "assumed",
         "baseline of the quota: years whose mean sales, of the present key accounts, it builds on", UNSET),
    Parameter("quota", "premium", 1.0, "part of stretch", 0, 2, "assumed",
         "part of the stretch (premium, growth expected over the market) that the quota asks for", UNSET),
    Parameter("quota", "added", 0.0, "growth a year", -0.5, 0.5, "assumed",
         "growth that the quota asks for beside what is expected", UNSET),
    Parameter("quota", "ratchet_down", 0.0, "weight", 0, 1, "assumed",
         "ratchet down: weight of the old quota in the next one where sales were above it; above 0 a quota rises less "
         "than sales do", UNSET),
    Parameter("quota", "by_potential", 0.0, "strength", 0, 1, "assumed",
         "how far the quota is the sum of account plans, which ask for more where there is more room to grow", UNSET),
    # Budget: what the supplier is willing to invest.
    Parameter("budget", "kams_per_account", 0.0, "KAMs per account", 0, 2, "assumed",
         "KAMs for each key account budgeted for; 0: the usual number, 1 / accounts_per_kam", UNSET),
    Parameter("budget", "hours_per_kam", 0.0, "hours a quarter", 0, 1_000, "assumed",
         "KAM time that is paid for of each KAM; 0: the usual, hours_per_kam in [world]", UNSET),
    Parameter("budget", "support_per_account", 0.0, "support a quarter", 0, 100, "assumed",
         "support of all functions together that is paid for, for each key account budgeted for; 0: the usual, "
         "capacity_per_seat", UNSET),
    Parameter("budget", "committed", 0.0, "strength", 0, 1, "assumed",
         "how far hours and support that nobody used are paid; fully as soon as one of the three above is set", UNSET),
    # Elevation: how accounts become key.
    Parameter("elevation", "capacity_check", 0.0, "strength", 0, 1, "assumed",
         "part of the workload of key accounts that is held against committed KAM time and support; places beyond stay "
         "empty", UNSET),
    Parameter("elevation", "capacity_slack", 0.5, "part of capacity", 0, 10, "assumed",
         "workload accepted beyond committed KAM time and support; with a cross-functional team none"),
    Parameter("elevation", "incubator_years", 0, "years", 0, 5, "assumed",
         "incubator: years that an account newly elevated is on trial; 0 for none", UNSET),
    Parameter("elevation", "incubator_part", 0.5, "part", 0, 1, "assumed",
         "part of its tier's service, and of what an elevation costs, that an account on trial gets"),
    # Selection matrix: with any weight above zero it takes the place of the selection lever.
    Parameter("criteria", "potential", 0.0, "weight", 0, 10, "assumed",
         "weight of growth potential, the customer's spend within reach, in the selection matrix", UNSET),
    Parameter("criteria", "contribution", 0.0, "weight", 0, 10, "assumed",
         "weight of contribution: spend at the margin after concessions and cost to serve", UNSET),
    Parameter("criteria", "compatibility", 0.0, "weight", 0, 10, "assumed", "weight of strategic fit (compatibility)",
         UNSET),
    Parameter("criteria", "willingness", 0.0, "weight", 0, 10, "assumed",
         "weight of the will to be a key account that the customer tells", UNSET),
    Parameter("criteria", "present_spend", 0.0, "weight", 0, 10, "assumed", "weight of this year's spend", UNSET),
    # Timeline.
    Parameter("timeline", "history_years", 2, "years", 2, 50, "assumed", "years of spend before the program starts"),
    Parameter("timeline", "warmup_years", 3, "years", 0, 100, "assumed", "years of the program before it is observed"),
    Parameter("timeline", "window_years", 7, "years", 1, 100, "assumed", "years observed"),
    Parameter("timeline", "discount", 0.0, "a year", 0, 1, "assumed",
         "discount rate: by how much money counts less with each year after the first year of the program"),
    # The mix of suppliers in a survey.
    Parameter("population", "selection", 0.30, "part of suppliers", 0, 1, "assumed",
         "suppliers that elevate by enterprise criteria"),
    Parameter("population", "alignment", 0.30, "part of suppliers", 0, 1, "assumed",
         "suppliers with a cross-functional team"),
    Parameter("population", "boundaries", 0.25, "part of suppliers", 0, 1, "assumed",
         "suppliers that negotiate partnership levels with each customer (bilateral)"),
    Parameter("population", "retiering", 0.25, "part of suppliers", 0, 1, "assumed",
         "suppliers that re-tier by performance"),
    Parameter("population", "correlation", 0.36, "correlation", 0, 1, "assumed",
         "how far advised practices go together in the same suppliers", excluded="high"),
)  # fmt: skip
LEDGER = tuple(_with_fitted(_ROWS))


def section(name: Section) -> tuple[Parameter, ...]:
    """Rows of one scenario section, in the order of the ledger."""
    return tuple(row for row in LEDGER if row.section == name)


def parameter(section: Section, name: str) -> Parameter:
    """Row of one parameter; in tiers its name begins with the tier, ``key.seats``."""
    return _BY_NAME[section, name]


_BY_NAME = {(row.section, row.name): row for row in LEDGER}


def number_of(text: str) -> float | int | str:
    """Number that a text of a table or of the command line stands for; the text itself where it is none."""
    for kind in (int, float):
        try:
            return text if "_" in text else kind(text)
        except ValueError:
            continue
    return text


def within(bounds: str) -> str:
    """Say a range in a sentence: ``from 0 to 1``, ``above 0 to 10``."""
    return bounds if bounds.startswith("above") else f"from {bounds}"


def range_text(low: float, high: float, excluded: End = "") -> str:
    """Write a range as people do, either end excluded or not: ``0 to 1``, ``above 0 to 10``, ``0 to below 1``."""
    above, below = "above " if excluded == "low" else "", "below " if excluded == "high" else ""
    return f"{above}{number_text(low)} to {below}{number_text(high)}"


def number_text(value: float) -> str:
    """Write a number as people do: ``100,000``, ``0.05``."""
    return f"{int(value):,}" if value == int(value) and abs(value) < 1e9 else f"{value:g}"
