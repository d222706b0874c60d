"""The Mesa driver: one organization, watchable quarter by quarter, by the same rules as the ensemble."""

from types import SimpleNamespace
from typing import Any

import mesa
import numpy as np

from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.model import behaviors, readings
from kamsim.model.agents import Account, Function, KeyAccountManager
from kamsim.model.collecting import collector
from kamsim.model.plan import History, empty_history
from kamsim.policy.policy import Intervention, policy_in
from kamsim.rules.collaboration import available_support
from kamsim.rules.costs import add_up
from kamsim.rules.elevation import add_ranks, keep_within_capacity
from kamsim.rules.quota import sum_of_plans
from kamsim.rules.tiering import (
    LEAVING,
    NO_CUSTOMER,
    best_kam,
    fill_vacant_seats,
    mean_of_largest,
    middle,
    open_places,
    rerank_by_spend,
    seat_beside_notices,
    select_anew,
    sorting_pull,
    step_down_the_unhealthy,
)
from kamsim.scenario import Scenario
from kamsim.types import Flags, Floats, Integers
from kamsim.world.carried import carried_book
from kamsim.world.customers import AS_DRAWN, Future
from kamsim.world.known import known_of
from kamsim.world.parameters import budget_of, parameters_of, timeline_of
from kamsim.world.world import draw_world


class KeyAccountProgram(mesa.Model):
    """One organization and its key account program.

    Parameters
    ----------
    scenario : Scenario
        World, policy and timeline.
    seed : int, optional
        Names the world together with ``organization``, by default 1; the ensemble plays the same one.
    rng : int, optional
        The same, under the name that tools of Mesa give it.
    organization : int
        Which organization of the seed.
    future : Future, optional
        Whose draws the world goes on with, from a quarter on.
    book : Book, optional
        A real account book instead of the scenario's own accounts.
    intervention : Intervention, optional
        What is set by hand in a counterfactual twin.
    account_class, kam_class, function_class : type
        Agent classes, to try another behavior.

    Attributes
    ----------
    accounts, kams, functions : mesa.agent.AgentSet
        All agents by kind, in the order of their numbers.
    key_accounts, standard_accounts : mesa.agent.AgentSet
        Accounts by their place in the program.
    quarter, year : int
        What is being played, from 0.
    history : History
        Filled in at every year's end; the same that the ensemble leaves behind.
    money : float
        Currency value of one median annual wallet.
    datacollector : mesa.DataCollector
        Revenue, key accounts, trust, collaboration, alignment and ties after every quarter.

    Notes
    -----
    ``step()`` plays a quarter, ``run_model()`` the whole timeline.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int | None = None,
        rng: int | None = None,
        organization: int = 0,
        future: Future = AS_DRAWN,
        book: Book | None = None,
        intervention: Intervention | None = None,
        account_class: type[Account] = Account,
        kam_class: type[KeyAccountManager] = KeyAccountManager,
        function_class: type[Function] = Function,
    ) -> None:
        if seed is not None and rng is not None:
            raise KamsimError(f"seed {seed} and rng {rng} both name the market scenario (world); give one of them")
        seed = next((number for number in (seed, rng) if number is not None), 1)
        super().__init__(rng=seed)
        self._scenario = scenario
        parameters = parameters_of(scenario)
        self.parameters = _numbers_of(parameters)
        self.timeline = timeline_of(scenario)
        book = carried_book(scenario, book)
        known, self.money = known_of(scenario, book)
        count = len(known.annual_spend)
        budget = budget_of(scenario, count)
        self.world = draw_world(seed, organization, parameters, budget, self.timeline, known, future)
        policy = policy_in(scenario, count, self.world.seed_low, self.world.seed_high, organization)
        self.policy = policy._replace(terms=_numbers_of(policy.terms), intervention=intervention or Intervention())
        self.attention: list[float] = policy.attention.tolist()
        self.promise: list[float] = policy.promise.tolist()
        self.concession: list[float] = policy.concession.tolist()
        self.quarter = self.year = -1
        self.quota, self.streak, self.rebuilds, self.missed_last_year = 0.0, 0, 0, False
        self.seat_sales, self.beside, self.pilot = 0.0, 0.0, 0
        self.season: list[float] = self.world.season.tolist()
        slots = budget.room(self.timeline.years)
        self.history: History = empty_history(self.timeline.years, slots, budget.kams)
        self._labels = None if book is None else book.account_id
        self._account_class = account_class
        self._arrivals: list[int] = self.world.accounts["arrives"].tolist()
        came = self._bear(0)
        for number in range(budget.kams):
            kam_class(self, number)
        for number in range(budget.functions):
            function_class(self, number)
        self.kams: Any = self.agents.select(agent_type=KeyAccountManager)
        self.functions: Any = self.agents.select(agent_type=Function)
        self._give_managers_of_today(came)
        self._sort_accounts()
        self.datacollector = collector()

    @property
    def scenario(self) -> Scenario:
        """World, policy and timeline that are played."""
        return self._scenario

    @scenario.setter
    def scenario(self, other: Any) -> None:
        # Newer versions of Mesa have a kind of scenario of their own, and give every model one; ours is kept.
        if isinstance(other, Scenario):
            raise KamsimError(f"a model plays the scenario that it was made with, not {other.name}; make another model")

    @property
    def program_runs(self) -> bool:
        """Whether the program has been launched: after the years of history."""
        return self.year >= self.timeline.history_years

    def step(self) -> None:
        """Play one quarter, and the year-end after every fourth."""
        if self.quarter + 1 >= 4 * self.timeline.years:
            raise KamsimError(
                f"all {4 * self.timeline.years} quarters of {self.scenario.name} are played; make another model, or "
                "lengthen timeline.window_years"
            )
        self.quarter += 1
        self.year = self.quarter // 4
        self.welcome_accounts()
        if self.program_runs:
            self.key_accounts.do("tell_need")
            self.kams.do("plan_attention")
            self.kams.do("ask_for_support")
            self.functions.do("grant_support")
            self.key_accounts.do("receive_service")
        if self.parameters.contract_years > 0:
            self.accounts.do("renew_contract")
        self.standard_accounts.do("drift")
        self.accounts.do("order")
        if self.program_runs:
            self.kams.do("learn")
            self.kams.do("consider_leaving")
            if self.parameters.buyer_turnover > 0.0:
                self.key_accounts.do("consider_another_buyer")
            self.functions.do("realign")
        self.datacollector.collect(self)
        self.release_accounts()
        if self.quarter % 4 == 3:
            self.close_year()
        self.running = self.quarter + 1 < 4 * self.timeline.years

    def welcome_accounts(self) -> None:
        """Let new accounts in; at the year's start all accounts settle how often they order."""
        if self.quarter % 4 == 0:
            self.accounts.do("begin_year")
        came = self._bear(self.quarter) if self.quarter > 0 else []
        self._give_managers_of_today(came)
        for account in came:
            account.begin_year()
        if came:
            self._sort_accounts()

    def release_accounts(self) -> None:
        """Take accounts that have left for good out of the model; their year stays in the history."""
        leaving = [account for account in self.accounts if not account.alive]
        for account in leaving:
            self._note_account(account)
            for kam in self.kams:
                kam.portfolio = [kept for kept in kam.portfolio if kept is not account]
                kam.handed_down = [kept for kept in kam.handed_down if kept is not account]
            account.remove()
        if leaving:
            self._sort_accounts()

    def close_year(self) -> None:
        """Close the books; judge the program, change tiers, set the next quota, and prices."""
        self._note_year()
        launch = self.year == self.timeline.history_years - 1
        large = self._mean_of_largest()
        if self.program_runs:
            self.pay_for_idle()
        if self.program_runs or launch:
            if launch:
                self.seat_sales = large
            rebuild = self.program_runs and self.judge_program()
            follows = not rebuild and behaviors.go_on_with_pilot(self, self.history.years[self.year])
            tier = self.next_tiers(launch, rebuild, follows)
            # What follows a pilot is the rest of the same rebuild.
            self.move_accounts(tier, rebuild or follows)
            self.set_quota(ratchets=not (launch or rebuild or follows))
        self.accounts.do("settle_price", large, self.program_runs)

    def pay_for_idle(self) -> None:
        """Pay for what the budget bought and no account used; without places there is no program, and no budget."""
        policy, world = self.policy, self.world
        if policy.seats.any() and behaviors.pays_for_idle(policy.terms) > 0.0:
            behaviors.pay_budget(
                self,
                self.history.years[self.year],
                len(self.kams),
                len(self.functions) * world.capacity,
                add_up(self.history.accounts["investment"][self.year]),
                policy.terms,
                self.parameters,
            )
        self.beside = 0.0

    def judge_program(self) -> bool:
        """Compare key account revenue with the quota; say whether patience ends in a rebuild."""
        policy, year = self.policy, self.history.years[self.year]
        judged = (
            self._of_members("expected_spend") if policy.intervention.judged_without_luck else float(year.key_revenue)
        )
        rebuild = behaviors.judge_program(self, year, judged, self.world.patience, policy.intervention, policy.terms)
        if rebuild:
            self.functions.do("tire")
            if behaviors.adopts_any(policy.terms):
                self.policy = policy._replace(levers=behaviors.adopted_levers(policy.levers, policy.terms))
        return rebuild

    def next_tiers(self, launch: bool, rebuild: bool, follows: bool) -> Integers:
        """Tier of every account from next year on.

        Parameters
        ----------
        launch, rebuild : bool
            Whether the program starts, or is rebuilt; else the policy's re-tiering decides.
        follows : bool
            Whether the rest of the program follows a pilot.

        Returns
        -------
        array of int
            By account number.
        """
        policy = self.policy
        tier = np.full(len(self.world.accounts), NO_CUSTOMER, dtype=np.int64)
        for account in self.accounts:
            tier[account.number] = account.tier
        if not policy.seats.any():
            return np.minimum(tier, 0)
        eligible, order, vacant = self._working_space()
        scores = self.selection_scores(launch or rebuild or follows)
        if launch:
            for account in self.accounts:
                number = account.number
                scores[number] = readings.score_at_launch(scores[number], account.tier, policy.terms)
            select_anew(scores, policy.seats, eligible, order, vacant, tier)
        else:
            self.review_tiers(scores, rebuild, follows, tier)
        if policy.terms.elevation_capacity_check > 0.0:
            self.keep_to_capacity(scores, rebuild or follows, tier)
        return tier

    def _working_space(self) -> tuple[Flags, Integers, Integers]:
        """Room that a review asks for: by account, by place and by tier."""
        seats = self.policy.seats
        accounts, places = len(self.world.accounts), int(seats.sum())
        return np.zeros(accounts, np.bool_), np.zeros(places, np.int64), np.zeros(len(seats), np.int64)

    def _moves(self, anew: bool) -> int:
        """Key accounts that a review may replace at this year's end; none where no review is due."""
        policy = self.policy
        if anew or (self.year - self.timeline.history_years + 1) % policy.terms.retiering_years:
            return 0
        return behaviors.moves_of_review(int(policy.seats.sum()), policy.levers, policy.terms)

    def review_tiers(self, scores: Floats, rebuild: bool, follows: bool, tier: Integers) -> None:
        """Select anew, or review, as the year asks for, and fill the seats that are free.

        Parameters
        ----------
        scores : array of float
            Selection scores, by account number.
        rebuild, follows : bool
            As `next_tiers` has them.
        tier : array of int
            Tiers by account number, changed in place.
        """
        policy = self.policy
        eligible, order, vacant = self._working_space()
        moves = self._moves(rebuild or follows)
        # A rebuild reads nobody's health: who is on trial stays so for a year more.
        trials = policy.terms.elevation_incubator_years > 0 and not (rebuild or follows)
        healths = self.read_health() if trials or (moves > 0 and not policy.levers.retier_by_spend) else {}
        if trials:
            self.end_trials(healths, tier)
        if rebuild or follows:
            self.open_places(scores, follows, tier)
        elif moves > 0:
            if policy.levers.retier_by_spend:
                spend = self.history.accounts["spend"][self.year].copy()
                rerank_by_spend(spend, moves, policy.seats, eligible, order, vacant, tier)
            else:
                self.review_health(healths, scores, moves, tier)
        fill_vacant_seats(scores, policy.seats, eligible, order, vacant, tier)
        if policy.terms.notice_years > 0:
            self.give_notice(scores, rebuild or follows, moves > 0, tier)
        tier[tier == LEAVING] = 0

    def selection_scores(self, anew: bool) -> Floats:
        """Scores of candidates, by account number: by the selection lever, or by a selection matrix.

        Parameters
        ----------
        anew : bool
            Whether members are selected anew; they are candidates then, as where they may lose their places.

        Returns
        -------
        array of float
            What it holds of others does not count.
        """
        terms, slots = self.policy.terms, len(self.world.accounts)
        if not readings.weighs_criteria(terms):
            return self._by_number("selection_score")
        reviewed = self._moves(anew) > 0 and self.policy.levers.retier_by_spend
        members_too = anew or reviewed or any(account.notice == 1 for account in self.key_accounts)
        scores, values, ordered = np.zeros(slots), np.zeros(slots), np.zeros(slots)
        candidates = [account for account in self.accounts if members_too or account.tier == 0]
        candidate = np.zeros(slots, dtype=np.bool_)
        candidate[[account.number for account in candidates]] = True
        for criterion in range(readings.CRITERIA):
            weight = readings.weight_of(criterion, terms)
            if weight > 0.0:
                for account in candidates:
                    values[account.number] = account.criterion_read(criterion)
                add_ranks(values, candidate, weight, ordered, scores)
        return scores

    def keep_to_capacity(self, scores: Floats, anew: bool, tier: Integers) -> None:
        """Leave places empty whose accounts would need more than what is committed.

        Parameters
        ----------
        scores : array of float
            Selection scores, by account number.
        anew : bool
            Whether members were selected anew.
        tier : array of int
            Tiers by account number, changed in place.
        """
        policy, kams, functions = self.policy, len(self.kams), len(self.functions)
        stays = np.zeros(len(tier), dtype=np.bool_)
        eligible, order, _ = self._working_space()
        for account in self.key_accounts:
            stays[account.number] = not behaviors.is_renewed(account, anew)
        support = add_up(np.array([available_support(self.world.capacity, each.alignment) for each in self.functions]))
        ties = add_up(np.array([add_up(np.array(kam.ties)) for kam in self.kams]))
        keep_within_capacity(
            scores, self._by_number("expected_need"), stays, policy.attention, ties / (kams * functions),
            kams * behaviors.hours_of_kam(policy.terms, self.parameters), support,
            readings.capacity_slack(policy.levers, policy.terms), policy.terms.elevation_capacity_check, eligible,
            order, tier,
        )  # fmt: skip

    def give_notice(self, scores: Floats, anew: bool, reviews: bool, tier: Integers) -> None:
        """Let members stay who are only told to go, and those go whose notice ends; who came for them has to wait.

        Parameters
        ----------
        scores : array of float
            Selection scores, by account number.
        anew, reviews : bool
            Whether members were selected anew, or reviewed.
        tier : array of int
            Tiers by account number, changed in place.
        """
        policy = self.policy
        eligible, order, vacant = self._working_space()
        by_spend = reviews and policy.levers.retier_by_spend
        for account in self.accounts:
            number = account.number
            if account.tier == 0:
                tier[number] = 0
                continue
            tier[number] = behaviors.heed_notice(account, int(tier[number]), anew or reviews, policy.terms)
            if by_spend or behaviors.is_renewed(account, anew):
                eligible[number] = account.notice == 0 and tier[number] > 0
        ranks = self.history.accounts["spend"][self.year].copy() if by_spend else scores
        seat_beside_notices(ranks, scores, policy.seats, eligible, order, vacant, tier)

    def open_places(self, scores: Floats, follows: bool, tier: Integers) -> None:
        """Open the places that a rebuild selects anew.

        Parameters
        ----------
        scores : array of float
            Selection scores, by account number.
        follows : bool
            Whether it is those that a pilot had left alone.
        tier : array of int
            Tiers by account number, changed in place.
        """
        opened, order, _ = self._working_space()
        if follows:
            for account in self.key_accounts:
                opened[account.number] = not account.opened
            tier[opened] = 0
        else:
            open_places(scores, self.policy.terms.rebuild_part, opened, order, tier)
        for account in self.accounts:
            account.opened = bool(opened[account.number])

    def read_health(self) -> dict[int, float]:
        """Health of key accounts as a yearly review reads it, by account number."""
        margins = {account.number: account.margin_read() for account in self.key_accounts}
        usual = middle(np.array(list(margins.values())))
        return {account.number: account.health(margins[account.number], usual) for account in self.key_accounts}

    def end_trials(self, healths: dict[int, float], tier: Integers) -> None:
        """Let accounts in that are on trial, keep them there, or let them go, where others would take their place.

        Parameters
        ----------
        healths : dict
            From `read_health`.
        tier : array of int
            Tiers by account number, changed in place.
        """
        spare = int((tier >= 0).sum() - self.policy.seats.sum())
        for account in self.key_accounts:
            if account.on_trial > 0 and account.end_trial(healths[account.number], spare > 0):
                spare -= 1
                tier[account.number] = LEAVING

    def review_health(self, healths: dict[int, float], scores: Floats, moves: int, tier: Integers) -> None:
        """Let the unhealthy step down that had a year to recover, and give one to the others.

        Parameters
        ----------
        healths : dict
            From `read_health`.
        scores : array of float
            Selection scores, by account number.
        moves : int
            Steps down at most.
        tier : array of int
            Tiers by account number, changed in place.
        """
        policy, members = self.policy, list(self.key_accounts)
        decline, warned = np.zeros(len(tier)), np.zeros(len(tier), dtype=np.bool_)
        for account in members:
            decline[account.number] = -healths[account.number] if account.on_trial == 0 else np.inf
            warned[account.number] = account.warned
        threshold = policy.terms.health_threshold
        eligible, order, vacant = self._working_space()
        step_down_the_unhealthy(decline, warned, scores, threshold, moves, policy.seats, eligible, order, vacant, tier)
        for account in members:
            unhealthy = account.on_trial == 0 and -decline[account.number] < threshold
            account.give_time_to_recover(bool(tier[account.number] == account.tier and unhealthy))

    def move_accounts(self, tier: Integers, rebuild: bool) -> None:
        """Elevate, keep and demote accounts, and give a KAM to those that need one.

        Parameters
        ----------
        tier : array of int
            By account number.
        rebuild : bool
            Whether the program is rebuilt.
        """
        needing: list[Account] = []
        elevated = admitted = handed_over = 0
        for account in self.accounts:
            before, after = account.tier, int(tier[account.number])
            if before == 0 and after == 0:
                account.kept_hours = 0.0
                continue
            admitted += 1 if account.admitted and after > 0 else 0
            needs_kam, is_handed_over = account.move_to_tier(after, rebuild)
            needing += [account] if needs_kam else []
            elevated += 1 if before == 0 else 0
            handed_over += 1 if is_handed_over else 0
        year, parameters = self.history.years[self.year], self.parameters
        elevations = behaviors.elevations_of(elevated, admitted, self.policy.terms)
        year.elevation_cost = elevations * parameters.elevation_cost * self.seat_sales
        year.handover_cost = handed_over * parameters.handover_cost * self.seat_sales
        self._sort_accounts()
        self.calibrate(rebuild)
        self.assign_kams(needing)
        for kam in self.kams:
            kam.portfolio = [account for account in self.key_accounts if account.kam is kam]
            kam.handed_down = [
                account for account in self.accounts if account.kept_hours > 0.0 and account.handed_down_by is kam
            ]

    def calibrate(self, rebuild: bool) -> None:
        """Set the ambition of partnerships that are new, or renewed by a rebuild, against the mean of all members.

        Parameters
        ----------
        rebuild : bool
            Whether the program is rebuilt.
        """
        mean = 0.0
        for account in self.key_accounts:
            mean += account.fit_read() / len(self.key_accounts)
        for account in self.key_accounts:
            if behaviors.is_renewed(account, rebuild) or account.kam is None:
                account.calibrate_ambition(mean)

    def assign_kams(self, needing: list[Account]) -> None:
        """Give accounts a KAM: the higher tier first, drawn to the well tied, the rest to the least loaded.

        Parameters
        ----------
        needing : list of Account
            Key accounts without a KAM, or about to change theirs.
        """
        waiting = {account.number for account in needing}
        mean_tie = np.array([add_up(np.array(kam.ties)) / len(kam.ties) for kam in self.kams])
        load = np.zeros(len(self.kams))
        for account in self.key_accounts:
            if account.number not in waiting:
                load[account.kam.number] += self.attention[account.tier]
        top_tier = len(self.attention) - 1
        team = list(self.kams)
        for tier in range(top_tier, 0, -1):
            pull = sorting_pull(tier, top_tier, self.parameters.sorting)
            for account in needing:
                if account.tier == tier:
                    former = -1 if account.kam is None else account.kam.number
                    account.kam = team[best_kam(mean_tie, load, pull, former)]
                    load[account.kam.number] += self.attention[account.tier]

    def set_quota(self, ratchets: bool) -> None:
        """Set next year's quota on the accounts that are key now.

        Parameters
        ----------
        ratchets : bool
            Whether the old quota weighs on the next one; not after a launch or a rebuild.
        """
        behaviors.set_quota(
            self,
            self._quota_base(),
            ratchets,
            self.world.market_growth,
            self.world.premium,
            self.world.prioritizes_returns,
            self.policy.terms,
            self.parameters,
        )

    def reading_of(self, account: Account, what: str) -> float:
        """The world's draw behind this year's reading of an account: potential, fit, trust, cost or reassign."""
        return float(self.world.readings[self.year, account.number][what])

    def _bear(self, quarter: int) -> list[Account]:
        """Make the accounts that come in a quarter; those of quarter 0 are there when the model is made."""
        return [
            self._account_class(self, number, self._label_of(number))
            for number, arrives in enumerate(self._arrivals)
            if arrives == quarter
        ]

    def _give_managers_of_today(self, accounts: list[Account]) -> None:
        """Give accounts that are key before the launch the KAMs that serve them, as a real book tells."""
        team = list(self.kams)
        for account in accounts:
            if account.tier > 0:
                account.kam = team[account.manager_today]

    def _label_of(self, number: int) -> str:
        if self._labels is None:
            return str(number + 1)
        return self._labels[number] if number < len(self._labels) else f"new {number - len(self._labels) + 1}"

    def _sort_accounts(self) -> None:
        self.accounts: Any = self.agents.select(agent_type=Account).sort("number", ascending=True)
        self.key_accounts: Any = self.accounts.select(lambda account: account.tier > 0)
        self.standard_accounts: Any = self.accounts.select(lambda account: account.tier == 0)

    def _by_number(self, behavior: str) -> Floats:
        values = np.zeros(len(self.world.accounts))
        for account in self.accounts:
            values[account.number] = getattr(account, behavior)()
        return values

    def _mean_of_largest(self) -> float:
        spend = np.array([account.this_year.spend for account in self.accounts])
        return mean_of_largest(spend, np.zeros(self.world.seats))

    def _quota_base(self) -> float:
        terms, books, members = self.policy.terms, self.history.accounts, list(self.key_accounts)
        without_luck = self.policy.intervention.quota_without_luck
        sales = planned = mean_promise = 0.0
        for account in members:
            usual = float(readings.usual_sales(books, account.number, self.year, terms.quota_years, without_luck))
            sales += usual
            if terms.quota_by_potential > 0.0:
                promise = account.promise_of_plan()
                planned += usual * promise
                mean_promise += promise / len(members)
        if mean_promise > 0.0:
            sales = sum_of_plans(sales, planned, mean_promise, terms.quota_by_potential)
        return sales

    def _of_members(self, column: str) -> float:
        """Total over those that were key in the year, whether they have left since or not."""
        year = self.history.accounts[self.year]
        return add_up(year[column][year["tier"] > 0])

    def _note_account(self, account: Account) -> None:
        noted, year = self.history.accounts[self.year, account.number], account.this_year
        account.close_year()
        noted.spend = year.spend
        noted.expected_spend = year.expected_spend
        noted.listed = year.listed
        noted.cost_to_serve = year.cost_to_serve
        noted.collaboration = year.collaboration
        noted.investment = year.investment
        noted.risk = year.risk
        noted.trust = account.trust
        noted.tier = account.tier
        noted.kam = -1 if account.kam is None else account.kam.number

    def _note_year(self) -> None:
        year = self.history.years[self.year]
        for account in self.accounts:
            self._note_account(account)
        for kam in self.kams:
            self.history.departures[self.year, kam.number] = kam.departures_of_year
            kam.departures_of_year = 0
        year.key_revenue = self._of_members("spend") if self.program_runs else 0.0


def _numbers_of(record: Any) -> SimpleNamespace:
    """Fields of a record as plain numbers: the same bits, quicker to read from Python."""
    return SimpleNamespace(**{name: record[name].item() for name in record.dtype.names})
