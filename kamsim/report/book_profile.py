"""Profile of an account book told: tables, a figure, and the list of its accounts as files."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kamsim.books.book import Book
from kamsim.books.profile import TOPS, Profile, ProfiledAccount
from kamsim.errors import on_one_line
from kamsim.experiments.files import json_text, naming, write_whole
from kamsim.experiments.workbook import MONEY, PERCENT, Column, Sheet, workbook_bytes
from kamsim.report.plot import (
    BLUE,
    COLORS,
    FONT,
    GRAY,
    INK,
    ORANGE,
    canvas,
    few_ticks,
    full_numbers,
    patch,
    png,
)
from kamsim.report.table import NOTHING, TOTAL_PROFIT, Group, Row, Scale, Table, percent, scale_of
from kamsim.studies.profile_book import profile_book
from kamsim.text import csv_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 12  # of the largest accounts, and of those that rules part on
DRAWN = 10
NAME = 26  # letters of a name in a table
FILES = ("profile.json", "profile.png", "accounts.csv", "accounts.xlsx")
_TENTHS = {1: "bought least", 10: "bought most"}
_PERCENT = Scale(100.0, 1, "%")


def tell(profile: Profile) -> tuple[Table | str, ...]:
    """Tell a profile: years, concentration, sizes and season, the largest accounts, and whom rules would take."""
    tables = (years_table, concentration_table, sizes_table, largest_table, rules_table)
    drawn = [table(profile) for table in tables]
    return *(table for table in drawn if table.groups or table.title), rules_sentences(profile)


# ---------------------------------------------------------------- the book as a whole


def years_table(profile: Profile) -> Table:
    """Table of a book, a line per year."""
    scale = scale_of(TOTAL_PROFIT, (year.sales for year in profile.years), profile.money)
    rows = tuple(
        Row(
            (
                year.year,
                scale.shown(year.sales),
                _change(year.growth),
                f"{year.customers:,}",
                percent(year.bought_again),
                percent(year.new),
                percent(year.empty_quarters),
                "",
            )
        )
        for year in profile.years
    )
    legend = (
        "bought again: part of the customers of the year before; new: part of the customers that did not buy then",
        "empty: part of the quarters of the year's customers without a purchase",
    )
    columns = ("year", "sales", "growth", "customers", "bought again", "new", "empty", "")
    nothing = "" if rows else "; one row per account, or under a year: nothing is told of years"
    heading = f"{title(profile, scale.unit)}{nothing}"
    return Table((Group("", rows),) if rows else (), columns, heading, legend if rows else ())


def title(profile: Profile, unit: str) -> str:
    """Say of which book a profile is: its file, accounts, quarters, and in which unit its money is told."""
    where = on_one_line(Path(profile.source).name)
    span = f", {profile.quarters[0]} to {profile.quarters[1]}" if profile.quarters else ""
    return f"{where}: {len(profile.accounts):,} accounts{span}; money in {unit}"


def concentration_table(profile: Profile) -> Table:
    """Table of how much of last year's sales few customers bring."""
    tops = (
        (f"top {100 * top:.0f} % of customers", percent(part)) for top, part in zip(TOPS, profile.tops, strict=True)
    )
    told = [
        ("largest customer", percent(profile.largest)),
        ("ten largest customers", percent(profile.ten_largest)),
        *tops,
        ("Gini coefficient (0: all alike)", Scale(1.0, 2, "").shown(profile.concentration)),
    ]
    rows = tuple(Row((label, value, "")) for label, value in told)
    return Table((Group("", rows),), ("", "of sales", ""), f"Concentration in the last year{_last(profile)}")


def _last(profile: Profile) -> str:
    """Name the last year of a book, to stand behind a title: `` (2025)``."""
    return f" ({profile.years[-1].year})" if profile.years else ""


def sizes_table(profile: Profile) -> Table:
    """Table of how small and large customers order, stay and grow, with the season of all below it."""
    if all(math.isnan(size.bought_again) for size in profile.sizes):
        return Table(())
    growth = Scale(100.0, 0, "%")
    rows = []
    for size in profile.sizes:
        label = f"tenth that {_TENTHS[size.tenth]}" if size.tenth in _TENTHS else "tenth below the middle"
        grown = f"{growth.shown(math.expm1(size.growth), '+')} %"
        cells = percent(size.bought_again), NOTHING if math.isnan(size.growth) else grown, percent(size.empty_quarters)
        rows.append(Row((label, *cells, "")))
    season = ", ".join(f"Q{place + 1} {value:.2f}" for place, value in enumerate(profile.season))
    legend = (
        "mean over the years; growth: median of those that bought again; empty: quarters without a purchase",
        f"season, sales of a quarter of the {'year' if profile.year_starts == 1 else 'fiscal year'} over the mean "
        f"quarter: {season}",
    )
    return Table((Group("", tuple(rows)),), ("", "bought again", "growth", "empty", ""), "By size", legend)


def _change(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{_PERCENT.shown(value, '+')} %"


# ---------------------------------------------------------------- accounts by name


def largest_table(profile: Profile) -> Table:
    """Table of the accounts that bought most in the last year."""
    scale = scale_of(TOTAL_PROFIT, (account.spend for account in profile.accounts), profile.money)
    rows = []
    for account in profile.accounts[:SHOWN]:
        tier = " ".join(filter(None, (account.tier, _short(account.kam, 14))))
        cells = scale.shown(account.spend), percent(account.part), _change(account.growth)
        rows.append(Row((label_of(account), *cells, str(account.by_enterprise), tier)))
    columns = ("", "spend", "part", "growth", "ent.", "today")
    legend = ("part: of sales; ent.: place by enterprise criteria; today: tier and key account manager",)
    return Table((Group("", tuple(rows)),), columns, f"Largest accounts{_last(profile)}, money in {scale.unit}", legend)


def rules_table(profile: Profile) -> Table:
    """Table of the accounts on which today's program, a rule by spend and one by enterprise criteria part."""
    rows = []
    for account in parted(profile):
        spend, enterprise = chosen_by(profile, account)
        cells = account.tier or NOTHING, "key" if spend else NOTHING, "key" if enterprise else NOTHING
        places = f"places {account.by_spend} and {account.by_enterprise}"
        rows.append(Row((label_of(account), *cells, places)))
    if not rows:
        return Table(())
    more = f"; the largest {SHOWN} of {len(rows)}" if len(rows) > SHOWN else ""
    heading = f"Where today's program and rules of selection part, at {profile.places} key accounts{more}"
    return Table((Group("", tuple(rows[:SHOWN])),), ("", "today", "by spend", "enterprise", ""), heading)


def parted(profile: Profile) -> list[ProfiledAccount]:
    """Accounts, largest first, that not all of today's program, if there is one, and both rules would take."""
    today = any(account.tier for account in profile.accounts)

    def ways(account: ProfiledAccount) -> set[bool]:
        return {*chosen_by(profile, account), *([account.tier != ""] if today else [])}

    return [account for account in profile.accounts if len(ways(account)) > 1]


def chosen_by(profile: Profile, account: ProfiledAccount) -> tuple[bool, bool]:
    """Whether a rule by spend, and one by enterprise criteria, would take an account; neither takes who left."""
    bought = account.spend > 0
    return bought and account.by_spend <= profile.places, bought and account.by_enterprise <= profile.places


def rules_sentences(profile: Profile) -> str:
    """Say whom the rules would take beside today's program, and on what the rule by enterprise criteria rests."""
    key = [account for account in profile.accounts if account.tier]
    said = []
    if key:
        of = [sum(chosen_by(profile, account)[rule] for account in key) for rule in (0, 1)]
        said.append(
            f"Of the {len(key)} key accounts of today, {of[0]} are among the {profile.places} that spend most, and "
            f"{of[1]} among the {profile.places} that enterprise criteria would take."
        )
    number = len(profile.accounts)
    told = ", ".join(f"{name} of {count:,}" for name, count in profile.told.items() if count)
    if any(count for name, count in profile.told.items() if name != "fit"):
        said.append(
            f"Enterprise criteria rest on what the book tells ({told} of {number:,} accounts); all else is taken as "
            "usual, without any error of estimation."
        )
    else:
        said.append(
            "Enterprise criteria (growth potential within what fit allows, times margin) rest here on spend and the "
            "price that size gets alone, for the book tells no share of wallet, category spend or margin of any "
            "account: so they hardly rank otherwise than spend. A column `share`, `wallet` or `margin` would tell "
            "accounts apart, `fit` beside one of these."
        )
    return "\n".join(said)


def label_of(account: ProfiledAccount) -> str:
    """Name an account as a table does: by its name, or its id where it has none."""
    return _short(account.name or account.account_id, NAME)


def _short(name: str, width: int) -> str:
    """Shorten a name of somebody at its end."""
    told = on_one_line(name)
    return told if len(told) <= width else f"{told[: width - 1].rstrip()}…"


# ---------------------------------------------------------------- figure


def profile_figure(profile: Profile) -> bytes:
    """Draw a profile, as a PNG that is still read at 1,000 by 700 pixels."""
    figure = canvas(11.2)
    panels = figure.subplots(2, 2, width_ratios=(1, 1))
    _draw_quarters(panels[0, 0], profile)
    _draw_concentration(panels[0, 1], profile)
    _draw_largest(panels[1, 0], profile)
    _draw_customers(panels[1, 1], profile)
    for panel in panels.flat:
        panel.tick_params(labelsize=FONT)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle(_short(title(profile, profile.money), 100), fontsize=FONT + 5, parse_math=False)
    with warnings.catch_warnings():
        # A letter that no font has is drawn as a box, which says as much.
        warnings.filterwarnings("ignore", message="Glyph")
        return png(figure)


def _name_panel(panel: "Axes", title: str) -> None:
    panel.set_title(title, fontsize=FONT + 3, fontweight="bold")


def _draw_quarters(panel: "Axes", profile: Profile) -> None:
    scale = scale_of(TOTAL_PROFIT, profile.quarterly, profile.money)
    _name_panel(panel, "Sales by quarter")
    if not profile.quarterly:
        _say_nothing(panel)
        return
    number, years = len(profile.quarterly), len(profile.years)
    start = number - 4 * years
    colors = [COLORS[0] if (place - start) // 4 % 2 == 0 else COLORS[4] for place in range(number)]
    panel.bar(range(number), [value * scale.factor for value in profile.quarterly], color=colors, width=0.85)
    _name_years(panel, profile, [start + 4 * place + 1.5 for place in range(years)])
    panel.set_ylabel(scale.unit, fontsize=FONT)
    full_numbers(panel.yaxis)
    few_ticks(panel.yaxis, 6)


def _say_nothing(panel: "Axes") -> None:
    panel.set_xticks([])
    panel.set_yticks([])
    panel.text(0.5, 0.5, "not told by this book", ha="center", transform=panel.transAxes, fontsize=FONT, color=GRAY)


def _name_years(panel: "Axes", profile: Profile, places: Sequence[float]) -> None:
    """Name some of the years, the last among them, at their places."""
    every = max(1, math.ceil(len(places) / 6))
    shown = [place for place in range(len(places)) if (len(places) - 1 - place) % every == 0]
    names = [profile.years[place].year.replace(" ", "\n") for place in shown]
    panel.set_xticks([places[place] for place in shown], names)


def _draw_concentration(panel: "Axes", profile: Profile) -> None:
    parts = [account.part for account in profile.accounts if account.spend > 0]
    shares, total = [0.0], 0.0
    for part in parts:
        total += part
        shares.append(100 * total)
    panel.plot([100 * place / max(1, len(parts)) for place in range(len(shares))], shares, color=BLUE, linewidth=3)
    panel.plot([0, 100], [0, 100], color=GRAY, linewidth=1.5, linestyle="--")
    for top, part in zip(TOPS[1:], profile.tops[1:], strict=True):
        at = 100 * max(1, round(top * len(parts))) / max(1, len(parts)), 100 * part  # of so many whole customers
        panel.plot(*at, "o", color=ORANGE, markersize=11)
        said, behind = f"top {100 * top:.0f} %: {percent(part)} of sales", {"facecolor": "white", "edgecolor": "none"}
        panel.annotate(said, at, fontsize=FONT, xytext=(14, -20), textcoords="offset points", bbox=behind)
    _name_panel(panel, f"Concentration{_last(profile)}")
    panel.set_xlabel("% of customers, largest first", fontsize=FONT)
    panel.set_ylabel("% of sales", fontsize=FONT)
    panel.set_xlim(0, 100)
    panel.set_ylim(0, 102)


def _draw_largest(panel: "Axes", profile: Profile) -> None:
    shown = profile.accounts[:DRAWN]
    scale = scale_of(TOTAL_PROFIT, (account.spend for account in profile.accounts), profile.money)
    color_of = {"": GRAY, "key": BLUE, "strategic": ORANGE}
    for place, account in enumerate(shown):
        panel.barh(place, account.spend * scale.factor, color=color_of[account.tier], height=0.72)
        panel.text(account.spend * scale.factor, place, f" {percent(account.part)}", va="center", fontsize=FONT - 1)
    _name_panel(panel, f"Largest accounts{_last(profile)}")
    panel.set_yticks(range(len(shown)), [_short(account.name or account.account_id, 22) for account in shown])
    for label in panel.get_yticklabels():
        label.set_parse_math(False)
    panel.set_ylim(len(shown) - 0.4, -0.6)
    panel.margins(x=0.14)
    panel.set_xlabel(f"{scale.unit}; % of sales", fontsize=FONT)
    full_numbers(panel.xaxis)
    few_ticks(panel.xaxis, 5)
    tiers = [tier for tier in ("strategic", "key") if any(account.tier == tier for account in profile.accounts)]
    if tiers:
        handles = [patch(f"{tier} today", color_of[tier]) for tier in tiers] + [patch("other", GRAY)]
        panel.legend(handles=handles, frameon=False, fontsize=FONT, loc="lower right")


def _draw_customers(panel: "Axes", profile: Profile) -> None:
    places, years = range(len(profile.years)), profile.years
    _name_panel(panel, "Customers by year")
    if len(years) < 2:
        _say_nothing(panel)
        return
    lines: Sequence[tuple[str, str, str, list[float]]] = (
        ("left since the year before", ORANGE, "s", [100 * (1 - year.bought_again) for year in years]),
        ("new, of the customers", BLUE, "o", [100 * year.new for year in years]),
        ("quarters without a purchase", INK, "D", [100 * year.empty_quarters for year in years]),
    )
    for label, color, mark, values in lines:
        panel.plot(places, values, f"-{mark}", color=color, linewidth=3, markersize=9, label=label)
    _name_years(panel, profile, places)
    panel.set_ylabel("%", fontsize=FONT)
    highest = max((value for *_, values in lines for value in values if not math.isnan(value)), default=0.0)
    panel.set_ylim(0, 1.5 * max(highest, 10.0))  # room for the legend
    panel.legend(frameon=False, fontsize=FONT, loc="upper right")


# ---------------------------------------------------------------- files


def accounts_sheet(profile: Profile) -> Sheet:
    """List of all accounts, largest first, as a sheet."""
    year = f" {profile.years[-1].year}" if profile.years else ""
    columns = (
        Column("account"),
        Column("name"),
        Column(f"spend{year}, {profile.money}", MONEY),
        Column("part of sales", "0.0 %"),
        Column("growth", PERCENT),
        Column("quarters bought of the last 4", "0"),
        Column("tier today"),
        Column("key account manager"),
        Column("place by spend", "0"),
        Column("place by enterprise criteria", "0"),
        Column(f"key by spend, of {profile.places}"),
        Column(f"key by enterprise criteria, of {profile.places}"),
    )
    rows = []
    for account in profile.accounts:
        chosen = ["key" if yes else "" for yes in chosen_by(profile, account)]
        known = account.quarters if account.quarters >= 0 else None
        figures = (account.spend, account.part, account.growth, known)
        told = (account.tier, account.kam, account.by_spend, account.by_enterprise)
        rows.append((account.account_id, account.name, *figures, *told, *chosen))
    return Sheet("accounts", columns, rows)


def write_profile(book: Book, folder: Path) -> list[Path]:
    """Write the profile of a book into a folder: `FILES`, each whole or not at all."""
    return write_files(profile_book(book), folder)


def write_files(profile: Profile, folder: Path) -> list[Path]:
    """Write a profile as JSON and as a figure, and its list of accounts as CSV and as a workbook."""
    sheet = accounts_sheet(profile)
    table = csv_text([[column.heading for column in sheet.columns], *map(_told, sheet.rows)])
    contents: tuple[str | bytes, ...] = (
        json_text(profile.to_dict()),
        profile_figure(profile),
        table,
        workbook_bytes([sheet]),
    )
    with naming(folder, advice="choose another `out`"):
        folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(FILES, contents, strict=True):
        write_whole(folder / name, content)
    return [folder / name for name in FILES]


def _told(row: Sequence[object]) -> list[object]:
    """Cells of a row, None where nothing can be told."""
    return [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in row]
