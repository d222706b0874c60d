"""The agents of a key account program, as Mesa agents whose behaviors are those of `kamsim.model.behaviors`.

Override a behavior in a subclass and hand the class to `KeyAccountProgram` to try another rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import mesa

from kamsim.model import behaviors, readings
from kamsim.policy.policy import Policy
from kamsim.rules.attention import hours_of_all
from kamsim.rules.collaboration import available_support, collaboration_part, granted_fraction, support_asked
from kamsim.rules.contracts import is_renewal, part_of_pace
from kamsim.rules.costs import investment
from kamsim.rules.quota import chance_to_leave
from kamsim.types import Numbers
from kamsim.world.parameters import Timeline
from kamsim.world.world import World


class Organization(Protocol):
    """What agents know of the model that they are part of."""

    world: World
    parameters: Numbers
    policy: Policy
    timeline: Timeline
    quarter: int
    year: int
    missed_last_year: bool
    seat_sales: float
    beside: float
    program_runs: bool
    season: list[float]
    attention: list[float]
    promise: list[float]
    concession: list[float]
    kams: Any
    functions: Any

    def reading_of(self, account: Account, what: str) -> float:
        """The world's draw behind this year's reading of an account."""


@dataclass
class YearOfAccount:
    """What an account's year has come to so far."""

    spend: float = 0.0
    expected_spend: float = 0.0
    listed: float = 0.0
    cost_to_serve: float = 0.0
    collaboration: float = 0.0
    investment: float = 0.0
    risk: float = 0.0


class Account(mesa.Agent):
    """A customer: its share of wallet, its trust, and its place in the program.

    Attributes
    ----------
    number : int
        Place in the book.
    label : str
        Name in a real book, else the number.
    tier : int
        0 for standard, 1 and up for key tiers.
    kam : KeyAccountManager or None
        Who serves it.
    trust, bond, share, expectation, ambition, collaboration : float
        State of the relationship.
    spend : float
        Net spend of the quarter, median wallets.
    alive : bool
        Whether it is a customer; one that has left is taken out of the model at the end of the quarter.
    """

    model: Organization

    def __init__(self, model: Organization, number: int, label: str) -> None:
        super().__init__(model)
        world, born = model.world, model.world.accounts[number]
        self.number = number
        self.label = label
        self.known = bool(born.known)
        self.arrives = int(born.arrives)
        self.fit = float(born.fit)
        self.share_base = float(born.share_base)
        self.cost = float(born.cost)
        self.will = float(born.will)
        self.will_told = float(born.will_told)
        self.pace = float(born.orders)
        self.need_mix: list[float] = world.need_mix[number].tolist()
        self.wallets: list[float] = world.quarters["wallet"][:, number].tolist()
        self.scores: list[float] = world.quarters["score"][:, number].tolist()
        self.levels: list[float] = world.quarters["level"][:, number].tolist()
        self.leave_draws: list[float] = world.quarters["leave"][:, number].tolist()
        self.renews = int(born.renews)
        self.buyer_draws: list[float] = world.buyer_leaves[:, number].tolist()
        self.trust = float(born.trust)
        self.share = float(born.share)
        self.tier = min(int(born.tier), len(model.promise) - 1)
        self.bond = float(model.parameters.bond_today) if self.tier > 0 else 0.0
        self.expectation = model.promise[self.tier]
        self.manager_today = int(born.manager)
        self.leaves = int(born.leaves)
        self.paid: list[float] = world.paid[:, number].tolist() if number < world.first else []
        self.ceiling = float(born.ceiling)
        self.partnership = float(born.partnership)
        self.ambition = self.effort = 1.0
        self.concession = float(born.concession)
        self.worn = self.conceded = 0.0
        self.alive = True
        self.notice, self.warned, self.opened, self.once_more, self.admitted = 0, False, False, False, False
        self.on_trial, self.served = 0, 1.0
        self.kam: KeyAccountManager | None = None
        self.handed_down_by: KeyAccountManager | None = None
        self.orders = self.orders_root = self.order_part = self.order_bend = self.no_order = self.hazard = 0.0
        self.need = self.weighted_need = self.coverage = self.hours = self.kept_hours = 0.0
        self.collaboration = self.spend = 0.0
        self.years = [YearOfAccount() for _ in range(model.timeline.years)]

    @property
    def manager(self) -> KeyAccountManager:
        """The KAM of a key account."""
        assert self.kam is not None, "an account outside of the program has no KAM"
        return self.kam

    @property
    def this_year(self) -> YearOfAccount:
        """What the year has come to so far."""
        return self.years[self.model.year]

    @property
    def collaboration_felt(self) -> float:
        """Collaboration that the account answers to: what it receives, unless an intervention sets it."""
        return behaviors.felt_by(self, self.model.policy.intervention)

    def begin_year(self) -> None:
        """Settle how often to order this year, and how easily to leave."""
        behaviors.begin_year(self, self.wallets[self.model.quarter], self.model.parameters)

    def tell_need(self) -> None:
        """Tell the KAM what work the account needs this quarter."""
        model = self.model
        attention = model.attention[self.tier]
        self.weighted_need = behaviors.tell_need(self, self.wallets[model.quarter], attention, model.parameters)

    def receive_service(self) -> None:
        """Receive attention and support, and judge it against what was promised."""
        received = support = 0.0
        for function, mix, tie in zip(self.model.functions, self.need_mix, self.manager.ties, strict=True):
            fraction = function.fraction[self.tier]
            received += collaboration_part(mix, tie, fraction)
            support += support_asked(self.need, mix, self.coverage, tie) * fraction
        behaviors.receive_collaboration(self, received, self.this_year)
        parameters, seat_sales, terms = self.model.parameters, self.model.seat_sales, self.model.policy.terms
        hour_cost, support_cost = parameters.hour_cost * seat_sales, parameters.support_cost * seat_sales
        of_all = hours_of_all(terms.team_contacts, terms.contact_hours, terms.sponsor, terms.sponsor_hours)
        self.this_year.investment += investment(self.hours * of_all, hour_cost, support, support_cost)
        self.model.beside += self.hours * (of_all - 1.0) * hour_cost
        self.judge_service()

    def judge_service(self) -> None:
        """Compare the value delivered with what was expected; trust moves."""
        model = self.model
        promised = behaviors.promised_to(self, model.promise[self.tier], model.promise[0])
        behaviors.judge_service(self, promised, self.collaboration_felt, model.policy.terms, model.parameters)

    def drift(self) -> None:
        """Go on without a program: trust and expectation drift to where they rest; a real book tells where they are."""
        if self.model.quarter < len(self.paid):
            return
        behaviors.drift(self, self.model.promise[0], self.model.parameters)

    @property
    def renews_now(self) -> bool:
        """Whether the contract comes up for renewal this quarter."""
        return is_renewal(self.model.quarter, self.renews, self.model.parameters.contract_years)

    def renew_contract(self) -> None:
        """Renew the contract if it is due, as it is or by tender; one of a real book is safe until the launch."""
        model = self.model
        if self.renews_now and (model.program_runs or not self.known):
            tender = model.world.tenders[model.year, self.number]
            behaviors.renew_contract(self, float(tender.called), float(tender.won), model.parameters)

    def order(self) -> None:
        """Move share of wallet, place the quarter's orders, and perhaps leave for good."""
        model, quarter = self.model, self.model.quarter
        if quarter < len(self.paid):
            self.order_as_the_book_tells()
            return
        reach, pace = model.policy.intervention.ceiling_reach, 1.0
        if model.parameters.contract_years > 0:
            pace = part_of_pace(self.renews_now, model.parameters.lock)
        behaviors.move_share(self, self.collaboration_felt, reach, pace, model.parameters)
        demand = self.wallets[quarter] * model.season[quarter % 4]
        self._order(demand)
        if model.program_runs or not self.known:
            self.alive = not behaviors.is_lost(self, self.leave_draws[quarter], model.parameters)

    def _order(self, demand: float) -> None:
        quarter = self.model.quarter
        size = float(self.model.world.order_sizes[quarter, self.number])
        behaviors.order(
            self, demand, self.scores[quarter], self.levels[quarter], size, self.this_year, self.model.parameters
        )

    def order_as_the_book_tells(self) -> None:
        """Order what a real book says; where it does not go back so far, by the laws; perhaps for the last time."""
        quarter = self.model.quarter
        if math.isnan(self.paid[quarter]):
            demand = self.wallets[quarter] * self.model.season[quarter % 4]
            self._order(demand)
        else:
            behaviors.order_as_told(self, self.paid[quarter], self.this_year)
        self.alive = self.leaves != quarter

    def consider_another_buyer(self) -> None:
        """Send somebody else to deal with, perhaps; a customer that has just left sends nobody."""
        model = self.model
        if self.alive and self.buyer_draws[model.quarter] < model.parameters.buyer_turnover:
            behaviors.lose_buyer(self, model.policy.terms, model.parameters)

    def close_year(self) -> None:
        """Tell the year's sales at list price, what they cost to serve, and whether it may leave; receive a rebate."""
        model = self.model
        behaviors.close_year(self, self.this_year, model.parameters)
        # Whoever was no customer the year before, or is none any more, has grown nothing.
        earns_rebate = model.policy.terms.rebate > 0.0 and model.program_runs and self.tier > 0
        if earns_rebate and self.alive and self.arrives // 4 != model.year:
            listed_before = self.years[model.year - 1].listed
            behaviors.receive_rebate(self, self.this_year, listed_before, model.policy.terms, model.parameters)

    def selection_score(self) -> float:
        """Score of the account as a candidate for elevation, as the program reads it."""
        model = self.model
        return readings.selection_score(
            self,
            self.wallets[model.quarter],
            self.this_year.spend,
            model.reading_of(self, "potential"),
            model.reading_of(self, "cost"),
            model.policy.levers,
            model.parameters,
        )

    def criterion_read(self, criterion: int) -> float:
        """What one of the criteria of a selection matrix says of the account, as the program reads it."""
        model = self.model
        return readings.criterion_read(
            criterion,
            self,
            self.fit,
            self.wallets[model.quarter],
            self.this_year.spend,
            model.world.readings[model.year, self.number],
            model.policy.levers,
            model.parameters,
        )

    def expected_need(self) -> float:
        """Work that the account would need in a quarter, were it key."""
        return readings.expected_need(self.wallets[self.model.quarter], self.model.parameters)

    def margin_read(self) -> float:
        """Contribution over sales in two years as a yearly review reads it."""
        model, last_year = self.model, self.years[self.model.year - 1]
        draw = model.reading_of(self, "cost")
        return readings.margin_read(self, last_year, self.this_year, draw, model.policy.levers, model.parameters)

    def health(self, margin: float, usual_margin: float) -> float:
        """Health of the relationship as a yearly review reads it."""
        model, policy = self.model, self.model.policy
        draw = model.reading_of(self, "trust")
        return readings.health(self, margin, usual_margin, draw, policy.levers, policy.terms, model.parameters)

    def give_time_to_recover(self, unhealthy: bool) -> None:
        """Have more of the KAM's hours for a year where a review found the account unhealthy."""
        self.warned = unhealthy
        behaviors.give_time_to_recover(self, unhealthy, self.model.policy.levers, self.model.policy.terms)

    def end_trial(self, health_read: float, may_go: bool) -> bool:
        """End a year in the incubator: be let in, stay, or go; say whether to go."""
        return behaviors.end_trial(self, health_read, may_go, self.model.policy.terms)

    def move_to_tier(self, tier: int, rebuild: bool) -> tuple[bool, bool]:
        """Be elevated, kept, or demoted.

        Parameters
        ----------
        tier : int
            Tier from next year on.
        rebuild : bool
            Whether the program is rebuilt: then some accounts change hands.

        Returns
        -------
        bool, bool
            Whether the account needs a KAM, and whether it is handed over.
        """
        model, before = self.model, self.tier
        policy, parameters = model.policy, model.parameters
        self.admitted = False
        behaviors.move_to_tier(self, tier, model.promise[tier], policy.terms, parameters)
        if tier == 0:
            self.warned = False
            self.handed_down_by, self.kam = self.kam, None
            return False, True
        renewed = behaviors.is_renewed(self, rebuild)
        if renewed or before == 0:
            self.warned = False
            self.effort = 1.0
        if before == 0:
            self.opened = True
            behaviors.begin_trial(self, policy.terms)
            return True, False
        reassigned = renewed and len(model.kams) > 1
        if reassigned and model.reading_of(self, "reassign") < policy.terms.rebuild_reassigned:
            behaviors.lose_manager(self, parameters.handover, policy.terms, parameters)
            return True, True
        return False, False

    def fit_read(self) -> float:
        """Fit of the account as the program reads it this year."""
        model = self.model
        return readings.fit_read(self.fit, model.reading_of(self, "fit"), model.policy.levers, model.parameters)

    def calibrate_ambition(self, mean_reading: float) -> None:
        """Set the ambition of the partnership, for the tier at large or with the customer."""
        policy = self.model.policy
        behaviors.calibrate_ambition(self, self.fit_read(), mean_reading, policy.levers, policy.terms)

    def promise_of_plan(self) -> float:
        """What the account plan promises against the sales there are."""
        model = self.model
        return readings.promise_of_plan(
            self, model.reading_of(self, "potential"), model.policy.levers, model.parameters
        )

    def settle_price(self, mean_of_largest: float, launched: bool) -> None:
        """Settle next year's price."""
        model = self.model
        # An account in its first year has nothing to bargain with.
        counted = model.year == 0 or self.arrives // 4 != model.year
        spend = self.this_year.spend if counted else 0.0
        of_tier = model.concession[self.tier]
        behaviors.settle_price(self, spend, mean_of_largest, of_tier, launched, model.parameters)


class KeyAccountManager(mesa.Agent):
    """A key account manager (KAM): a portfolio, hours, and ties with the company's functions.

    Attributes
    ----------
    number : int
        Seat in the team.
    skill : float
        1 on average.
    ties : list of float
        How much each function does for this KAM's ask.
    portfolio : list of Account
        Key accounts served, by number.
    handed_down : list of Account
        Accounts that left the program a year ago at most, and that some hours are kept for.
    """

    model: Organization

    def __init__(self, model: Organization, number: int) -> None:
        super().__init__(model)
        self.number = number
        self.skill = float(model.world.skill[number])
        self.ties: list[float] = model.world.tie[number].tolist()
        self.leave_draws: list[float] = model.world.kam_quarters["leave"][:, number].tolist()
        self.successor_skills: list[float] = model.world.kam_quarters["successor_skill"][:, number].tolist()
        self.portfolio: list[Account] = []
        self.handed_down: list[Account] = []
        self.asked = [[0.0] * len(model.attention) for _ in self.ties]
        self.departures_of_year = 0

    def plan_attention(self) -> None:
        """Plan the quarter's hours over the portfolio, by need, tier and ambition."""
        parameters, boundaries = self.model.parameters, self.model.policy.levers.boundaries
        hours = behaviors.hours_of_kam(self.model.policy.terms, parameters)
        cost = parameters.hour_cost * self.model.seat_sales
        for account in self.handed_down:
            if account.alive:
                hours -= account.kept_hours
                account.this_year.investment += account.kept_hours * cost
        all_needs = 0.0
        for account in self.portfolio:
            all_needs += account.weighted_need
        for account in self.portfolio:
            behaviors.receive_attention(
                account, self.skill, hours, account.weighted_need, all_needs, boundaries, parameters
            )

    def ask_for_support(self) -> None:
        """Ask each function for the support that the portfolio needs."""
        self.asked = [[0.0] * len(self.model.attention) for _ in self.ties]
        for account in self.portfolio:
            for function, tie in enumerate(self.ties):
                self.asked[function][account.tier] += support_asked(
                    account.need, account.need_mix[function], account.coverage, tie
                )

    def learn(self) -> None:
        """Learn from asks that were honored or not: ties grow or fade."""
        levers, parameters = self.model.policy.levers, self.model.parameters
        for number, function in enumerate(self.model.functions):
            asked = honored = 0.0
            for tier in range(1, len(function.fraction)):
                asked += self.asked[number][tier]
                honored += self.asked[number][tier] * function.fraction[tier]
            self.ties[number] = behaviors.learned_tie(self.ties[number], asked, honored, levers, parameters)

    def consider_leaving(self) -> None:
        """Leave, perhaps; a successor takes over the portfolio with weaker ties and less trust."""
        parameters = self.model.parameters
        chance = chance_to_leave(parameters.turnover, self.model.missed_last_year, parameters.turnover_after_miss)
        if self.leave_draws[self.model.quarter] >= chance:
            return
        self.departures_of_year += 1
        self.skill = self.successor_skills[self.model.quarter]
        self.ties = [behaviors.inherited_tie(tie, parameters) for tie in self.ties]
        for account in self.portfolio:
            if account.alive:
                behaviors.lose_manager(account, 1.0, self.model.policy.terms, parameters)


class Function(mesa.Agent):
    """A company function, such as operations or service: capacity, alignment with key accounts, fatigue.

    Attributes
    ----------
    number : int
        Place among the functions.
    alignment : float
        Share of its capacity that it puts behind key accounts.
    fatigue : float
        Alignment lost to rebuilds of the program.
    fraction : list of float
        By tier, the fraction of what was asked that it granted this quarter.
    """

    model: Organization

    def __init__(self, model: Organization, number: int) -> None:
        super().__init__(model)
        self.number = number
        self.at_birth = float(model.world.alignment[number])
        self.alignment = self.at_birth
        self.fatigue = 0.0
        self.asked = self.available = 0.0
        self.fraction = [1.0] * len(model.attention)

    def grant_support(self) -> None:
        """Grant what KAMs ask, the highest tier first, all of a tier alike."""
        self.available = available_support(self.model.world.capacity, self.alignment)
        self.asked = 0.0
        remaining = self.available
        for tier in range(len(self.fraction) - 1, 0, -1):
            asked = 0.0
            for kam in self.model.kams:
                asked += kam.asked[self.number][tier]
            self.fraction[tier] = granted_fraction(asked, remaining)
            self.asked += asked
            remaining = max(0.0, remaining - asked * self.fraction[tier])
        if self.model.policy.intervention.tiers_served_alike:
            alike = granted_fraction(self.asked, self.available)
            self.fraction[1:] = [alike] * (len(self.fraction) - 1)

    def realign(self) -> None:
        """Move alignment toward where team, fatigue and overload pull it."""
        policy = self.model.policy
        behaviors.realign(self, policy.levers, policy.terms, self.model.parameters)

    def tire(self) -> None:
        """Tire of one more rebuild."""
        behaviors.tire(self, self.model.policy.levers, self.model.policy.terms)
