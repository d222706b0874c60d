"""The kernel against NumPy over many organizations at once: what one would write who does not compile.

All rules but re-tiering are transcribed, so it plays the four shipped policies that do not re-tier, in books with
candidates for every seat. Sums over accounts run in another order than in the kernel, and NumPy's exponentials are its
own: values agree to rounding.
"""

from typing import Any

import numpy as np

from benchmarks.measuring import Figures, interleaved, nanoseconds
from benchmarks.player import play_times
from benchmarks.setting import setting
from kamsim.model.ensemble import simulate
from kamsim.model.plan import LEAST_SPEND
from kamsim.policy.policy import Policy
from kamsim.rules.orders import BEND, FEW_ORDERS, LEAST_ORDERS, MOST_FEW, MOST_HAZARD, TYPICAL_RATE
from kamsim.rules.tiering import LEAST_POTENTIAL
from kamsim.types import Flags, Floats, Integers
from kamsim.world.laws import ALIGNMENT_BOUNDS, TIE_BOUNDS
from kamsim.world.parameters import Timeline
from kamsim.world.world import World

WITHOUT_RETIERING = ("status_quo", "enterprise_selection", "cross_functional_alignment", "bilateral_boundaries")


class Batch:
    """One policy in many worlds; the first axis of every array is the organization."""

    def __init__(self, worlds: list[World], policy: Policy, parameters: Any, timeline: Timeline) -> None:
        self.policy, self.p, self.timeline = policy, parameters, timeline
        self.rows = np.arange(len(worlds))[:, None]
        self._stack(worlds)
        count, accounts = self.ceiling.shape
        self.kams, self.functions, self.tiers = self.skill.shape[1], self.alignment.shape[1], len(policy.seats)
        seats = int(policy.seats.sum())
        self.alive = np.zeros((count, accounts), dtype=bool)
        self.tier, self.kam, self.handed_down_by = (np.full((count, accounts), -1) for _ in range(3))
        self.ambition = np.ones((count, accounts))
        self.expectation = np.full((count, accounts), policy.promise[0])
        self.bond, self.worn, self.conceded, self.hours, self.kept_hours = (np.zeros_like(self.share) for _ in range(5))
        self.mean_orders, self.no_order, self.hazard = (np.zeros_like(self.share) for _ in range(3))
        self.fatigue = np.zeros((count, self.functions))
        self.members = np.zeros((count, seats), dtype=np.int64)
        self.seat_sales = np.zeros(count)
        years = timeline.years
        self.spend = np.zeros((years, count, accounts))
        self.expected_spend, self.collaboration, self.investment = (np.zeros_like(self.spend) for _ in range(3))
        self.listed, self.cost_to_serve = np.zeros_like(self.spend), np.zeros_like(self.spend)
        self.trust_then, self.tier_then, self.kam_then = (np.zeros_like(self.spend) for _ in range(3))
        self.key_revenue, self.quota = np.zeros((years, count)), np.zeros((years, count))
        self.elevation_cost, self.handover_cost = np.zeros((years, count)), np.zeros((years, count))
        self.missed, self.rebuilt = (np.zeros((years, count), dtype=bool) for _ in range(2))
        self.departures = np.zeros((years, count, self.kams), dtype=np.int64)

    def _stack(self, worlds: list[World]) -> None:
        def stacked(column: str, field: str) -> Any:
            return np.stack([np.asarray(getattr(world, column))[field] for world in worlds], axis=-2)

        self.wallet, self.score = stacked("quarters", "wallet"), stacked("quarters", "score")
        self.level, self.borne = stacked("quarters", "level"), stacked("quarters", "leave")
        self.read_potential, self.read_fit = stacked("readings", "potential"), stacked("readings", "fit")
        self.read_cost, self.reassign = stacked("readings", "cost"), stacked("readings", "reassign")
        self.leaves, self.successor = stacked("kam_quarters", "leave"), stacked("kam_quarters", "successor_skill")
        self.trust, self.share, self.ceiling = (stacked("accounts", name) for name in ("trust", "share", "ceiling"))
        self.fit, self.share_base = stacked("accounts", "fit"), stacked("accounts", "share_base")
        self.will, self.will_told = stacked("accounts", "will"), stacked("accounts", "will_told")
        self.partnership, self.cost = stacked("accounts", "partnership"), stacked("accounts", "cost")
        self.pace, self.concession = stacked("accounts", "orders"), stacked("accounts", "concession")
        self.arrives, self.known = stacked("accounts", "arrives"), stacked("accounts", "known")
        self.mix, self.skill = np.stack([w.need_mix for w in worlds]), np.stack([w.skill for w in worlds])
        self.tie, self.born_alignment = np.stack([w.tie for w in worlds]), np.stack([w.alignment for w in worlds])
        self.alignment = self.born_alignment.copy()
        self.premium, self.patience = (np.array([getattr(w, name) for w in worlds]) for name in ("premium", "patience"))
        self.prioritizes = np.array([world.prioritizes_returns for world in worlds])
        self.world = worlds[0]  # season, capacity, seats and the market's growth are the same in all

    def play(self) -> None:
        """Quarter by quarter, and what a year's end brings."""
        launch_year = self.timeline.history_years - 1
        streak, missed = np.zeros(len(self.rows), dtype=np.int64), np.zeros(len(self.rows), dtype=bool)
        quota = np.zeros(len(self.rows))
        for year in range(self.timeline.years):
            for quarter in range(4 * year, 4 * year + 4):
                self._quarter(year, quarter, year > launch_year, missed)
            self._close_books(year)
            large = self._mean_of_largest(year)
            if year >= launch_year:
                again = np.full(len(self.rows), year == launch_year)
                if year == launch_year:
                    self.seat_sales = large
                else:
                    self.key_revenue[year] = spend_of_key = self._of_key(self.spend[year]).sum(axis=1)
                    self.quota[year] = quota
                    attainment = np.where(quota > 0, spend_of_key / np.where(quota > 0, quota, 1.0), 1.0)
                    missed = self.missed[year] = attainment < 1.0
                    streak = np.where(missed, streak + 1, 0)
                    again = self.rebuilt[year] = streak >= self.patience
                    streak[again] = 0
                    terms = self.policy.terms
                    relief = 1.0 - terms.team_fatigue_relief * self.policy.levers.alignment
                    self.fatigue[again] += terms.rebuild_fatigue * relief
                self._fill_seats(year, again, year > launch_year)
                spend_of_key = self._of_key(self.spend[year]).sum(axis=1)
                carried = np.where(again, 0.0, quota)
                ratchet = self.policy.terms.ratchet
                premium = np.where(self.prioritizes, self.premium, self.p.premium_elsewhere * self.premium)
                base = (1.0 - ratchet) * spend_of_key + ratchet * np.maximum(spend_of_key, carried)
                quota = base * np.maximum(0.0, 1.0 + self.world.market_growth + premium)
            self._settle_prices(year, large, year > launch_year)

    def _of_key(self, values: Any) -> Any:
        return np.take_along_axis(values, self.members, axis=1)

    def _begin_year(self, quarter: int) -> None:
        """Let accounts arrive; settle how often those that begin a year order, and how easily they leave."""
        p, arriving = self.p, self.arrives == quarter
        begins = arriving | self.alive if quarter % 4 == 0 else arriving
        self.alive |= arriving
        self.tier[arriving] = 0
        log_rate = np.log(np.maximum(LEAST_SPEND, 4.0 * self.wallet[quarter][begins] * self.share[begins]))
        self.mean_orders[begins] = self.pace[begins] * np.exp(p.orders_exponent * log_rate)
        self.no_order[begins] = np.exp(-self.mean_orders[begins])
        self.hazard[begins] = np.minimum(MOST_HAZARD, p.hazard_size * (TYPICAL_RATE - log_rate))

    def _orders(self, quarter: int) -> Any:
        """Orders of the quarter against their mean."""
        mean, score = self.mean_orders, self.score[quarter]
        root, part, square = np.sqrt(mean), 1.0 / np.maximum(LEAST_ORDERS, mean), score * score
        bent = (square - 1.0) / 6.0 + (score - score * square) * BEND * root * part
        orders = np.maximum(0.0, np.rint(mean + root * score + bent))
        few = (mean < FEW_ORDERS) & self.alive
        rate, level, chance = mean[few], self.level[quarter][few], self.no_order[few]
        count, below = np.zeros(len(rate)), chance
        for number in range(1, MOST_FEW + 1):
            more = below < level
            if not more.any():
                break
            count += more
            chance = chance * (rate / number)
            below = below + chance
        orders[few] = np.where(rate < LEAST_ORDERS, 0.0, count)
        return orders * part

    def _quarter(self, year: int, quarter: int, launched: bool, missed: Flags) -> None:
        p = self.p
        self._begin_year(quarter)
        alive, standard, felt = self.alive, self.tier == 0, np.zeros_like(self.share)
        if launched:
            felt[self.rows, self.members] = self._serve(year, quarter)
        surprise = self.policy.promise[0] - self.expectation
        judged = self._after_service(self.trust, surprise)
        judged += p.trust_drift * (p.trust_mean - judged)
        self.trust = np.where(standard & alive, judged, self.trust)
        self.expectation += np.where(standard & alive, p.expectation_speed * surprise, 0.0)
        part = self.share_base + p.share_trust * self.trust + p.share_collaboration * felt
        target = np.minimum(1.0, self.ceiling * np.clip(part, 0.0, 1.0))
        self.share += np.where(alive, p.share_speed * (target - self.share), 0.0)
        season = self.world.season[quarter % 4]
        expected = np.where(alive, self.wallet[quarter] * season * self.share * (1.0 - self.concession), 0.0)
        self.spend[year] += expected * self._orders(quarter)
        self.expected_spend[year] += expected
        lost = self.borne[quarter] < self.hazard + p.hazard_trust * (p.trust_mean - self.trust)
        self.alive = alive & ~(lost & (launched | ~self.known))
        if launched:
            self._learn_and_leave(year, quarter, missed)

    def _after_service(self, trust: Floats, surprise: Floats) -> Any:
        p = self.p
        return np.where(
            surprise >= 0.0,
            np.minimum(1.0, trust + p.trust_speed * surprise * (1.0 - trust)),
            np.maximum(0.0, trust + p.loss_aversion * p.trust_speed * surprise * trust),
        )

    def _lose_manager(self, some: Any, part: float) -> None:
        """Let some accounts lose a part of what hangs on the bond with their KAM."""
        lost = np.where(some, part * self.bond, 0.0)
        self.share *= 1.0 - self.p.follow * lost
        self.trust *= 1.0 - self.p.disruption * lost
        self.bond = np.where(some, 0.0, self.bond)

    def _close_books(self, year: int) -> None:
        self.trust_then[year], self.tier_then[year], self.kam_then[year] = self.trust, self.tier, self.kam
        self.listed[year] = self.spend[year] / (1.0 - self.concession)
        self.cost_to_serve[year] = self.cost * self.listed[year]
        for column in (self.tier, self.kam):
            column[~self.alive] = -1
        self.kept_hours[~self.alive] = 0.0

    def _mean_of_largest(self, year: int) -> Any:
        largest = -np.sort(np.where(self.alive, -self.spend[year], 1.0), axis=1)[:, : self.world.seats]
        total: Floats = np.maximum(largest, 0.0).sum(axis=1)
        return total / np.maximum(1, (largest >= 0.0).sum(axis=1))

    def _sum_by(self, index: Integers, values: Floats, shape: tuple[int, ...]) -> Floats:
        total: Any = np.bincount(index.ravel(), values.ravel(), int(np.prod(shape)))
        return np.asarray(total.reshape(shape), dtype=np.float64)

    def _serve(self, year: int, quarter: int) -> Floats:
        """What a program does in a quarter for its members; the collaboration that they feel."""
        p, policy, rows = self.p, self.policy, self.rows
        count, functions, tiers = len(rows), self.functions, self.tiers
        kam, tier, ambition = self._of_key(self.kam), self._of_key(self.tier), self._of_key(self.ambition)
        here = self._of_key(self.alive)
        need = np.exp(p.need_exponent * np.log(4.0 * self._of_key(self.wallet[quarter])))
        weighted = np.where(here, need * policy.attention[tier] * ambition, 0.0)
        of_kam = self._sum_by(rows * self.kams + kam, weighted, (count, self.kams))
        kept = np.where(self.alive, self.kept_hours, 0.0)
        to_hand_down = rows * self.kams + np.maximum(0, self.handed_down_by)
        kam_hours = p.hours_per_kam - self._sum_by(to_hand_down, kept, (count, self.kams))
        hour_cost, support_cost = (cost * self.seat_sales[:, None] for cost in (p.hour_cost, p.support_cost))
        self.investment[year] += kept * hour_cost
        planned = kam_hours[rows, kam] * (weighted / np.maximum(of_kam, 1e-300)[rows, kam])
        told, welcome = (
            need * (p.will_base + p.will_slope * self._of_key(will)) for will in (self.will_told, self.will)
        )
        hours = planned - policy.levers.boundaries * np.maximum(0.0, planned - told)
        coverage = 1.0 - np.exp(-self.skill[rows, kam] * np.minimum(hours, welcome) / need)
        coverage = np.where(here, coverage, 0.0)
        bond = self._of_key(self.bond)
        self.bond[rows, self.members] = bond + p.bond_speed * coverage * (1.0 - bond)
        self.hours[rows, self.members] = np.where(here, hours, self._of_key(self.hours))
        mix, tie = self.mix[rows, self.members], self.tie[rows, kam]
        asked = (need * coverage)[:, :, None] * mix * tie
        place = ((rows * self.kams + kam)[:, :, None] * functions + np.arange(functions)) * tiers + tier[:, :, None]
        self.asked = self._sum_by(place, asked, (count, self.kams, functions, tiers))
        self.fraction = np.ones((count, functions, tiers))
        self.available = self.world.capacity * self.alignment
        remaining, by_tier = self.available, self.asked.sum(axis=1)
        for level in range(tiers - 1, 0, -1):
            wish = by_tier[:, :, level]
            self.fraction[:, :, level] = np.where(wish <= remaining, 1.0, remaining / np.maximum(wish, 1e-300))
            remaining = np.maximum(0.0, remaining - wish * self.fraction[:, :, level])
        granted = np.take_along_axis(self.fraction.transpose(0, 2, 1), tier[:, :, None], axis=1)
        felt: Floats = coverage * (mix * tie * granted).sum(axis=2)
        service = p.value_attention * coverage + p.value_collaboration * felt + p.value_joint * coverage * felt
        expectation, trust = self._of_key(self.expectation), self._of_key(self.trust)
        moved = expectation + p.expectation_speed * (policy.promise[tier] * ambition - expectation)
        judged = self._after_service(trust, self._of_key(self.partnership) * service - moved)
        self.trust[rows, self.members] = np.where(here, judged, trust)
        self.expectation[rows, self.members] = np.where(here, moved, expectation)
        self.collaboration[year][rows, self.members] += felt / 4.0
        support = (asked * granted).sum(axis=2)
        cost = np.where(here, hours, 0.0) * hour_cost + support * support_cost
        self.investment[year][rows, self.members] += cost
        return felt

    def _learn_and_leave(self, year: int, quarter: int, missed: Flags) -> None:
        p, team = self.p, self.policy.levers.alignment
        asked = self.asked.sum(axis=3)
        honored = (self.asked * self.fraction[:, None]).sum(axis=3) / np.where(asked > 0.0, asked, 1.0)
        grown = p.tie_learning * p.tie_decay * honored * (1.0 - self.tie)
        lost = p.tie_decay * (1.0 - honored) * self.tie * (1.0 - team)
        self.tie = np.clip(self.tie + grown - lost, *TIE_BOUNDS)
        chance = np.where(missed, np.minimum(1.0, p.turnover * (1.0 + p.turnover_after_miss)), p.turnover)
        left = self.leaves[quarter] < chance[:, None]
        if left.any():
            self.departures[year] += left
            self.skill = np.where(left, self.successor[quarter], self.skill)
            self.tie = np.where(left[:, :, None], np.maximum(TIE_BOUNDS[0], self.tie * p.tie_kept), self.tie)
            self._lose_manager((self.kam >= 0) & left[self.rows, self.kam] & self.alive, 1.0)
        wish = self.asked[:, :, :, 1:].sum(axis=(1, 3))
        over = np.where(
            wish <= self.available, 0.0, p.overload_weight * (1.0 - self.available / np.maximum(wish, 1e-300))
        )
        pulled_to = self.born_alignment + team * self.policy.terms.team_alignment - self.fatigue - over
        self.alignment = np.clip(self.alignment + p.alignment_speed * (pulled_to - self.alignment), *ALIGNMENT_BOUNDS)
        self.fatigue *= 1.0 - p.fatigue_decay

    def _scores(self, year: int) -> Any:
        p, levers, p_common = self.p, self.policy.levers, self.p.error_in_common
        if levers.selection == 0.0:
            return self.spend[year]
        team = (p_common + (1.0 - p_common) / p.functions) ** 0.5
        noise = p.observation_noise * (1.0 + levers.alignment * (team - 1.0))
        cost_noise = p.cost_noise + levers.alignment * (p.cost_noise_team - p.cost_noise)
        margin = p.gross_margin - self.concession - self.cost * np.exp(cost_noise * self.read_cost[year])
        room = np.maximum(self.ceiling - self.share, p.least_room)
        within_reach = 4.0 * self.wallet[4 * year + 3] * room * np.maximum(margin, p.least_room)
        potential = np.log(np.where((margin > 0.0) & self.alive, within_reach, LEAST_POTENTIAL))
        by_spend = np.log(np.maximum(self.spend[year], LEAST_SPEND))
        return by_spend + levers.selection * (potential + noise * self.read_potential[year] - by_spend)

    def _fill_seats(self, year: int, again: Flags, launched: bool) -> None:
        """Select key accounts anew in some organizations, fill vacant seats in the others, and give each its KAM."""
        p, levers, terms = self.p, self.policy.levers, self.policy.terms
        before = self.tier
        after = np.where(again[:, None], np.minimum(before, 0), before)
        ranked = np.argsort(np.where(after == 0, -self._scores(year), np.inf), axis=1, kind="stable")
        best = ranked[:, : self.members.shape[1]]
        # Seats are given from the top: the n-th best gets the level at which n seats are passed.
        held = (after[:, :, None] == np.arange(self.tiers)).sum(axis=1)
        passed = np.cumsum((self.policy.seats - held)[:, :0:-1], axis=1)
        levels = self.tiers - 1 - (np.arange(best.shape[1])[:, None] >= passed[:, None]).sum(axis=2)
        np.put_along_axis(after, best, np.where(levels > 0, levels, np.take_along_axis(after, best, axis=1)), axis=1)
        if ((after > 0).sum(axis=1) < self.members.shape[1]).any() or (after[~self.alive] > 0).any():
            raise ValueError("too few candidates for all seats")
        dropped, new = (before > 0) & (after <= 0), (before <= 0) & (after > 0)
        moved = (before > 0) & (after > 0) & (self.reassign[year] < terms.rebuild_reassigned)
        moved &= again[:, None] & (launched and self.kams > 1)
        care = terms.managed_downtiering
        self._lose_manager(dropped, p.handover * (1.0 - terms.managed_saves * care))
        self._lose_manager(moved, p.handover)
        self.expectation += np.where(dropped, care * (self.policy.promise[0] - self.expectation), 0.0)
        self.kept_hours = np.where(dropped, care * terms.managed_hours * self.hours, 0.0)
        self.handed_down_by = np.where(dropped, self.kam, self.handed_down_by)
        self.ambition[dropped], self.hours[dropped], self.kam[dropped] = 1.0, 0.0, -1
        self.tier = after
        self.members = np.argsort(after <= 0, axis=1, kind="stable")[:, : self.members.shape[1]]
        self.elevation_cost[year] = new.sum(axis=1) * p.elevation_cost * self.seat_sales
        self.handover_cost[year] = (dropped | moved).sum(axis=1) * p.handover_cost * self.seat_sales
        noise = p.fit_noise + levers.boundaries * (p.fit_noise_bilateral - p.fit_noise)
        reading = self.fit + noise * self.read_fit[year]
        against = reading - self._of_key(reading).mean(axis=1)[:, None]
        calibrated = np.clip(1.0 + terms.ambition_slope * against, terms.ambition_least, terms.ambition_most)
        settles = (after > 0) & ((again[:, None] & launched) | (self.kam < 0))
        self.ambition = np.where(settles, 1.0 + levers.boundaries * (calibrated - 1.0), self.ambition)
        self._assign_kams(np.arange(len(after)), moved | new)

    def _assign_kams(self, which: Integers, needs: Flags) -> None:
        members, top = self.members[which], self.tiers - 1
        mean_tie, rows = self.tie[which].mean(axis=2), np.arange(len(which))
        tier, kam = (np.take_along_axis(column[which], members, axis=1) for column in (self.tier, self.kam))
        in_need = np.take_along_axis(needs, members, axis=1)
        kept = np.where(in_need, 0.0, self.policy.attention[tier])
        load = self._sum_by(rows[:, None] * self.kams + np.maximum(kam, 0), kept, mean_tie.shape)
        for level in range(top, 0, -1):
            pull = 0.0 if top <= 1 else self.p.sorting * (level - 1) / (top - 1)
            for place in range(members.shape[1]):
                some = np.flatnonzero(in_need[:, place] & (tier[:, place] == level))
                worth = pull * mean_tie[some] - load[some]
                if self.kams > 1:
                    former = np.flatnonzero(kam[some, place] >= 0)
                    worth[former, kam[some, place][former]] = -np.inf
                chosen = worth.argmax(axis=1) if len(some) else some
                kam[some, place] = chosen
                load[some, chosen] += self.policy.attention[level]
        self.kam[which[:, None], members] = kam

    def _settle_prices(self, year: int, large: Floats, launched: bool) -> None:
        p, alive = self.p, self.alive
        counted = (self.arrives // 4 != year) | (year == 0)
        spend = np.where(counted, self.spend[year], 0.0)
        power = p.bargaining_base + p.bargaining_slope * spend / np.maximum(large, 1e-300)[:, None]
        power = np.where(large[:, None] > 0.0, np.minimum(p.bargaining_most, power), p.bargaining_base)
        if launched:
            self.worn += np.where(alive, p.erosion * (1.0 - self.trust), 0.0)
        of_program = np.maximum(self.conceded, self.policy.concession[np.maximum(self.tier, 0)] * power)
        self.conceded = np.where(self.tier > 0, of_program, self.conceded * p.concession_kept)
        settled = np.minimum(p.most_conceded, (p.base_concession + self.worn) * power + self.conceded)
        self.concession = np.where(alive, settled, self.concession)


def largest_gap(batch: Batch, worlds: list[World]) -> float:
    """Largest relative difference between spend in the batch and in the kernel."""
    gap = 0.0
    for place, world in enumerate(worlds):
        history = simulate(world, batch.policy, batch.p, batch.timeline).history
        spend = np.asarray(history.accounts)["spend"]
        size = np.where(spend > 0.0, spend, 1.0)
        gap = max(gap, float((np.abs(batch.spend[:, place] - spend) / size).max()))
    return gap


def measure(figures: Figures, accounts: int = 200, organizations: int = 64, rounds: int = 5) -> None:
    """Time both by turns in the same worlds; stacking the worlds is not counted."""
    given = setting(accounts, WITHOUT_RETIERING)
    worlds = list(given.worlds(organizations))
    batches: list[Batch] = []

    def prepare() -> None:
        batches[:] = [Batch(worlds, policy, given.parameters, given.timeline) for policy in given.policies]

    def in_batches() -> None:
        for batch in batches:
            batch.play()

    def by_kernel() -> None:
        for world in worlds:
            for policy in given.policies:
                play_times(world, policy, given.parameters, given.timeline, 1)

    turns = interleaved(in_batches, by_kernel, rounds=rounds, before=prepare)
    played = given.account_quarters * len(given.policies) * organizations
    figures.say(
        f"NumPy, {organizations} organizations at once", nanoseconds(turns.best(0), played), "ns per account-quarter"
    )
    figures.say("kernel", nanoseconds(turns.best(1), played), "ns per account-quarter")
    figures.say("kernel, times as fast as NumPy", turns.ratio(0, 1))
    figures.say("largest relative gap in an account's spend", max(largest_gap(batch, worlds) for batch in batches))
    figures.note(f"{', '.join(WITHOUT_RETIERING)}: every rule but re-tiering")
