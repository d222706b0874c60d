"""The page for the meeting as a figure: policies, their course over the years, accounts, and what to find out."""

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kamsim.analysis.agreement import AGREEING
from kamsim.report.decide import (
    DRAWN,
    SURE,
    amount,
    decision_sentences,
    display_name,
    listed,
    money_scale,
    shown_policy,
    sureness,
    unit_of,
    worth_knowing,
)
from kamsim.report.plot import (
    BLUE,
    FONT,
    GRAY,
    INK,
    ORANGE,
    canvas,
    draw_difference,
    dress,
    few_ticks,
    png,
    short_name,
)
from kamsim.report.table import TOTAL_PROFIT, percent, scale_of, year_from_launch
from kamsim.studies.decide import SPREAD

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kamsim.studies.decide import Decision
    from kamsim.studies.decide_accounts import Account, Move

MOST_ACCOUNTS = 12
HEIGHT = 10.67  # of a page 16 wide that is shown at 1,200 x 800
_LETTERS, _LETTERS_OF_A_PANEL = 128, 52
_COLORS = {"elevate": BLUE, "keep": GRAY, "demote": ORANGE}


def decision_figure(decision: "Decision") -> bytes:
    """Draw a decision on one page, as a PNG."""
    figure = canvas(HEIGHT)
    grid = figure.add_gridspec(2, 2, height_ratios=(1.0, 1.2))
    _draw_policies(figure.add_subplot(grid[0, 0]), decision)
    _draw_course(figure.add_subplot(grid[0, 1]), decision)
    _draw_accounts(figure.add_subplot(grid[1, 0]), decision)
    _draw_information(figure.add_subplot(grid[1, 1]), decision)
    said = "\n".join(textwrap.wrap(decision_sentences(decision), _LETTERS))
    figure.suptitle(said, fontsize=FONT - 2, ha="left", x=0.01)
    return png(figure)


def _dress(panel: "Axes", title: str, below: str) -> None:
    """Say above a panel what it shows, and below it what that is told in, no wider than it."""
    few_ticks(panel.xaxis, 5)
    dress(panel)
    panel.set_title(title, fontsize=FONT - 1, fontweight="bold", loc="left")
    panel.tick_params(labelsize=FONT - 4)
    panel.tick_params(axis="y", length=0)
    panel.set_xlabel("\n".join(textwrap.wrap(below, _LETTERS_OF_A_PANEL)), fontsize=FONT - 4, color=INK)


def _name_rows(panel: "Axes", labels: Sequence[str]) -> None:
    panel.set_yticks(range(len(labels)), labels)
    panel.set_ylim(max(len(labels), 1) - 0.4, -0.6)


def _say_beside(panel: "Axes", place: float, text: str) -> None:
    panel.text(1.01, place, text, transform=panel.get_yaxis_transform(), va="center", fontsize=FONT - 4)


def _draw_policies(panel: "Axes", decision: "Decision") -> None:
    scale = money_scale(decision)
    panel.axvline(0, color=INK, linewidth=1.5)
    names = []
    for place, choice in enumerate(decision.choices):
        ends = [end / choice.years * scale.factor for end in (choice.value.low, choice.value.high)]
        draw_difference(panel, place, choice.verdict, ends, choice.a_year * scale.factor)
        _say_beside(panel, place, percent(choice.probability_best))
        names.append(short_name(choice.scenario, 28) + (" *" if choice.scenario == decision.recommended else ""))
    unit = unit_of(decision, scale)
    below = f"{unit}; line: {percent(AGREEING)} of {decision.cases:,} cases; right: part of which it is best in"
    _dress(panel, f"Profit a year against {short_name(decision.reference, 24)}", below)
    _name_rows(panel, names)


def _draw_course(panel: "Axes", decision: "Decision") -> None:
    policy = shown_policy(decision)
    course = decision.choice(policy).course
    scale = scale_of(TOTAL_PROFIT, [end for year in course for end in (year.low, year.high)])
    years = range(1, len(course) + 1)
    low, high = ([getattr(year, end) * scale.factor for year in course] for end in ("low", "high"))
    panel.axhline(0, color=INK, linewidth=1.5)
    panel.fill_between(years, low, high, color=BLUE, alpha=0.2, linewidth=0)
    panel.plot(years, [year.mean * scale.factor for year in course], "-o", color=BLUE, linewidth=3)
    calendar = decision.horizon.calendar
    when = "year" if calendar else "year from launch"
    below = f"{policy}; {when}; {unit_of(decision, scale)}, cumulated; shaded: {percent(SPREAD)} of cases and futures"
    _dress(panel, "Ahead or behind", below)
    panel.grid(axis="y", color="#DDDDDD", linewidth=1)
    few_ticks(panel.xaxis, 10, integer=True)
    if calendar:
        shown = [year for year in years if (len(course) - year) % math.ceil(len(course) / 5) == 0]
        panel.set_xticks(shown, [year_from_launch(year, calendar).replace(" ", "\n") for year in shown])


def _draw_accounts(panel: "Axes", decision: "Decision") -> None:
    policy = shown_policy(decision)
    moves = listed(decision, policy)
    shown = _some_of_each(moves)
    scale = scale_of(TOTAL_PROFIT, [account.spend for account in decision.accounts])
    for place, (move, account) in enumerate(shown):
        panel.barh(place, 100 * sureness(account, policy, move), height=0.62, color=_COLORS[move])
        share = f"{'' if account.share.told else DRAWN}{100 * account.share.value:.0f} %"
        _say_beside(panel, place, f"{scale.shown(account.spend)}; {share}")
    panel.set_xlim(0, 100)
    panel.axvline(100 * SURE, color=INK, linewidth=1, linestyle=":")
    count = ", ".join(f"{move} {len(accounts)}" for move, accounts in moves.items() if accounts)
    below = (
        f"sure, % of cases; right: spend a year ({unit_of(decision, scale)}) and share of wallet ({DRAWN}: drawn, for "
        "the book does not tell it)"
    )
    _dress(panel, f"{short_name(policy, 24)}: {count}", below)
    _name_rows(panel, [f"{move} {display_name(account)}" for move, account in shown])


def _some_of_each(moves: dict["Move", list["Account"]]) -> list[tuple["Move", "Account"]]:
    """The surest accounts of each move, as many of each as there is room for."""
    there = {move: accounts for move, accounts in moves.items() if accounts}
    room = MOST_ACCOUNTS // max(1, len(there))
    return [(move, account) for move, accounts in there.items() for account in accounts[:room]]


def _draw_information(panel: "Axes", decision: "Decision") -> None:
    best, rows = decision.choice(decision.recommended), worth_knowing(decision)
    scale = money_scale(decision)
    for place, row in enumerate(rows):
        error = row.error / best.years * scale.factor
        panel.barh(place, row.a_year * scale.factor, xerr=error, height=0.6, color=BLUE, ecolor=INK)
    if not rows:
        panel.text(0.5, 0.5, "nothing alone is worth more\nthan chance lets it seem", ha="center", va="center",
                   transform=panel.transAxes, fontsize=FONT - 2, color=GRAY)  # fmt: skip
    panel.set_xlim(left=0)
    below = f"{unit_of(decision, scale)}; all that could be known: {amount(decision, best.regret_a_year, scale)}"
    _dress(panel, "Worth finding out first, a year", below)
    _name_rows(panel, ["\n".join(textwrap.wrap(row.says, 30)) for row in rows])
