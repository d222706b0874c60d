"""The agents of a key account program, as Mesa agents whose behaviors are the rules of `kamsim.rules`.

Override a behavior in a subclass and hand the class to `KeyAccountProgram` to try another rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa

from kamsim.model.plan import LEAST_SPEND
from kamsim.rules.alignment import alignment_after_quarter, fatigue_after_quarter, fatigue_after_rebuild, overload
from kamsim.rules.attention import account_need, coverage, planned_hours
from kamsim.rules.collaboration import (
    available_support,
    collaboration_felt,
    collaboration_part,
    granted_fraction,
    support_asked,
    tie_after_departure,
    tie_after_quarter,
)
from kamsim.rules.costs import investment
from kamsim.rules.quota import chance_to_leave
from kamsim.rules.relationship import (
    expectation_after_quarter,
    trust_after_loss,
    trust_after_service,
    trust_without_program,
    value_delivered,
)
from kamsim.rules.spend import (
    bargaining_power,
    quarter_spend,
    share_after_attack,
    share_after_quarter,
    share_target,
)
from kamsim.rules.tiering import (
    account_health,
    between,
    calibrated_ambition,
    growth_potential,
    log_growth,
    reading,
    relieved_noise,
    spend_score,
)
from kamsim.world.laws import ALIGNMENT_BOUNDS, TIE_BOUNDS

if TYPE_CHECKING:
    from kamsim.model.program import KeyAccountProgram


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

    model: KeyAccountProgram

    def __init__(self, model: KeyAccountProgram, number: int, label: str) -> None:
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
        self.spend_by_year = [0.0] * model.timeline.years
        self.collaboration_of_year = self.investment_of_year = self.expected_spend_of_year = 0.0

    @property
    def manager(self) -> KeyAccountManager:
        """The KAM of a key account."""
        assert self.kam is not None, "a standard account has no KAM"
        return self.kam

    @property
    def attention_weight(self) -> float:
        """Attention weight of the account's tier."""
        return self.model.attention[self.tier]

    @property
    def collaboration_felt(self) -> float:
        """Collaboration that the account answers to: what it receives, unless a twin sets it."""
        if self.tier == 0:
            return 0.0
        return collaboration_felt(self.collaboration, self.model.policy.twin.set_collaboration)

    def tell_need(self) -> None:
        """Tell the KAM what work the account needs this quarter."""
        self.need = account_need(self.wallets[self.model.quarter], self.model.parameters.need_exponent, self.ambition)

    def receive_service(self) -> None:
        """Receive attention and support, and judge it against what was promised."""
        ties, functions = self.manager.ties, self.model.functions
        received = support = 0.0
        for function, mix, tie in zip(functions, self.need_mix, ties, strict=True):
            fraction = function.fraction[self.tier]
            received += collaboration_part(mix, tie, fraction)
            support += support_asked(self.need, mix, self.coverage, tie) * fraction
        self.collaboration = self.coverage * received
        self.collaboration_of_year += self.collaboration / 4.0
        self.investment_of_year += investment(
            self.hours, self.model.world.hour_cost, support, self.model.world.support_cost
        )
        self.judge_service()

    def judge_service(self) -> None:
        """Compare the value delivered with what was expected; trust moves."""
        parameters = self.model.parameters
        value = value_delivered(
            self.fit,
            self.ambition,
            self.coverage,
            self.collaboration_felt,
            parameters.value_fit_exponent,
            parameters.value_ambition_exponent,
            parameters.value_attention,
            parameters.value_collaboration,
            parameters.value_joint,
        )
        self.expectation = expectation_after_quarter(
            self.expectation, self.model.promise[self.tier] * self.ambition, parameters.expectation_speed
        )
        self.trust = trust_after_service(
            self.trust, value, self.expectation, parameters.trust_speed, parameters.loss_aversion
        )

    def drift(self) -> None:
        """Go on without a program: trust and expectation drift to where they rest."""
        parameters = self.model.parameters
        self.expectation = expectation_after_quarter(
            self.expectation, self.model.promise[0], parameters.expectation_speed
        )
        self.trust = trust_without_program(self.trust, parameters.trust_mean, parameters.trust_drift)

    def order(self) -> None:
        """Move share of wallet, unless a rival takes it, and place the quarter's orders."""
        parameters, quarter = self.model.parameters, self.model.quarter
        target = share_target(
            self.ceiling,
            self.trust,
            self.collaboration_felt,
            self.share_base,
            parameters.share_trust,
            parameters.share_collaboration,
            self.model.policy.twin.ceiling_reach,
        )
        self.share = share_after_quarter(self.share, target, parameters.share_speed)
        if self.attacks[quarter]:
            self.share = share_after_attack(self.share, self.trust, parameters.rival_damage)
        self.spend = quarter_spend(self.wallets[quarter], self.share, self.orders[quarter], self.concession)
        self.spend_by_year[self.model.year] += self.spend
        self.expected_spend_of_year += quarter_spend(self.wallets[quarter], self.share, 1.0, self.concession)
        if self.concession > 0.0:
            list_price = quarter_spend(self.wallets[quarter], self.share, self.orders[quarter], 0.0)
            self.model.price_given_of_year += list_price - self.spend

    def selection_score(self) -> float:
        """Score of the account as a candidate for elevation, as the program reads it."""
        model, year = self.model, self.model.year
        potential = growth_potential(
            4.0 * self.wallets[model.quarter],
            self.ceiling,
            self.share,
            self.growth_by_year[year],
            model.parameters.growth_weight,
            model.parameters.least_room,
        )
        noise = relieved_noise(
            model.parameters.observation_noise, model.policy.levers.alignment, model.policy.terms.team_noise_relief
        )
        return between(
            spend_score(self.spend_by_year[year], LEAST_SPEND),
            reading(potential, model.reading_of(self, "potential"), noise),
            model.policy.levers.selection,
        )

    def health(self, book_growth: float) -> float:
        """Health of the relationship as a yearly review reads it."""
        model, terms, year = self.model, self.model.policy.terms, self.model.year
        noise = relieved_noise(model.parameters.trust_noise, model.policy.levers.alignment, terms.team_noise_relief)
        return account_health(
            log_growth(self.spend_by_year[year - 2], self.spend_by_year[year], LEAST_SPEND),
            book_growth,
            reading(self.trust, model.reading_of(self, "trust"), noise),
            terms.health_growth,
            terms.health_trust,
            terms.sound_trust,
        )

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
        self.tier = tier
        if tier < before:
            self.trust = trust_after_loss(self.trust, model.policy.terms.demotion_loss)
        if tier == 0:
            self.kam = None
            self.ambition = 1.0
            self.hours = self.collaboration = self.concession = 0.0
            return False
        if before == 0 or rebuild:
            self.calibrate_ambition()
        if before == 0:
            return True
        if not rebuild or len(model.kams) == 1:
            return False
        if model.reading_of(self, "reassign") < model.policy.terms.rebuild_reassigned:
            self.trust = trust_after_loss(self.trust, model.parameters.disruption)
            return True
        return False

    def calibrate_ambition(self) -> None:
        """Set the ambition of the partnership, for the tier at large or with the customer."""
        model, terms, bilateral = self.model, self.model.policy.terms, self.model.policy.levers.boundaries
        noise = between(model.parameters.fit_noise, model.parameters.fit_noise_bilateral, bilateral)
        self.ambition = calibrated_ambition(
            reading(self.fit, model.reading_of(self, "fit"), noise),
            bilateral,
            terms.ambition_slope,
            terms.ambition_least,
            terms.ambition_most,
        )

    def bargain(self, mean_key_spend: float) -> None:
        """Bargain for next year's price concession."""
        parameters = self.model.parameters
        self.concession = self.model.concession[self.tier] * bargaining_power(
            self.spend_by_year[self.model.year],
            mean_key_spend,
            parameters.bargaining_base,
            parameters.bargaining_slope,
            parameters.bargaining_most,
        )


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

    model: KeyAccountProgram

    def __init__(self, model: KeyAccountProgram, number: int) -> None:
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
            account.hours = planned_hours(
                self.model.parameters.hours_per_kam, account.need, account.attention_weight, weighted_need
            )
            account.coverage = coverage(self.skill, account.hours, account.need)

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
        parameters = self.model.parameters
        for number, function in enumerate(self.model.functions):
            asked = honored = 0.0
            for tier in range(1, len(function.fraction)):
                asked += self.asked[number][tier]
                honored += self.asked[number][tier] * function.fraction[tier]
            self.ties[number] = tie_after_quarter(
                self.ties[number],
                honored / asked if asked > 0.0 else 0.0,
                parameters.tie_learning,
                parameters.tie_decay,
                self.model.policy.levers.alignment,
                TIE_BOUNDS[0],
                TIE_BOUNDS[1],
            )

    def consider_leaving(self) -> None:
        """Leave, perhaps; a successor takes over the portfolio with weaker ties and less trust."""
        parameters = self.model.parameters
        chance = chance_to_leave(parameters.turnover, self.model.missed_last_year, parameters.turnover_after_miss)
        if self.leave_draws[self.model.quarter] >= chance:
            return
        self.departures_of_year += 1
        self.skill = self.successor_skills[self.model.quarter]
        self.ties = [tie_after_departure(tie, parameters.tie_kept, TIE_BOUNDS[0]) for tie in self.ties]
        for account in self.portfolio:
            account.trust = trust_after_loss(account.trust, parameters.disruption)


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

    model: KeyAccountProgram

    def __init__(self, model: KeyAccountProgram, number: int) -> None:
        super().__init__(model)
        self.number = number
        self.alignment_at_birth = float(model.world.alignment[number])
        self.alignment = self.alignment_at_birth
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
        if self.model.policy.twin.tiers_served_alike:
            alike = granted_fraction(self.asked, self.available)
            self.fraction[1:] = [alike] * (len(self.fraction) - 1)

    def realign(self) -> None:
        """Move alignment toward where team, fatigue and overload pull it."""
        parameters, policy = self.model.parameters, self.model.policy
        self.alignment = alignment_after_quarter(
            self.alignment,
            self.alignment_at_birth,
            policy.levers.alignment * policy.terms.team_alignment,
            self.fatigue,
            overload(self.asked, self.available, parameters.overload_weight),
            parameters.alignment_speed,
            ALIGNMENT_BOUNDS[0],
            ALIGNMENT_BOUNDS[1],
        )
        self.fatigue = fatigue_after_quarter(self.fatigue, parameters.fatigue_decay)

    def tire(self) -> None:
        """Tire of one more rebuild."""
        terms = self.model.policy.terms
        self.fatigue = fatigue_after_rebuild(
            self.fatigue, terms.rebuild_fatigue, self.model.policy.levers.alignment, terms.team_fatigue_relief
        )
