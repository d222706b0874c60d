"""What agents do, each behavior once for both drivers.

A behavior changes an agent of the Mesa model or a row of the ensemble's records: ``account.trust`` reads and writes
alike on both, compiled or not. The numbers come from the rules; who calls a behavior, and when, is the listed plan's.
"""

import math

from kamsim.compiler import fields_of, rule
from kamsim.model.plan import HAS_LEFT, LEAST_SPEND
from kamsim.model.readings import expected_need
from kamsim.model.states import AccountState, AccountYear, FunctionState, ProgramState, ProgramYear
from kamsim.policy.policy import Intervention, Levers
from kamsim.rules.alignment import alignment_after_quarter, fatigue_after_quarter, fatigue_after_rebuild, overload
from kamsim.rules.attention import coverage, hours_after_talk, planned_hours, welcome_hours
from kamsim.rules.collaboration import collaboration_felt, tie_after_departure, tie_after_quarter
from kamsim.rules.contracts import chance_of_tender, chance_to_win
from kamsim.rules.costs import amount_bought, commitment, idle_cost, investment
from kamsim.rules.incubator import ADMITTED, OUT, elevations_paid, verdict
from kamsim.rules.orders import (
    BEND,
    FEW_ORDERS,
    LEAST_ORDERS,
    chance_of_leaving_in_a_year,
    hazard_of_leaving,
    hazard_of_size,
    mean_orders,
    orders_of_quarter,
    unevenness,
)
from kamsim.rules.pricing import bargaining_power, growth_rebate, price_concession, program_concession, worn_price
from kamsim.rules.quota import (
    expected_premium,
    growth_asked,
    missed_in_a_row,
    next_quota,
    patience_borne,
    patience_ends,
    pilot_spreads,
    quota_attainment,
    sales_passed_on,
)
from kamsim.rules.relationship import (
    bond_after_quarter,
    bond_kept_without_buyer,
    bond_with_one,
    expectation_after_quarter,
    loss_felt,
    trust_after_loss,
    trust_after_service,
    trust_without_program,
    value_delivered,
)
from kamsim.rules.spend import quarter_spend, share_after_loss, share_after_quarter, share_target
from kamsim.rules.tiering import (
    LEAVING,
    between,
    calibrated_ambition,
    moves_allowed,
    notice_after_year,
)
from kamsim.types import Numbers
from kamsim.world.laws import ALIGNMENT_BOUNDS, TIE_BOUNDS

# ---------------------------------------------------------------- an account's quarter


@rule
def begin_year(account: AccountState, wallet: float, parameters: Numbers) -> None:
    """Settle how often the account orders this year, and how easily it leaves, by its rate of spend."""
    log_rate = math.log(max(LEAST_SPEND, 4.0 * wallet * account.share))
    account.orders = mean_orders(log_rate, account.pace, parameters.orders_exponent)
    account.orders_root = math.sqrt(account.orders)
    account.order_part = 1.0 / max(LEAST_ORDERS, account.orders)
    account.order_bend = BEND * account.orders_root * account.order_part
    account.no_order = math.exp(-account.orders) if account.orders < FEW_ORDERS else 0.0
    account.hazard = hazard_of_size(log_rate, parameters.hazard_size)


@rule
def tell_need(account: AccountState, wallet: float, attention: float, parameters: Numbers) -> float:
    """Tell the KAM what work the account needs this quarter; say what weight that has among its accounts."""
    account.need = expected_need(wallet, parameters)
    return account.need * attention * account.ambition * account.effort


@rule
def receive_attention(
    account: AccountState,
    skill: float,
    kam_hours: float,
    weighted_need: float,
    weighted_need_of_kam: float,
    boundaries: float,
    parameters: Numbers,
) -> None:
    """Receive a KAM's hours, by need, tier and ambition; what the customer does not take up is lost."""
    # All hours may be kept for accounts handed down, and rounding then leaves a little less than none.
    planned = planned_hours(max(0.0, kam_hours), weighted_need, weighted_need_of_kam) * account.served
    told = welcome_hours(account.need, parameters.will_base, parameters.will_slope, account.will_told)
    account.hours = hours_after_talk(planned, told, boundaries)
    welcome = welcome_hours(account.need, parameters.will_base, parameters.will_slope, account.will)
    account.coverage = coverage(skill, min(account.hours, welcome), account.need)
    account.bond = bond_after_quarter(account.bond, account.coverage, parameters.bond_speed)


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
def promised_to(account: AccountState, of_tier: float, standard: float) -> float:
    """Service that a key account is led to expect: by tier and ambition; on notice, or on trial, less."""
    return standard if account.notice > 0 else of_tier * account.served * account.ambition


@rule
def judge_service(account: AccountState, promised: float, felt: float, terms: Numbers, parameters: Numbers) -> None:
    """Compare the value delivered with what was expected; trust moves, less far down where a sponsor stands by."""
    value = value_delivered(
        account.partnership,
        account.coverage,
        felt,
        parameters.value_attention,
        parameters.value_collaboration,
        parameters.value_joint,
    )
    account.expectation = expectation_after_quarter(account.expectation, promised, parameters.expectation_speed)
    loss_aversion = parameters.loss_aversion * loss_felt(terms.sponsor, terms.sponsor_saves)
    account.trust = trust_after_service(
        account.trust, value, account.expectation, parameters.trust_speed, loss_aversion
    )


@rule
def drift(account: AccountState, promised: float, parameters: Numbers) -> None:
    """Go on without a program: standard service is judged by what was promised before, and trust drifts to rest."""
    if account.expectation != promised:
        account.trust = trust_after_service(
            account.trust, promised, account.expectation, parameters.trust_speed, parameters.loss_aversion
        )
        account.expectation = expectation_after_quarter(account.expectation, promised, parameters.expectation_speed)
    account.trust = trust_without_program(account.trust, parameters.trust_mean, parameters.trust_drift)


@rule
def renew_contract(account: AccountState, tendered: float, won: float, parameters: Numbers) -> None:
    """Renew a contract as it is, or put it out to tender; a tender that is lost costs share, one that is won price."""
    if tendered >= chance_of_tender(account.trust):
        return
    if won < chance_to_win(account.trust, parameters.trust_mean, parameters.tender_won, parameters.tender_trust):
        account.worn += parameters.tender_discount
    else:
        account.share = share_after_loss(account.share, parameters.stake)


@rule
def move_share(account: AccountState, felt: float, reach: float, pace: float, parameters: Numbers) -> None:
    """Move share of wallet a part of the way to its target; a contract may hold it to a part of its ``pace``."""
    target = share_target(
        account.ceiling,
        account.trust,
        felt,
        account.share_base,
        parameters.share_trust,
        parameters.share_collaboration,
        reach,
    )
    account.share = share_after_quarter(account.share, target, pace * parameters.share_speed)


@rule
def order(
    account: AccountState,
    demand: float,
    score: float,
    level: float,
    sizes: float,
    this_year: AccountYear,
    parameters: Numbers,
) -> None:
    """Place the quarter's orders; ``demand`` is the wallet with its season, ``sizes`` the draw behind their sizes."""
    orders = orders_of_quarter(
        account.orders,
        account.orders_root,
        account.order_part,
        account.order_bend,
        account.no_order,
        score,
        level,
    )
    if parameters.order_size_sd > 0.0:
        orders *= unevenness(orders * account.orders, parameters.order_size_sd, sizes)
    expected = quarter_spend(demand, account.share, 1.0, account.concession)
    spend = quarter_spend(demand, account.share, orders, account.concession)
    account.spend = spend
    this_year.spend += spend
    this_year.expected_spend += expected


@rule
def order_as_told(account: AccountState, paid: float, this_year: AccountYear) -> None:
    """Place the quarter's orders as the real book tells them: luck is no part of what is known."""
    account.spend = paid
    this_year.spend += paid
    this_year.expected_spend += paid


@rule
def close_year(account: AccountState, this_year: AccountYear, parameters: Numbers) -> None:
    """Tell the year's sales at list price, what they cost to serve, and whether the customer left or may leave."""
    # The concession was one all year.
    this_year.listed = this_year.spend / (1.0 - account.concession)
    this_year.cost_to_serve = account.cost * this_year.listed
    if not account.alive:
        this_year.risk = HAS_LEFT
    elif account.tier > 0:
        hazard = hazard_of_leaving(account.hazard, account.trust, parameters.trust_mean, parameters.hazard_trust)
        this_year.risk = chance_of_leaving_in_a_year(hazard, parameters.hazard)


@rule
def receive_rebate(
    account: AccountState, this_year: AccountYear, listed_before: float, terms: Numbers, parameters: Numbers
) -> None:
    """Receive the rebate on what was bought beyond the year before; sales of the year are net of it."""
    if this_year.spend <= 0.0:
        return
    rebate = growth_rebate(this_year.listed, listed_before, terms.rebate, account.concession, parameters.most_conceded)
    # What was to be expected bears the same part of it.
    this_year.expected_spend -= this_year.expected_spend * (rebate / this_year.spend)
    this_year.spend -= rebate


@rule
def is_lost(account: AccountState, draw: float, parameters: Numbers) -> bool:
    """Whether the customer leaves for good this quarter: whether its hazard is above what ``draw`` says it bears."""
    return draw < hazard_of_leaving(account.hazard, account.trust, parameters.trust_mean, parameters.hazard_trust)


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
def lose_manager(account: AccountState, part: float, terms: Numbers, parameters: Numbers) -> None:
    """Have another KAM from now on: a ``part`` of what hangs on the bond with the one who goes is lost."""
    felt = loss_felt(terms.sponsor, terms.sponsor_saves)
    lose_bond(account, bond_with_one(account.bond, terms.team_contacts), part, felt, parameters)


@rule
def lose_bond(account: AccountState, bond: float, part: float, felt: float, parameters: Numbers) -> None:
    """Lose the ``bond`` with people who go, with a ``part`` of the share and trust that hang on it."""
    account.share = share_after_loss(account.share, part * parameters.follow * bond)
    account.trust = trust_after_loss(account.trust, part * parameters.disruption * bond * felt)
    account.bond -= bond


@rule
def lose_buyer(account: AccountState, terms: Numbers, parameters: Numbers) -> None:
    """Send somebody else to deal with: of the bond, what hung on who left is lost, and with it share."""
    kept = bond_kept_without_buyer(
        account.collaboration, parameters.single_thread, parameters.buyer_contacts, terms.team_contacts
    )
    account.share = share_after_loss(account.share, parameters.follow * account.bond * (1.0 - kept))
    account.bond *= kept


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


@rule
def hours_of_kam(terms: Numbers, parameters: Numbers) -> float:
    """Hours that a KAM has in a quarter."""
    return amount_bought(terms.budget_hours_per_kam, parameters.hours_per_kam)


# ---------------------------------------------------------------- the year's end


@rule
def pays_for_idle(terms: Numbers) -> float:
    """Part of what was bought and not used that the program pays for."""
    return commitment(
        terms.budget_kams_per_account, terms.budget_hours_per_kam, terms.budget_support_per_account,
        terms.budget_committed,
    )  # fmt: skip


@rule
def pay_budget(
    program: ProgramState,
    this_year: ProgramYear,
    kams: int,
    all_support: float,
    used: float,
    terms: Numbers,
    parameters: Numbers,
) -> None:
    """Pay for the hours and the support that the year's budget bought and that went to no account.

    Support is bought as capacity: what a function keeps from key accounts is paid for too.
    """
    of_quarter = investment(
        kams * hours_of_kam(terms, parameters),
        parameters.hour_cost * program.seat_sales,
        all_support,
        parameters.support_cost * program.seat_sales,
    )
    # The budget is of KAMs and support: an account team and a sponsor come beside it.
    this_year.idle_cost = idle_cost(4.0 * of_quarter, used - program.beside, pays_for_idle(terms))


@rule
def judge_program(
    program: ProgramState,
    this_year: ProgramYear,
    judged: float,
    patience: int,
    intervention: Intervention,
    terms: Numbers,
) -> bool:
    """Compare revenue with the quota; say whether patience ends in a rebuild, which no pilot may run beside."""
    this_year.quota = program.quota
    attainment = quota_attainment(judged, program.quota)
    program.streak = missed_in_a_row(program.streak, attainment)
    program.missed_last_year = attainment < 1.0
    this_year.missed = attainment < 1.0
    ends = patience_ends(program.streak, patience_borne(patience, terms.rebuild_patience))
    if not ends or program.pilot > 0 or program.rebuilds >= intervention.most_rebuilds:
        return False
    program.streak = 0
    program.rebuilds += 1
    program.pilot = terms.rebuild_pilot_years if terms.rebuild_part < 1.0 else 0
    this_year.rebuilt = True
    return True


@rule
def go_on_with_pilot(program: ProgramState, this_year: ProgramYear) -> bool:
    """Let a year of a pilot pass; say whether the rest of the program follows it now."""
    if program.pilot == 0:
        return False
    program.pilot -= 1
    return pilot_spreads(program.pilot, this_year.missed)


@rule
def adopts_any(terms: Numbers) -> bool:
    """Whether a rebuild changes how the program works, beside whom it serves."""
    return bool(
        terms.rebuild_adopts_selection > 0.0
        or terms.rebuild_adopts_alignment > 0.0
        or terms.rebuild_adopts_boundaries > 0.0
        or terms.rebuild_adopts_retiering > 0.0
    )


# A lever that no rebuild moves stays what it is.
_levers_kept = fields_of(Levers._fields[Levers._fields.index("retier_by_spend") + 1 :])


@rule
def adopted_levers(levers: Levers, terms: Numbers) -> Levers:
    """Levers from a rebuild on: each a part of the way from what it was to what the sources advise."""
    by_spend = levers.retier_by_spend and terms.rebuild_adopts_retiering == 0.0
    gives_up_spend = levers.retier_by_spend and not by_spend
    return Levers(
        between(levers.selection, 1.0, terms.rebuild_adopts_selection),
        between(levers.alignment, 1.0, terms.rebuild_adopts_alignment),
        between(levers.boundaries, 1.0, terms.rebuild_adopts_boundaries),
        between(0.0 if gives_up_spend else levers.retiering, 1.0, terms.rebuild_adopts_retiering),
        by_spend,
        *_levers_kept(levers),
    )


@rule
def is_renewed(account: AccountState, rebuild: bool) -> bool:
    """Whether a rebuild starts anew with a key account: where it opened the account's place and lets it stay."""
    return rebuild and account.opened and account.notice == 0


@rule
def set_quota(
    program: ProgramState,
    sales_of_key: float,
    ratchets: bool,
    market_growth: float,
    premium: float,
    prioritizes_returns: bool,
    terms: Numbers,
    parameters: Numbers,
) -> None:
    """Set next year's quota on the accounts that are key now; the old one weighs on it where it ratchets."""
    old_quota = program.quota if ratchets else 0.0
    expected = expected_premium(premium, prioritizes_returns, parameters.premium_elsewhere)
    program.quota = next_quota(
        sales_passed_on(sales_of_key, old_quota, terms.quota_ratchet_down),
        old_quota,
        terms.ratchet,
        market_growth,
        growth_asked(expected, terms.quota_premium, terms.quota_added),
    )


@rule
def give_time_to_recover(account: AccountState, unhealthy: bool, levers: Levers, terms: Numbers) -> None:
    """Give an unhealthy account more of its KAM's hours for a year, and no other."""
    account.effort = between(1.0, terms.recovery_hours, levers.retiering) if unhealthy else 1.0


@rule
def heed_notice(account: AccountState, tier: int, assessed: bool, terms: Numbers) -> int:
    """Tier of a key account that a year's end has given ``tier``: it keeps its own while it has notice.

    ``assessed`` is whether members were reviewed or selected. Where they were not, an account whose notice ends has to
    compete for its place.
    """
    if tier == LEAVING:  # let go by the incubator, where nobody has a place to be given notice of
        account.notice = 0
        return tier
    left, again = account.notice, assessed and tier > 0 and not account.warned
    account.notice = notice_after_year(left, tier == 0, again, terms.notice_years)
    if account.notice > 0:
        account.warned = False
        account.effort = 1.0
        return account.tier
    if left > 0 and not again:
        return LEAVING if assessed else 0
    return tier


@rule
def end_trial(account: AccountState, health_read: float, may_go: bool, terms: Numbers) -> bool:
    """End a year in the incubator: be let in, stay, or go; say whether the account goes."""
    account.on_trial -= 1
    if account.on_trial > 0:
        return False
    told = verdict(health_read >= terms.health_threshold, account.once_more and may_go)
    if told == ADMITTED:
        account.admitted = True
        account.once_more = False
        account.served = 1.0
    else:
        # Also where it goes: should nobody come for its place after all, it stays on trial.
        account.once_more = True
        account.on_trial = 1
    return told == OUT


@rule
def begin_trial(account: AccountState, terms: Numbers) -> None:
    """Enter the incubator, where there is one."""
    account.on_trial = terms.elevation_incubator_years
    account.once_more = False
    account.served = terms.elevation_incubator_part if account.on_trial > 0 else 1.0


@rule
def elevations_of(entered: int, admitted: int, terms: Numbers) -> float:
    """Elevations to be paid for at a year's end: in parts where there is an incubator."""
    part = terms.elevation_incubator_part if terms.elevation_incubator_years > 0 else 1.0
    return elevations_paid(entered, admitted, part)


@rule
def moves_of_review(seats: int, levers: Levers, terms: Numbers) -> int:
    """Key accounts that this year's review may replace."""
    return moves_allowed(seats, 1.0 if levers.retier_by_spend else terms.retiering_share, levers.retiering)


@rule
def move_to_tier(account: AccountState, tier: int, promised: float, terms: Numbers, parameters: Numbers) -> None:
    """Be elevated, kept, or demoted; whoever leaves the program loses its KAM, and some trust and share with it."""
    before = account.tier
    account.tier = tier
    account.kept_hours = 0.0
    if tier > 0:
        return
    care = terms.managed_downtiering if before > 0 else 0.0
    # Whoever served it is withdrawn, the KAM with its team, and the sponsor too.
    lose_bond(account, account.bond, parameters.handover * (1.0 - terms.managed_saves * care), 1.0, parameters)
    account.expectation = between(account.expectation, promised, care)
    account.kept_hours = care * terms.managed_hours * account.hours
    account.ambition = 1.0
    account.effort = 1.0
    account.on_trial = 0
    account.once_more = False
    account.served = 1.0
    account.hours = 0.0
    account.collaboration = 0.0


@rule
def calibrate_ambition(
    account: AccountState, fit_reading: float, mean_reading: float, levers: Levers, terms: Numbers
) -> None:
    """Set the ambition of the partnership, for the tier at large or with the customer."""
    account.ambition = calibrated_ambition(
        fit_reading, mean_reading, levers.boundaries, terms.ambition_slope, terms.ambition_least, terms.ambition_most
    )


@rule
def settle_price(
    account: AccountState, spend: float, mean_of_largest: float, of_tier: float, launched: bool, parameters: Numbers
) -> None:
    """Settle next year's price: by size, worn by bargaining, and with what the program gives, but not on trial."""
    power = bargaining_power(
        spend, mean_of_largest, parameters.bargaining_base, parameters.bargaining_slope, parameters.bargaining_most
    )
    if launched:
        account.worn = worn_price(account.worn, account.trust, parameters.erosion)
    account.conceded = program_concession(
        account.conceded,
        of_tier if account.on_trial == 0 else 0.0,
        power,
        account.tier > 0,
        parameters.concession_kept,
    )
    account.concession = price_concession(
        parameters.base_concession, account.worn, power, account.conceded, parameters.most_conceded
    )
