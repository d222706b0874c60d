"""The kernel against NumPy over many organizations at once: what one would write who does not compile.

All rules but re-tiering are transcribed, so it plays the four shipped policies that do not re-tier. Sums over accounts
run in another order than in the kernel, and NumPy's powers are its own: values agree to rounding.
"""

from typing import Any

import numpy as np

from benchmarks.measuring import Figures, interleaved, nanoseconds
from benchmarks.player import play_times
from benchmarks.setting import setting
from kamsim.model.ensemble import simulate
from kamsim.model.plan import LEAST_SPEND
from kamsim.policy.policy import Policy
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
        self.tier = np.zeros((count, accounts), dtype=np.int64)
        self.kam = np.full((count, accounts), -1)
        self.ambition = np.ones((count, accounts))
        self.concession = np.zeros((count, accounts))
        self.expectation = np.full((count, accounts), policy.promise[0])
        self.fatigue = np.zeros((count, self.functions))
        self.members = np.zeros((count, seats), dtype=np.int64)
        years = timeline.years
        self.spend = np.zeros((years, count, accounts))
        self.expected_spend, self.collaboration, self.investment = (np.zeros_like(self.spend) for _ in range(3))
        self.trust_then, self.tier_then, self.kam_then = (np.zeros_like(self.spend) for _ in range(3))
        self.key_revenue, self.quota, self.price_given, self.rebuild_cost = (np.zeros((years, count)) for _ in range(4))
        self.missed, self.rebuilt = (np.zeros((years, count), dtype=bool) for _ in range(2))
        self.departures = np.zeros((years, count, self.kams), dtype=np.int64)

    def _stack(self, worlds: list[World]) -> None:
        def stacked(column: str, field: str) -> Floats:
            return np.stack([np.asarray(getattr(world, column))[field] for world in worlds], axis=-2)

        self.wallet, self.orders = stacked("quarters", "wallet"), stacked("quarters", "orders")
        self.attacked = stacked("quarters", "attacked")
        self.read_potential, self.read_fit = stacked("readings", "potential"), stacked("readings", "fit")
        self.reassign = stacked("readings", "reassign")
        self.leaves, self.successor = stacked("kam_quarters", "leave"), stacked("kam_quarters", "successor_skill")
        born = {field: stacked("accounts", field) for field in ("trust", "share", "ceiling", "fit", "share_base")}
        self.trust, self.share, self.ceiling, self.fit = (born[name] for name in ("trust", "share", "ceiling", "fit"))
        self.share_base = born["share_base"]
        self.growth = np.stack([world.growth for world in worlds], axis=1)
        self.mix, self.skill = np.stack([w.need_mix for w in worlds]), np.stack([w.skill for w in worlds])
        self.tie, self.born_alignment = np.stack([w.tie for w in worlds]), np.stack([w.alignment for w in worlds])
        self.alignment = self.born_alignment.copy()
        self.premium, self.patience = (np.array([getattr(w, name) for w in worlds]) for name in ("premium", "patience"))
        self.prioritizes = np.array([world.prioritizes_returns for world in worlds])
        self.world = worlds[0]  # capacity, costs and the market's growth are the same in all

    def play(self) -> None:
        """Quarter by quarter, and what a year's end brings."""
        launch_year = self.timeline.history_years - 1
        streak, missed = np.zeros(len(self.rows), dtype=np.int64), np.zeros(len(self.rows), dtype=bool)
        quota = np.zeros(len(self.rows))
        for year in range(self.timeline.years):
            for quarter in range(4 * year, 4 * year + 4):
                self._quarter(year, quarter, year > launch_year, missed)
            self.trust_then[year], self.tier_then[year], self.kam_then[year] = self.trust, self.tier, self.kam
            if year < launch_year:
                continue
            spend_of_key = (
                self._of_key(self.spend[year]).sum(axis=1) if year > launch_year else np.zeros(len(self.rows))
            )
            self.key_revenue[year] = spend_of_key
            again = np.full(len(self.rows), year == launch_year)
            if year > launch_year:
                self.quota[year] = quota
                attainment = np.where(quota > 0, spend_of_key / np.where(quota > 0, quota, 1.0), 1.0)
                missed = self.missed[year] = attainment < 1.0
                streak = np.where(missed, streak + 1, 0)
                again = self.rebuilt[year] = streak >= self.patience
                streak[again] = 0
                terms = self.policy.terms
                self.rebuild_cost[year] = np.where(again, spend_of_key * terms.rebuild_cost_share, 0.0)
                relief = 1.0 - terms.team_fatigue_relief * self.policy.levers.alignment
                self.fatigue[again] += terms.rebuild_fatigue * relief
            if again.any():
                self._elevate(np.flatnonzero(again), year, year > launch_year)
            spend_of_key = self._of_key(self.spend[year]).sum(axis=1)
            carried = np.where(again, 0.0, quota)
            ratchet = self.policy.terms.ratchet
            premium = np.where(self.prioritizes, self.premium, self.p.premium_elsewhere * self.premium)
            base = (1.0 - ratchet) * spend_of_key + ratchet * np.maximum(spend_of_key, carried)
            quota = base * np.maximum(0.0, 1.0 + self.world.market_growth + premium)
            self._set_concessions(year, spend_of_key)

    def _of_key(self, values: Any) -> Any:
        return np.take_along_axis(values, self.members, axis=1)

    def _quarter(self, year: int, quarter: int, launched: bool, missed: Flags) -> None:
        p, standard = self.p, self.tier == 0
        felt = np.zeros_like(self.share)
        if launched:
            felt[self.rows, self.members] = self._serve(year, quarter)
        promised = self.policy.promise[0]
        self.expectation += np.where(standard, p.expectation_speed * (promised - self.expectation), 0.0)
        self.trust += np.where(standard, p.trust_drift * (p.trust_mean - self.trust), 0.0)
        part = self.share_base + p.share_trust * self.trust + p.share_collaboration * felt
        target = np.minimum(1.0, self.ceiling * np.clip(part, 0.0, 1.0))
        self.share += p.share_speed * (target - self.share)
        self.share *= np.where(self.attacked[quarter], 1.0 - p.rival_damage * (1.0 - self.trust), 1.0)
        smooth = self.wallet[quarter] * self.share
        listed = smooth * self.orders[quarter]
        paid = listed * (1.0 - self.concession)
        self.spend[year] += paid
        self.expected_spend[year] += smooth * (1.0 - self.concession)
        self.price_given[year] += (listed - paid).sum(axis=1)
        if launched:
            self._learn_and_leave(year, quarter, missed)

    def _sum_by(self, index: Integers, values: Floats, shape: tuple[int, ...]) -> Floats:
        total: Any = np.bincount(index.ravel(), values.ravel(), int(np.prod(shape)))
        return np.asarray(total.reshape(shape), dtype=np.float64)

    def _serve(self, year: int, quarter: int) -> Floats:
        """What a program does in a quarter for its members; the collaboration that they feel."""
        p, policy, rows = self.p, self.policy, self.rows
        count, functions, tiers = len(rows), self.functions, self.tiers
        kam, tier, ambition = self._of_key(self.kam), self._of_key(self.tier), self._of_key(self.ambition)
        need = (4.0 * self._of_key(self.wallet[quarter])) ** p.need_exponent * ambition
        weighted = need * policy.attention[tier]
        of_kam = self._sum_by(rows * self.kams + kam, weighted, (count, self.kams))
        hours = p.hours_per_kam * (weighted / of_kam[rows, kam])
        coverage = 1.0 - np.exp(-self.skill[rows, kam] * hours / need)
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
        fit = self._of_key(self.fit)
        value = fit**p.value_fit_exponent * ambition**p.value_ambition_exponent * service
        expectation, trust = self._of_key(self.expectation), self._of_key(self.trust)
        expectation += p.expectation_speed * (policy.promise[tier] * ambition - expectation)
        surprise = value - expectation
        self.trust[rows, self.members] = np.where(
            surprise >= 0.0,
            np.minimum(1.0, trust + p.trust_speed * surprise * (1.0 - trust)),
            np.maximum(0.0, trust + p.loss_aversion * p.trust_speed * surprise * trust),
        )
        self.expectation[rows, self.members] = expectation
        self.collaboration[year][rows, self.members] += felt / 4.0
        support = (asked * granted).sum(axis=2)
        cost = hours * self.world.hour_cost + support * self.world.support_cost
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
            kam = self._of_key(self.kam)
            self.trust[self.rows, self.members] *= np.where(left[self.rows, kam], 1.0 - p.disruption, 1.0)
        wish = self.asked[:, :, :, 1:].sum(axis=(1, 3))
        over = np.where(
            wish <= self.available, 0.0, p.overload_weight * (1.0 - self.available / np.maximum(wish, 1e-300))
        )
        pulled_to = self.born_alignment + team * self.policy.terms.team_alignment - self.fatigue - over
        self.alignment = np.clip(self.alignment + p.alignment_speed * (pulled_to - self.alignment), *ALIGNMENT_BOUNDS)
        self.fatigue *= 1.0 - p.fatigue_decay

    def _elevate(self, which: Integers, year: int, rebuild: bool) -> None:
        """Select key accounts anew in some organizations, and give each the KAM it needs."""
        p, levers, terms = self.p, self.policy.levers, self.policy.terms
        noise = p.observation_noise * (1.0 - terms.team_noise_relief * levers.alignment)
        room = np.maximum(self.ceiling[which] - self.share[which], p.least_room)
        potential = np.log(4.0 * self.wallet[4 * year + 3][which] * room) + p.growth_weight * self.growth[year][which]
        by_spend = np.log(np.maximum(self.spend[year][which], LEAST_SPEND))
        scores = by_spend + levers.selection * (potential + noise * self.read_potential[year][which] - by_spend)
        best = np.argsort(-scores, axis=1, kind="stable")[:, : self.members.shape[1]]
        levels = np.repeat(np.arange(self.tiers)[::-1], self.policy.seats[::-1])
        before = self.tier[which]
        after = np.zeros_like(before)
        np.put_along_axis(after, best, np.broadcast_to(levels, best.shape), axis=1)
        trust = self.trust[which] * np.where(after < before, 1.0 - terms.demotion_loss, 1.0)
        noise = p.fit_noise + levers.boundaries * (p.fit_noise_bilateral - p.fit_noise)
        reading = self.fit[which] + noise * self.read_fit[year][which]
        calibrated = np.clip(1.0 + terms.ambition_slope * (reading - 0.5), terms.ambition_least, terms.ambition_most)
        self.ambition[which] = np.where(after > 0, 1.0 + levers.boundaries * (calibrated - 1.0), 1.0)
        moved = (before > 0) & (after > 0) & (self.reassign[year][which] < terms.rebuild_reassigned)
        moved &= rebuild and self.kams > 1
        self.trust[which] = trust * np.where(moved, 1.0 - p.disruption, 1.0)
        self.tier[which] = after
        self.kam[which] = np.where(after > 0, self.kam[which], -1)
        self.concession[which] = np.where(after > 0, self.concession[which], 0.0)
        self.members[which] = np.sort(best, axis=1)
        self._assign_kams(which, moved | ((before == 0) & (after > 0)))

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

    def _set_concessions(self, year: int, spend_of_key: Floats) -> None:
        p = self.p
        mean = (spend_of_key / self.members.shape[1])[:, None]
        power = p.bargaining_base + p.bargaining_slope * self._of_key(self.spend[year]) / np.maximum(mean, 1e-300)
        given = self.policy.concession[self._of_key(self.tier)] * np.minimum(p.bargaining_most, power)
        self.concession[self.rows, self.members] = given


def largest_gap(batch: Batch, worlds: list[World]) -> float:
    """Largest relative difference between spend in the batch and in the kernel."""
    gap = 0.0
    for place, world in enumerate(worlds):
        history = simulate(world, batch.policy, batch.p, batch.timeline).history
        spend = np.asarray(history.accounts)["spend"]
        gap = max(gap, float((np.abs(batch.spend[:, place] - spend) / spend).max()))
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
