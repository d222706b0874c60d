"""The one page for the meeting: which program for these accounts, how sure, which accounts, and what to find out."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kamsim.analysis.agreement import AGREEING
from kamsim.report.comparison import MARK_OF
from kamsim.report.table import NOTHING, TOTAL_PROFIT, Group, Row, Scale, Table, percent, scale_of, year_from_launch
from kamsim.studies.decide import SPREAD
from kamsim.studies.decide_accounts import tier_name

if TYPE_CHECKING:
    from kamsim.studies.decide import Between, Choice, Decision, Worthwhile
    from kamsim.studies.decide_accounts import Account, Move, Reading

POINTS = Scale(1.0, 2, "points")
MOST_ACCOUNTS = 6  # of each move in a terminal; the spreadsheet has all
MOST_DATA = 5
WIDEST_NAME = 19
MOST_NAMED = 3  # rivals in a sentence
DRAWN = "~"
_MOVES: dict["Move", str] = {"elevate": "Elevate", "keep": "Keep", "demote": "Demote"}


def tell(decision: "Decision") -> tuple[str, Table, Table, Table, Table, str]:
    """Tell a decision: the sentence first, then policies, money, accounts, what is worth finding out, and notes."""
    return (
        decision_sentences(decision),
        policies_table(decision),
        money_table(decision),
        accounts_table(decision),
        information_table(decision),
        "\n".join(f"Note: {note}" for note in decision.notes),
    )


# ---------------------------------------------------------------- sentences


def decision_sentences(decision: "Decision") -> str:
    """Say which policy to take, or between which the book and the evidence cannot tell, and what that risks."""
    best = decision.choice(decision.recommended)
    scale = money_scale(decision)
    if decision.sure:
        said = f"Take {in_words(decision, best.scenario)}: it {_earns(decision, best, scale)}."
    else:
        rivals = _some([in_words(decision, name) for name in decision.rivals])
        said = (
            f"Cannot tell: {in_words(decision, best.scenario)} {_earns(decision, best, scale)}, but cannot be told "
            f"from {rivals}."
        )
    risk = (
        f"It is best in {percent(best.probability_best)} of {decision.cases:,} cases of this firm; where another is "
        f"better, that costs {amount(decision, best.regret_a_year, scale)} a year on average over all cases "
        f"({POINTS.shown(best.regret_points)} points)."
    )
    parts = [said, risk if decision.sure else f"Who must choose loses least with it: {risk[0].lower()}{risk[1:]}"]
    if not math.isnan(best.against_today) and best.scenario != decision.today:
        parts.append(
            f"Against today's program as it is: {amount(decision, best.against_today / best.years, scale, '+')} a "
            f"year, more in {percent(best.better_than_today)} of the cases."
        )
    if decision.weak:
        parts.append(f"Asked anyway: the book {decision.weak}.")
    return " ".join(parts)


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _earns(decision: "Decision", best: "Choice", scale: Scale) -> str:
    if best.scenario == decision.reference:
        return "earns most on average" + (": no program makes up for what it costs" if decision.sure else "")
    gain = amount(decision, best.a_year, scale, "+")
    return (
        f"earns most on average, {gain} a year against {decision.reference} "
        f"({POINTS.shown(best.points.mean, '+')} points of sales)"
    )


def in_words(decision: "Decision", name: str) -> str:
    """Name a policy as it stands in a sentence."""
    if name == decision.reference and decision.reference_in_words != decision.reference:
        return "no program"
    return f"today's program ({name})" if name == decision.today else name


def money_scale(decision: "Decision") -> Scale:
    """Scale on which money a year is shown, one for the whole page."""
    a_year = [row.a_year for row in decision.choices] + [row.regret_a_year for row in decision.choices]
    return scale_of(TOTAL_PROFIT, a_year)


def amount(decision: "Decision", value: float, scale: Scale, sign: str = "") -> str:
    """Show money in a sentence, with its currency."""
    of = "of " if not scale.unit and " " in decision.money else ""  # the book's currency, where it has no name
    return f"{scale.shown(value, sign)} {of}{unit_of(decision, scale)}"


def unit_of(decision: "Decision", scale: Scale) -> str:
    """Say what money is told in: ``thousands of USD``."""
    return f"{scale.unit} of {decision.money}" if scale.unit else decision.money


# ---------------------------------------------------------------- policies and money


def policies_table(decision: "Decision") -> Table:
    """Table of policies: what each earns against the reference, how likely it is best, and what it risks."""
    scale = money_scale(decision)
    rows = tuple(_policy_row(decision, choice, scale) for choice in decision.choices)
    title = (
        f"Which program? Total profit against {in_words(decision, decision.reference)}, a year, "
        f"{unit_of(decision, scale)}; {decision.horizon.in_words()}"
    )
    legend = (
        f"case: one of {decision.sets} parameter sets that fit the evidence, with a draw of what the book does not "
        f"tell of its accounts; the same {decision.futures} futures for all programs; best: part of the cases in which "
        f"none earns more; regret: expected loss against the best of each case; better, worse: {percent(AGREEING)} of "
        "the cases agree, and it is not luck alone",
    )
    columns = ("", "a year", f"{percent(AGREEING)} of cases", "points", "best", "regret", "")
    return Table((Group("", rows),), columns, title, legend)


def _policy_row(decision: "Decision", choice: "Choice", scale: Scale) -> Row:
    years = choice.years
    best, regret = percent(choice.probability_best), scale.shown(choice.regret_a_year)
    name = f"{choice.scenario}{' *' if choice.scenario == decision.recommended else ''}"
    if choice.scenario == decision.reference:
        return Row((name, "reference", "", "", best, regret, ""))
    between = scale.between(choice.value.low / years, choice.value.high / years, "+")
    cells = (name, scale.shown(choice.a_year, "+"), between, POINTS.shown(choice.points.mean, "+"), best, regret)
    return Row((*cells, choice.verdict), MARK_OF.get(choice.verdict, ""))


def money_table(decision: "Decision") -> Table:
    """Table of what each program takes: the launch, all years, how far it falls behind, and when it has paid back."""
    programs = [choice for choice in decision.choices if decision.places[choice.scenario]]
    scale = scale_of(TOTAL_PROFIT, [choice.cost.mean for choice in programs])
    rows = tuple(
        Row(
            (
                choice.scenario,
                _spread(choice.at_launch, scale),
                _spread(choice.cost, scale),
                scale.shown(choice.behind.mean),
                scale.shown(choice.value.mean, "+"),
                _payback(choice, decision.horizon.calendar),
            )
        )
        for choice in programs
    )
    from_launch = "" if decision.horizon.calendar else " from launch"
    title = f"What it takes, {unit_of(decision, scale)}, all years together"
    legend = (
        f"in parentheses: {percent(SPREAD)} of cases and futures; cost: service, elevations, handovers, and "
        "concessions beyond the reference's; behind: the most that it is behind at a year's end; value: net present "
        f"value; paid back: year{from_launch}, on average, and in how many cases and futures by the end",
    )
    return Table((Group("", rows),), ("", "at launch", "cost", "behind", "value", "paid back"), title, legend)


def _spread(amounts: "Between", scale: Scale) -> str:
    return f"{scale.shown(amounts.mean)} ({scale.shown(amounts.low)}-{scale.shown(amounts.high)})"


def _payback(choice: "Choice", calendar: Sequence[str]) -> str:
    if math.isnan(choice.payback.value):
        return f"no ({percent(choice.pays_back)})" if not math.isnan(choice.pays_back) else NOTHING
    return f"{year_from_launch(choice.payback.value, calendar)} ({percent(choice.pays_back)})"


# ---------------------------------------------------------------- accounts


def shown_policy(decision: "Decision") -> str:
    """Policy whose accounts are listed: the recommended one, or the best program where that is no program."""
    if decision.places[decision.recommended]:
        return decision.recommended
    programs = [choice for choice in decision.choices if decision.places[choice.scenario]]
    return max(programs, key=lambda choice: choice.value.mean).scenario


def listed(decision: "Decision", policy: str) -> dict["Move", list["Account"]]:
    """Accounts of a policy by what becomes of them, the surest first."""
    found: dict[Move, list[Account]] = {move: [] for move in _MOVES}
    for account in decision.accounts:
        move = account.moves[policy]
        if move:
            found[move].append(account)
    for move, accounts in found.items():
        accounts.sort(key=lambda account: -sureness(account, policy, move))
    return found


def sureness(account: "Account", policy: str, move: "Move") -> float:
    """Part of the cases that agree with what becomes of an account."""
    return 1.0 - account.chosen[policy] if move == "demote" else account.chosen[policy]


def accounts_table(decision: "Decision") -> Table:
    """Table of the accounts that a policy elevates, keeps and demotes, by name, with the readings behind it."""
    policy = shown_policy(decision)
    moves = listed(decision, policy)
    scale = scale_of(TOTAL_PROFIT, [account.spend for account in decision.accounts])
    scale = scale._replace(decimals=max(0, scale.decimals - 1))
    groups = []
    for move, accounts in moves.items():
        if not accounts:
            continue
        more = f"; {MOST_ACCOUNTS} surest" if len(accounts) > MOST_ACCOUNTS else ""
        rows = tuple(_account_row(account, policy, move, scale) for account in accounts[:MOST_ACCOUNTS])
        groups.append(Group(f"{_MOVES[move]} ({len(accounts)}{more})", rows))
    sure = sum(account.chosen[policy] >= SURE for account in (*moves["elevate"], *moves["keep"]))
    count = len(moves["elevate"]) + len(moves["keep"])
    title = (
        f"Key accounts of {policy} at launch: {count}, of which {sure} in {percent(SURE)} of the cases or more; spend "
        f"and potential a year, {unit_of(decision, scale)}"
    )
    known = decision.accounts and decision.accounts[0].today is not None
    legend = (
        f"{DRAWN}: the book does not tell it: median of what is drawn; potential: what it spends with others and could "
        "spend with us; sure: part of the cases; all accounts and programs, also after three years: accounts.xlsx",
        *(() if known else ("the book does not tell who is key today, so nobody is kept or demoted",)),
    )
    columns = ("", "today", "spend", "potential", "share", "fit", "health", "sure", "")
    return Table(tuple(groups), columns, title, legend, dense=True)


SURE = 0.8  # part of the cases from which on an account is surely in a program


def _account_row(account: "Account", policy: str, move: "Move", scale: Scale) -> Row:
    today = tier_name(account) or NOTHING
    hundred, tenths = Scale(100.0, 0, ""), Scale(1.0, 2, "")
    cells = (
        display_name(account),
        today,
        scale.shown(account.spend),
        _reading(account.potential, scale),
        f"{_reading(account.share, hundred)} %",
        _reading(account.fit, tenths),
        _reading(account.trust, tenths),
        percent(sureness(account, policy, move)),
        "",
    )
    return Row(cells)


def display_name(account: "Account") -> str:
    """Name of an account, no longer than a column takes."""
    name = account.name or account.account_id
    return name if len(name) <= WIDEST_NAME else f"{name[: WIDEST_NAME - 1]}…"


def _reading(reading: "Reading", scale: Scale) -> str:
    return f"{'' if reading.told else DRAWN}{scale.shown(reading.value)}"


# ---------------------------------------------------------------- what to find out


def worth_knowing(decision: "Decision") -> list["Worthwhile"]:
    """Data that are worth more than chance lets them seem, the most valuable first."""
    return [row for row in decision.information if row.value > row.error][:MOST_DATA]


def information_table(decision: "Decision") -> Table:
    """Table of what is worth finding out before the decision."""
    told = worth_knowing(decision)
    best = decision.choice(decision.recommended)
    scale = money_scale(decision)
    rows = tuple(
        Row(
            (
                row.says,
                scale.shown(row.a_year),
                scale.margin(0.0, 2 * row.error / best.years),
                POINTS.shown(row.points),
                "",
            )
        )
        for row in told
    )
    everything = Row(
        (
            "all that differs between cases",
            scale.shown(decision.perfect / best.years),
            "",
            POINTS.shown(best.regret_points),
            "",
        ),
        "aside",
    )
    nothing = "" if told else "No single datum is worth more than chance lets it seem. "
    legend = (
        f"{nothing}Worth: what deciding with it known is expected to earn more a year (expected value of partial "
        "perfect information, by regression over the cases), +- its standard error; for the choice of the program "
        "alone, not of the accounts",
    )
    title = f"What to find out first: what it is worth a year, {unit_of(decision, scale)}"
    return Table((Group("", (*rows, everything)),), ("", "worth", "error", "points", ""), title, legend)
