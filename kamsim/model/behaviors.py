"""What agents do, each behavior once for both drivers.

A behavior changes an agent of the Mesa model or a row of the ensemble's records: ``account.trust`` reads and writes
alike on both, compiled or not. The numbers come from the rules; who calls a behavior, and when, is the listed plan's.
"""

from typing import Protocol

from kamsim.compiler import rule
from kamsim.model.plan import LEAST_SPEND
from kamsim.policy.policy import Intervention, Levers
from kamsim.rules.alignment import alignment_after_quarter, fatigue_after_quarter, fatigue_after_rebuild, overload
from kamsim.rules.attention import account_need, coverage, planned_hours
from kamsim.rules.collaboration import collaboration_felt, tie_after_departure, tie_after_quarter
from kamsim.rules.costs import rebuild_cost
from kamsim.rules.quota import expected_premium, missed_in_a_row, next_quota, patience_ends, quota_attainment
from kamsim.rules.relationship import (
    expectation_after_quarter,
    partnership_worth,
    trust_after_loss,
    trust_after_service,
    trust_without_program,
    value_delivered,
)
from kamsim.rules.spend import bargaining_power, quarter_spend, share_after_attack, share_after_quarter, share_target
from kamsim.rules.tiering import (
    account_health,
    between,
    calibrated_ambition,
    growth_potential,
    log_growth,
    moves_allowed,
    reading,
    relieved_noise,
    spend_score,
)
from kamsim.types import Numbers
from kamsim.world.laws import ALIGNMENT_BOUNDS, TIE_BOUNDS


class AccountState(Protocol):
    """What behaviors know of an account."""

    fit: float
    share_base: float
    ceiling: float
    trust: float
    share: float
    expectation: float
    ambition: float
    concession: float
    need: float
    coverage: float
    hours: float
    collaboration: float
    spend: float
    tier: int

    @property
    def partnership(self) -> float:
        """What fit and ambition make of service, `worth_of_partnership`."""


class AccountYear(Protocol):
    """What an account's year has come to so far."""

    spend: float
    expected_spend: float
    collaboration: float
    investment: float


class FunctionState(Protocol):
    """What behaviors know of a function."""

    alignment: float
    at_birth: float
    fatigue: float
    asked: float
    available: float


class ProgramState(Protocol):
    """What behaviors know of the program as a whole."""

    quota: float
    streak: int  # years in a row that missed the quota
    rebuilds: int
    missed_last_year: bool


class ProgramYear(Protocol):
    """What the program's year has come to."""

    key_revenue: float
    quota: float
    rebuild_cost: float
    missed: bool
    rebuilt: bool


# ---------------------------------------------------------------- an account's quarter


@rule
def tell_need(account: AccountState, wallet: float, parameters: Numbers) -> None:
    """Tell the KAM what work the account needs this quarter."""
    account.need = account_need(wallet, parameters.need_exponent, account.ambition)


@rule
def receive_attention(
    account: AccountState, skill: float, attention: float, weighted_need: float, parameters: Numbers
) -> None:
    """Receive a KAM's hours, by need and tier: ``weighted_need`` is that of all its accounts."""
    account.hours = planned_hours(parameters.hours_per_kam, account.need, attention, weighted_need)
    account.coverage = coverage(skill, account.hours, account.need)


@rule
def receive_collaboration(account: AccountState, received: float, this_year: AccountYear) -> None:
    """Receive what functions contribute, as far as the KAM's attention brings it to the account."""
    account.collaboration = account.coverage * received
    this_year.collaboration += account.collaboration / 4.0


@rule
def felt_by(account: AccountState, intervention: Intervention) -> float:
    """Collaboration that the account answers to: what it receives, unless an intervention sets it."""
    if account.tier == 0:
        return 0.0
    return collaboration_felt(account.collaboration, intervention.set_collaboration)


@rule
def judge_service(account: AccountState, promised: float, felt: float, parameters: Numbers) -> None:
    """Compare the value delivered with what was expected; trust moves."""
    value = value_delivered(
        account.partnership,
        account.coverage,
        felt,
        parameters.value_attention,
        parameters.value_collaboration,
        parameters.value_joint,
    )
    account.expectation = expectation_after_quarter(
        account.expectation, promised * account.ambition, parameters.expectation_speed
    )
    account.trust = trust_after_service(
        account.trust, value, account.expectation, parameters.trust_speed, parameters.loss_aversion
    )


@rule
def drift(account: AccountState, promised: float, parameters: Numbers) -> None:
    """Go on without a program: trust and expectation drift to where they rest."""
    account.expectation = expectation_after_quarter(account.expectation, promised, parameters.expectation_speed)
    account.trust = trust_without_program(account.trust, parameters.trust_mean, parameters.trust_drift)


@rule
def move_share(account: AccountState, felt: float, reach: float, attacked: bool, parameters: Numbers) -> None:
    """Move share of wallet a part of the way to its target, and lose some where a rival attacks."""
    target = share_target(
        account.ceiling,
        account.trust,
        felt,
        account.share_base,
        parameters.share_trust,
        parameters.share_collaboration,
        reach,
    )
    account.share = share_after_quarter(account.share, target, parameters.share_speed)
    if attacked:
        account.share = share_after_attack(account.share, account.trust, parameters.rival_damage)


@rule
def order(account: AccountState, wallet: float, orders: float, this_year: AccountYear) -> None:
    """Place the quarter's orders."""
    account.spend = quarter_spend(wallet, account.share, orders, account.concession)
    this_year.spend += account.spend
    this_year.expected_spend += quarter_spend(wallet, account.share, 1.0, account.concession)


@rule
def price_given(account: AccountState, wallet: float, orders: float) -> float:
    """What the quarter's orders would have cost more at list price."""
    return quarter_spend(wallet, account.share, orders, 0.0) - account.spend


# ---------------------------------------------------------------- KAMs and functions


@rule
def learned_tie(tie: float, asked: float, honored: float, levers: Levers, parameters: Numbers) -> float:
    """Tie of a KAM with a function after a quarter of asks that were honored or not."""
    return tie_after_quarter(
        tie,
        honored / asked if asked > 0.0 else 0.0,
        parameters.tie_learning,
        parameters.tie_decay,
        levers.alignment,
        TIE_BOUNDS[0],
        TIE_BOUNDS[1],
    )


@rule
def inherited_tie(tie: float, parameters: Numbers) -> float:
    """Tie with a function that the successor of a KAM starts from."""
    return tie_after_departure(tie, parameters.tie_kept, TIE_BOUNDS[0])


@rule
def lose_manager(account: AccountState, parameters: Numbers) -> None:
    """Be served by someone else from now on."""
    account.trust = trust_after_loss(account.trust, parameters.disruption)


@rule
def realign(function: FunctionState, levers: Levers, terms: Numbers, parameters: Numbers) -> None:
    """Move alignment toward where team, fatigue and overload pull it."""
    function.alignment = alignment_after_quarter(
        function.alignment,
        function.at_birth,
        levers.alignment * terms.team_alignment,
        function.fatigue,
        overload(function.asked, function.available, parameters.overload_weight),
        parameters.alignment_speed,
        ALIGNMENT_BOUNDS[0],
        ALIGNMENT_BOUNDS[1],
    )
    function.fatigue = fatigue_after_quarter(function.fatigue, parameters.fatigue_decay)


@rule
def tire(function: FunctionState, levers: Levers, terms: Numbers) -> None:
    """Tire of one more rebuild."""
    function.fatigue = fatigue_after_rebuild(
        function.fatigue, terms.rebuild_fatigue, levers.alignment, terms.team_fatigue_relief
    )


# ---------------------------------------------------------------- the year's end


@rule
def judge_program(
    program: ProgramState,
    this_year: ProgramYear,
    judged: float,
    patience: int,
    intervention: Intervention,
    terms: Numbers,
) -> bool:
    """Compare revenue with the quota; say whether patience ends in a rebuild."""
    this_year.quota = program.quota
    attainment = quota_attainment(judged, program.quota)
    program.streak = missed_in_a_row(program.streak, attainment)
    program.missed_last_year = attainment < 1.0
    this_year.missed = attainment < 1.0
    if not patience_ends(program.streak, patience) or program.rebuilds >= intervention.most_rebuilds:
        return False
    program.streak = 0
    program.rebuilds += 1
    this_year.rebuilt = True
    this_year.rebuild_cost = rebuild_cost(this_year.key_revenue, terms.rebuild_cost_share)
    return True


@rule
def set_quota(
    program: ProgramState,
    spend_of_key: float,
    ratchets: bool,
    market_growth: float,
    premium: float,
    prioritizes_returns: bool,
    terms: Numbers,
    parameters: Numbers,
) -> None:
    """Set next year's quota on the accounts that are key now; an unmet one weighs on it where it ratchets."""
    program.quota = next_quota(
        spend_of_key,
        program.quota if ratchets else 0.0,
        terms.ratchet,
        market_growth,
        expected_premium(premium, prioritizes_returns, parameters.premium_elsewhere),
    )


@rule
def selection_score(
    account: AccountState,
    wallet: float,
    growth: float,
    spend: float,
    draw: float,
    levers: Levers,
    terms: Numbers,
    parameters: Numbers,
) -> float:
    """Score of an account as a candidate for elevation, as the program reads it."""
    potential = growth_potential(
        4.0 * wallet, account.ceiling, account.share, growth, parameters.growth_weight, parameters.least_room
    )
    noise = relieved_noise(parameters.observation_noise, levers.alignment, terms.team_noise_relief)
    return between(spend_score(spend, LEAST_SPEND), reading(potential, draw, noise), levers.selection)


@rule
def health(
    account: AccountState,
    growth: float,
    book_growth: float,
    draw: float,
    levers: Levers,
    terms: Numbers,
    parameters: Numbers,
) -> float:
    """Health of the relationship as a yearly review reads it; growth is that of spend in two years, log."""
    noise = relieved_noise(parameters.trust_noise, levers.alignment, terms.team_noise_relief)
    return account_health(
        growth,
        book_growth,
        reading(account.trust, draw, noise),
        terms.health_growth,
        terms.health_trust,
        terms.sound_trust,
    )


@rule
def growth_of_spend(before: float, now: float) -> float:
    """Log growth of spend, of an account or of the book."""
    return log_growth(before, now, LEAST_SPEND)


@rule
def moves_of_review(seats: int, levers: Levers, terms: Numbers) -> int:
    """Key accounts that this year's review may replace."""
    return moves_allowed(seats, 1.0 if levers.retier_by_spend else terms.retiering_share, levers.retiering)


@rule
def move_to_tier(account: AccountState, tier: int, terms: Numbers) -> None:
    """Be elevated, kept, or demoted; a demoted customer trusts less."""
    if tier < account.tier:
        account.trust = trust_after_loss(account.trust, terms.demotion_loss)
    account.tier = tier
    if tier == 0:
        account.ambition = 1.0
        account.hours = 0.0
        account.collaboration = 0.0
        account.concession = 0.0


@rule
def calibrate_ambition(account: AccountState, draw: float, levers: Levers, terms: Numbers, parameters: Numbers) -> None:
    """Set the ambition of the partnership, for the tier at large or with the customer."""
    noise = between(parameters.fit_noise, parameters.fit_noise_bilateral, levers.boundaries)
    account.ambition = calibrated_ambition(
        reading(account.fit, draw, noise),
        levers.boundaries,
        terms.ambition_slope,
        terms.ambition_least,
        terms.ambition_most,
    )


@rule
def worth_of_partnership(account: AccountState, parameters: Numbers) -> float:
    """What fit and ambition make of a given service; it changes where ambition does."""
    return partnership_worth(
        account.fit, account.ambition, parameters.value_fit_exponent, parameters.value_ambition_exponent
    )


@rule
def bargain(account: AccountState, spend: float, mean_key_spend: float, concession: float, parameters: Numbers) -> None:
    """Bargain for next year's price concession, with what the account spent last year."""
    account.concession = concession * bargaining_power(
        spend,
        mean_key_spend,
        parameters.bargaining_base,
        parameters.bargaining_slope,
        parameters.bargaining_most,
    )
