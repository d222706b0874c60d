"""The agents of a key account program, as Mesa agents whose behaviors are those of `kamsim.model.behaviors`.

Override a behavior in a subclass and hand the class to `KeyAccountProgram` to try another rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import mesa

from kamsim.model import behaviors
from kamsim.policy.policy import Policy
from kamsim.rules.collaboration import available_support, collaboration_part, granted_fraction, support_asked
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
    price_given_of_year: float
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
    collaboration: float = 0.0
    investment: float = 0.0


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
    trust, share, expectation, ambition, collaboration : float
        State of the relationship.
    spend : float
        Net spend of the quarter, median wallets.
    """

    model: Organization

    def __init__(self, model: Organization, number: int, label: str) -> None:
        super().__init__(model)
        world, born = model.world, model.world.accounts[number]
        self.number = number
        self.label = label
        self.growth_by_year: list[float] = world.growth[:, number].tolist()
        self.fit = float(born.fit)
        self.share_base = float(born.share_base)
        self.need_mix: list[float] = world.need_mix[number].tolist()
        self.wallets: list[float] = world.quarters["wallet"][:, number].tolist()
        self.orders: list[float] = world.quarters["orders"][:, number].tolist()
        self.attacks: list[bool] = world.quarters["attacked"][:, number].tolist()
        self.trust = float(born.trust)
        self.share = float(born.share)
        self.expectation = float(model.policy.promise[0])
        self.ceiling = float(born.ceiling)
        self.ambition = 1.0
        self.concession = 0.0
        self.tier = 0
        self.kam: KeyAccountManager | None = None
        self.need = self.coverage = self.hours = self.collaboration = self.spend = 0.0
        self.years = [YearOfAccount() for _ in range(model.timeline.years)]

    @property
    def manager(self) -> KeyAccountManager:
        """The KAM of a key account."""
        assert self.kam is not None, "a standard account has no KAM"
        return self.kam

    @property
    def this_year(self) -> YearOfAccount:
        """What the year has come to so far."""
        return self.years[self.model.year]

    @property
    def attention_weight(self) -> float:
        """Attention weight of the account's tier."""
        return self.model.attention[self.tier]

    @property
    def collaboration_felt(self) -> float:
        """Collaboration that the account answers to: what it receives, unless an intervention sets it."""
        return behaviors.felt_by(self, self.model.policy.intervention)

    @property
    def partnership(self) -> float:
        """What fit and ambition make of a given service."""
        return behaviors.worth_of_partnership(self, self.model.parameters)

    def tell_need(self) -> None:
        """Tell the KAM what work the account needs this quarter."""
        behaviors.tell_need(self, self.wallets[self.model.quarter], self.model.parameters)

    def receive_service(self) -> None:
        """Receive attention and support, and judge it against what was promised."""
        received = support = 0.0
        for function, mix, tie in zip(self.model.functions, self.need_mix, self.manager.ties, strict=True):
            fraction = function.fraction[self.tier]
            received += collaboration_part(mix, tie, fraction)
            support += support_asked(self.need, mix, self.coverage, tie) * fraction
        behaviors.receive_collaboration(self, received, self.this_year)
        world = self.model.world
        self.this_year.investment += investment(self.hours, world.hour_cost, support, world.support_cost)
        self.judge_service()

    def judge_service(self) -> None:
        """Compare the value delivered with what was expected; trust moves."""
        behaviors.judge_service(self, self.model.promise[self.tier], self.collaboration_felt, self.model.parameters)

    def drift(self) -> None:
        """Go on without a program: trust and expectation drift to where they rest."""
        behaviors.drift(self, self.model.promise[0], self.model.parameters)

    def order(self) -> None:
        """Move share of wallet, unless a rival takes it, and place the quarter's orders."""
        model, quarter = self.model, self.model.quarter
        reach = model.policy.intervention.ceiling_reach
        behaviors.move_share(self, self.collaboration_felt, reach, self.attacks[quarter], model.parameters)
        behaviors.order(self, self.wallets[quarter], self.orders[quarter], self.this_year)
        if self.concession > 0.0:
            model.price_given_of_year += behaviors.price_given(self, self.wallets[quarter], self.orders[quarter])

    def selection_score(self) -> float:
        """Score of the account as a candidate for elevation, as the program reads it."""
        model, policy = self.model, self.model.policy
        return behaviors.selection_score(
            self,
            self.wallets[model.quarter],
            self.growth_by_year[model.year],
            self.this_year.spend,
            model.reading_of(self, "potential"),
            policy.levers,
            policy.terms,
            model.parameters,
        )

    def health(self, book_growth: float) -> float:
        """Health of the relationship as a yearly review reads it."""
        model, policy = self.model, self.model.policy
        growth = behaviors.growth_of_spend(self.years[model.year - 2].spend, self.this_year.spend)
        draw = model.reading_of(self, "trust")
        return behaviors.health(self, growth, book_growth, draw, policy.levers, policy.terms, model.parameters)

    def move_to_tier(self, tier: int, rebuild: bool) -> bool:
        """Be elevated, kept, or demoted; a demoted customer trusts less.

        Parameters
        ----------
        tier : int
            Tier from next year on.
        rebuild : bool
            Whether the program is rebuilt: then partnerships are calibrated anew and some accounts change hands.

        Returns
        -------
        bool
            Whether the account needs a KAM.
        """
        model, before = self.model, self.tier
        behaviors.move_to_tier(self, tier, model.policy.terms)
        if tier == 0:
            self.kam = None
            return False
        if before == 0 or rebuild:
            self.calibrate_ambition()
        if before == 0:
            return True
        if not rebuild or len(model.kams) == 1:
            return False
        if model.reading_of(self, "reassign") < model.policy.terms.rebuild_reassigned:
            behaviors.lose_manager(self, model.parameters)
            return True
        return False

    def calibrate_ambition(self) -> None:
        """Set the ambition of the partnership, for the tier at large or with the customer."""
        policy, draw = self.model.policy, self.model.reading_of(self, "fit")
        behaviors.calibrate_ambition(self, draw, policy.levers, policy.terms, self.model.parameters)

    def bargain(self, mean_key_spend: float) -> None:
        """Bargain for next year's price concession."""
        concession = self.model.concession[self.tier]
        behaviors.bargain(self, self.this_year.spend, mean_key_spend, concession, self.model.parameters)


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
        self.asked = [[0.0] * len(model.attention) for _ in self.ties]
        self.departures_of_year = 0

    def plan_attention(self) -> None:
        """Plan the quarter's hours over the portfolio, by need and tier."""
        weighted_need = 0.0
        for account in self.portfolio:
            weighted_need += account.need * account.attention_weight
        for account in self.portfolio:
            behaviors.receive_attention(
                account, self.skill, account.attention_weight, weighted_need, self.model.parameters
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
            behaviors.lose_manager(account, parameters)


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
