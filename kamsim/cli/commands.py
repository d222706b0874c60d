"""The commands that play and tell: one function each, which asks the library and prints the answer."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kamsim.cli.frame import (
    FROM_THE_START,
    RESULTS,
    accounts_option,
    against_option,
    alone_option,
    answer,
    as_json_option,
    example,
    folder_of,
    jobs_option,
    main,
    measure_option,
    measures_option,
    out_option,
    range_options,
    reading_option,
    refuse_beside,
    say,
    scenarios_of,
    seed_option,
    set_options,
    working,
    written_to,
)
from kamsim.errors import KamsimError

if TYPE_CHECKING:
    from kamsim.studies.asked import Asked
    from kamsim.studies.calibrate_world import Kind
    from kamsim.studies.discover import Discovery
    from kamsim.studies.sensitivity import Sensitivity

DEFAULT_COMPARISON = (
    "status_quo",
    "enterprise_selection",
    "cross_functional_alignment",
    "bilateral_boundaries",
    "performance_retiering",
    "full_program",
)


@main.command(
    short_help="Compare key account programs in the same market scenarios.",
    epilog=example(
        "kamsim compare status_quo full_program --accounts my_accounts.csv --out results/mine",
        "kamsim compare --reference status_quo",
        "kamsim compare --set world.gross_margin=0.15 --set tiers.key.seats=12 --years 10",
        "kamsim compare --measures board   what a board asks for; or program, customer, all, or names",
        "kamsim compare --sets 0          quick: the best fit alone, without what is uncertain",
        "kamsim compare --uncertainty     longer: how likely each is best, and what that depends on",
    ),
)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@set_options
@click.option(
    "--replications", "-n", metavar="N", type=int,
    help="Market scenarios to compare in at the best fit; parameter sets share five times as many.  [default: 500; "
    "with --uncertainty 100 for each set]",
)  # fmt: skip
@click.option(
    "--sets", metavar="N", type=int,
    help="Parameter sets that fit the evidence to play; 0: the best fit alone.  [default: all]",
)  # fmt: skip
@seed_option
@jobs_option
@accounts_option
@click.option("--reference", metavar="NAME", help="Scenario that the others are compared with.  [default: no program]")
@measures_option
@click.option(
    "--uncertainty", is_flag=True,
    help="Say how likely each is the best, over all parameter sets that fit the evidence.",
)  # fmt: skip
@click.option(
    "--posterior", metavar="FILE", type=click.Path(), help="CSV of your own parameter sets; implies --uncertainty."
)
@out_option
@as_json_option
def compare(
    *,
    scenarios: tuple[str, ...],
    values: tuple[str, ...],
    replications: int | None,
    sets: int | None,
    accounts: str | None,
    reference: str | None,
    measures: tuple[str, ...],
    uncertainty: bool,
    posterior: str | None,
    out: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Compare key account programs with no program, or with --reference.

    A SCENARIO is a name that ships with kamsim or a .toml file. By default these are the status quo (the usual
    program, spend-based and sales-led), each of the four levers alone, and all four together. All of them meet the
    same customers, orders and departures in the same market scenarios, so that a difference is not luck.

    All are played at the best fit first, then with every set of parameters that fits the evidence as well. One is
    called better only where 95 % of these sets agree. With --uncertainty it also says how likely each is the best,
    where the ranking changes, and how much that depends on assumed values.
    """
    from kamsim.evidence.posterior import read_posterior
    from kamsim.studies.over_sets import some_of
    from kamsim.studies.reference import with_reference

    settings["measures"] = measures or None
    loaded = with_reference(scenarios_of(scenarios or DEFAULT_COMPARISON, values, accounts), reference)
    if replications is not None:
        settings["replications"] = replications
    if uncertainty or posterior is not None:
        from kamsim.report import uncertainty as unsure
        from kamsim.studies.uncertainty import ask_compare_under_uncertainty

        if sets == 0:
            raise KamsimError("`uncertainty` needs parameter sets; leave out `sets`")
        chosen = some_of(read_posterior(posterior), sets)
        asked = ask_compare_under_uncertainty(loaded, chosen, **settings)
        answer(asked, unsure.tell, as_json=as_json, folder=folder_of(asked, out), figure=unsure.uncertainty_figure)
    else:
        from kamsim.report import comparison
        from kamsim.studies.compare import ask_compare

        shipped = None if sets == 0 else read_posterior()
        plain = ask_compare(loaded, shipped, sets=sets, look_beyond=True, **settings)
        folder, figure = folder_of(plain, out), comparison.comparison_figure
        answer(plain, comparison.tell, as_json=as_json, folder=folder, figure=figure)


@main.command(
    short_help="Play one supplier and print it year by year.",
    epilog=example("kamsim run full_program --seed 7 --agents agents.parquet"),
)
@click.argument("scenario")
@set_options
@seed_option
@accounts_option
@measures_option
@click.option(
    "--agents", metavar="FILE", type=click.Path(),
    help="Parquet file: every account, KAM and function after every quarter.",
)  # fmt: skip
@click.option("--figure", metavar="FILE", type=click.Path(), help="PNG.  [default: results/run-<scenario>-<seed>.png]")
@as_json_option
def run(
    *,
    scenario: str,
    values: tuple[str, ...],
    seed: int,
    accounts: str | None,
    measures: tuple[str, ...],
    agents: str | None,
    figure: str | None,
    as_json: bool,
) -> None:
    """Play one supplier under SCENARIO, quarter by quarter, and print it year by year."""
    from kamsim.measures.choice import USUAL, chosen
    from kamsim.report import watched
    from kamsim.studies.settings import mark_of
    from kamsim.studies.watch import play_run, quarters_of
    from kamsim.world.world import draw_one_organization

    (loaded,) = scenarios_of([scenario], values, accounts)
    shown = chosen(measures) if measures else USUAL
    book = None if loaded.book is None else loaded.book.file
    target = watched.figure_target(figure, f"{loaded.name}{mark_of([loaded])}", seed, book)
    with working("quarters", quarters_of(loaded), draw_one_organization) as progress:
        path = Path(agents) if agents else None
        result = play_run(loaded, seed=seed, agents=path, progress=progress)
    watched.write_figure(target, result)
    written = written_to(*(place for place in (target, agents) if place))
    content = {**result.to_dict(), "figure": str(target), "agents": agents}
    tables = watched.years_table(result), watched.measures_table(result, shown)
    say(content, lambda: (*tables, written), as_json=as_json, notes=result.notes)


@main.command(
    short_help="Survey simulated suppliers, beside the published survey.",
    epilog=example(
        "kamsim survey population --organizations 500",
        "kamsim survey --reading 'chances > 20 %'",
    ),
)
@click.argument("scenario", default="population")
@set_options
@click.option("--organizations", "-n", metavar="N", default=2000, show_default=True, help="Suppliers to survey.")
@reading_option
@seed_option
@jobs_option
@accounts_option
@measures_option
@as_json_option
def survey(*, scenario: str, values: tuple[str, ...], accounts: str | None, as_json: bool, **settings: Any) -> None:
    """Survey simulated suppliers as the published survey asked real ones, and print both side by side."""
    from kamsim.report.survey import survey_tables
    from kamsim.studies.survey import ask_survey

    (loaded,) = scenarios_of([scenario], values, accounts)
    asked = ask_survey(loaded, **settings)
    answer(asked, survey_tables, as_json=as_json)


@main.command(
    short_help="Print every parameter and what its value rests on.",
    epilog=example(
        "kamsim evidence assumed world    what is assumed about the market and the supplier",
        "kamsim evidence trust_speed      one parameter, with its meaning and source",
    ),
)
@click.argument("words", nargs=-1, metavar="[KIND|SECTION|PARAMETER]...")
@click.option("--markdown", is_flag=True, help="Print the page of the documentation, docs/evidence.md.")
@as_json_option
def evidence(*, words: tuple[str, ...], markdown: bool, as_json: bool) -> None:
    """Print every parameter with value, range, unit, and whether it is published, measured, calibrated or assumed.

    A KIND (assumed) or a SECTION of scenarios (world) narrows the table; a PARAMETER is printed in full.
    """
    from kamsim.report import evidence as ledger

    if markdown and (words or as_json):
        raise KamsimError("--markdown prints the whole page; leave out " + (words[0] if words else "--json"))
    if markdown:
        click.echo(ledger.evidence_page(), nl=False)
        return
    asked = ledger.evidence_of(words)
    say(asked.to_dict(), lambda: ledger.evidence_tables(asked), as_json=as_json)


@main.command(
    short_help="Check a scenario against known facts about accounts and programs.",
    epilog=example(
        "kamsim validate",
        "kamsim validate my_program.toml --accounts my_accounts.csv",
        "kamsim validate --random 0        quick: without random parameter sets",
    ),
)
@click.argument("scenario", default="population")
@set_options
@click.option("--organizations", "-n", metavar="N", default=400, show_default=True, help="Suppliers to look at.")
@click.option(
    "--random", metavar="N", default=50, show_default=True,
    help="Random parameter sets to compare the score with; 0 for none.",
)  # fmt: skip
@seed_option
@jobs_option
@accounts_option
@as_json_option
def validate(*, scenario: str, values: tuple[str, ...], accounts: str | None, as_json: bool, **settings: Any) -> None:
    """Check which known facts about accounts and programs a SCENARIO shows, and which it misses.

    Of each it says how it was used (fitted, checked or held back), what a miss means for a decision, and how many
    random parameter sets show it too. A miss is a finding, not an error: the exit code stays 0.
    """
    from kamsim.experiments.twins import KERNELS
    from kamsim.report import validation
    from kamsim.studies.validate import ask_validate
    from kamsim.studies.validate_key import account_of_run

    (loaded,) = scenarios_of([scenario], values, accounts)
    asked = ask_validate(loaded, **settings)
    answer(asked, validation.tell, as_json=as_json, kernels=(*KERNELS, account_of_run))


@main.command(
    short_help="Explain published claims, and what each choice of a program adds.",
    epilog=example(
        "kamsim explain",
        "kamsim explain large_spend --organizations 3000 --reading 'odds > 10 %'",
        "kamsim explain levers               why each lever of the full program gains or loses",
        "kamsim explain --lever full_half_size --lever my_program.toml --discount 0.08",
    ),
)
@click.argument("claims", nargs=-1, metavar="[CLAIM]...")
@click.option("--scenario", metavar="NAME", default="population", show_default=True, help="Suppliers surveyed.")
@click.option(
    "--lever", "programs", metavar="SCENARIO", multiple=True,
    help="Explain instead why this program gains or loses; may be given again.",
)  # fmt: skip
@set_options
@click.option("--organizations", "-n", metavar="N", default=500, show_default=True, help="Suppliers to survey.")
@reading_option
@seed_option
@jobs_option
@accounts_option
@click.option(
    "--out", metavar="DIR", type=click.Path(), help="Folder for charts and JSON.  [default: results/<name of the run>]"
)
@as_json_option
def explain(
    *,
    claims: tuple[str, ...],
    scenario: str,
    programs: tuple[str, ...],
    values: tuple[str, ...],
    accounts: str | None,
    out: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Explain published claims, and what each lever of a program adds, on simulated suppliers.

    Each figure is split by counterfactuals (twins): the same market scenario is played again with one thing changed.
    A CLAIM is large_spend, collaboration, rebuilds or quota. Its figure is split into what the program does to
    accounts, and what comes from which accounts are chosen or compared, and from luck.

    A CLAIM may also be levers: the total profit of SCENARIO is split into what each of its choices adds (levers, tiers,
    how it rebuilds), and from which lines of profit. Where it makes none, the full program is split. By default all
    five.
    """
    from kamsim.experiments.twins import KERNELS
    from kamsim.report import explain as explaining
    from kamsim.studies.explain import ask_explain

    if programs:
        from kamsim.cli.programs import explain_programs

        refuse_beside("--lever", ("claims", "scenario", "reading"))
        del settings["reading"]
        explain_programs(scenarios_of(programs, values, accounts), out=out, as_json=as_json, **settings)
        return
    (loaded,) = scenarios_of([scenario], values, accounts)
    asked = ask_explain(loaded, claims, **settings)
    answer(
        asked, explaining.explanation_tables, as_json=as_json, folder=folder_of(asked, out),
        figure=explaining.explanation_files, kernels=KERNELS, content=explaining.content_of,
    )  # fmt: skip


@main.command(
    short_help="Fit parameters to the published evidence.",
    epilog=example(
        "kamsim calibrate",
        "kamsim calibrate --free world.premium_mean --free world.patience_stop",
        "kamsim calibrate --reading 'chances > 20 %' --out results/more_than_20",
        "kamsim calibrate --world steady --out results/steady",
        "kamsim compare --posterior results/calibrate-population-1/posterior.csv",
    ),
)
@click.argument("scenario", default="population")
@click.option("--free", metavar="NAME", multiple=True, help="A parameter to fit; may be given again.  [default: all]")
@click.option(
    "--world", type=click.Choice(["default", "steady", "lively"]),
    help="Fit the market to real account books instead (this comes first): between the two books, or like one.",
)  # fmt: skip
@reading_option
@click.option("--posterior", metavar="N", default=100, show_default=True, help="Parameter sets that fit to find.")
@seed_option
@jobs_option
@accounts_option
@click.option(
    "--out", metavar="DIR", type=click.Path(),
    help="Folder; a fit begun there goes on.  [default: results/calibrate-...]",
)  # fmt: skip
@as_json_option
def calibrate(
    *,
    scenario: str,
    free: tuple[str, ...],
    world: "Kind | None",
    reading: str,
    posterior: int,
    seed: int,
    jobs: int | None,
    accounts: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Fit the parameters of SCENARIO to the published figures, in a market that was fitted to account books.

    Finds the best fit, and many sets of parameters that fit within the sampling error of the published survey (the
    posterior). Takes some minutes. If interrupted, the same command goes on where it ended; a fit of a market to
    account books begins anew.
    """
    from kamsim.evidence.plausible import MONEY, PROGRAM
    from kamsim.experiments.jobs import play_in_shared_worlds
    from kamsim.report import calibration
    from kamsim.studies import calibrate as calibrating

    if world is not None:
        refuse_beside("--world", ("scenario", "free", "reading", "posterior"))
        if accounts is not None:
            raise KamsimError(
                "--world fits the market to the two books of the evidence, not to yours; kamsim book fit "
                f"{accounts} fits it to your accounts"
            )
        click.get_current_context().meta[FROM_THE_START] = True
        _calibrate_world(
            world, seed, jobs, Path(out) if out is not None else RESULTS / f"calibrate-{world}-{seed}", as_json
        )
        return
    (loaded,) = scenarios_of([scenario], (), accounts)
    on_book = "" if loaded.book is None else f"-{Path(loaded.book.file).stem}"
    folder = Path(out) if out is not None else RESULTS / f"calibrate-{loaded.name}{on_book}-{seed}"
    effort = calibrating.Effort()
    with working("parameter sets", effort.points(len(free or PROGRAM | MONEY)), play_in_shared_worlds) as progress:
        result = calibrating.calibrate(
            loaded,
            free=free,
            reading=reading,
            posterior=posterior,
            seed=seed,
            jobs=jobs,
            folder=folder,
            progress=progress,
            note=lambda sentence: click.echo(f"Note: {sentence}", err=True),
        )
    words = ["kamsim", "calibrate", scenario, *(f"--free={name}" for name in free)]
    words += [] if accounts is None else [f"--accounts={accounts}"]
    words += [f"--posterior={posterior}", f"--seed={seed}", f"--reading={result.reading}"]
    written = calibration.write_calibration(folder, result, words)
    names = f"{written_to(f'{folder}{os.sep}')}: {' and '.join(path.name for path in written)}"
    tables = calibration.calibration_tables
    content = {**result.to_dict(), "folder": str(folder)}
    say(content, lambda: (*tables(result), calibration.calibration_sentences(result), names), as_json=as_json)


def _calibrate_world(kind: "Kind", seed: int, jobs: int | None, folder: Path, as_json: bool) -> None:
    """Fit the world to books alone, the first layer."""
    from kamsim.experiments.jobs import play_in_shared_worlds
    from kamsim.report import world_fit
    from kamsim.studies.calibrate_world import GENERATIONS, POPULATION, calibrate_world

    if folder.exists():
        raise KamsimError(f"{folder}: already exists; choose another `out`")
    with working("parameter sets", GENERATIONS * POPULATION + 1, play_in_shared_worlds) as progress:
        result = calibrate_world(kind, seed=seed, jobs=jobs, progress=progress)
    written = world_fit.write_world(folder, result, ["kamsim", "calibrate", f"--world={kind}", f"--seed={seed}"])
    names = f"{written_to(f'{folder}{os.sep}')}: {' and '.join(path.name for path in written)}"
    content = {**result.to_dict(), "folder": str(folder)}
    say(content, lambda: (*world_fit.world_tables(result), world_fit.world_sentences(result), names), as_json=as_json)


@main.command(
    short_help="Say which uncertain parameters a result depends on most.",
    epilog=example(
        "kamsim sensitivity full_program --against status_quo",
        "kamsim sensitivity --parameter world.turnover=0.02:0.08 --parameter world.gross_margin",
        "kamsim sensitivity --plausible     what mattered before anything was fitted",
    ),
)
@click.argument("scenario", default="full_program")
@against_option
@alone_option
@set_options
@measure_option
@range_options
@click.option(
    "--screen/--no-screen", default=None,
    help="First look for the ten that matter most, and rank these.  [default: if there are more]",
)  # fmt: skip
@click.option(
    "--points", metavar="N", default=256, show_default=True,
    help="Combinations of values to start from; a power of two.",
)  # fmt: skip
@click.option(
    "--replications", "-n", metavar="N", default=32, show_default=True, help="Market scenarios for each combination."
)
@seed_option
@jobs_option
@accounts_option
@out_option
@as_json_option
def sensitivity(
    *,
    scenario: str,
    against: str | None,
    values: tuple[str, ...],
    accounts: str | None,
    measure: tuple[str, ...],
    out: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Say on which uncertain parameters the gain of SCENARIO over no program, or over --against, depends most.

    The gain at the best fit comes first, the same figure as in kamsim compare. Then all parameters vary at once, each
    within the range of 95 % of the parameter sets that fit the evidence. One that was not fitted but is named by
    --parameter varies by a quarter either way; one that you --set does not vary. For each it says how much of the
    variation of the result goes with it, alone and together with others. Takes a minute or two.
    """
    from kamsim.cli.programs import answer_measures
    from kamsim.report import sensitivity as drivers
    from kamsim.studies.sensitivity import ask_sensitivity

    loaded, *others = scenarios_of([scenario, against], values, accounts)

    def ask(name: str) -> "Asked[Sensitivity]":
        return ask_sensitivity(loaded, against=next(iter(others), None), measure=name, **settings)

    answer_measures(ask, measure, drivers.tell, out=out, as_json=as_json, figure=drivers.sensitivity_figure)


@main.command(
    short_help="Say under which conditions a program fails.",
    epilog=example(
        "kamsim discover performance_retiering --against status_quo",
        "kamsim discover full_program --threshold 2     where it earns less than 2 points of sales",
        "kamsim discover full_program --measure key_revenue_growth --threshold 0.02",
    ),
)
@click.argument("scenario", default="full_program")
@against_option
@alone_option
@set_options
@measure_option
@click.option(
    "--threshold", metavar="X", type=float,
    help="Gain or measure beyond which it fails: points of sales for total profit; 0.2 for 20 %.  [default: 0]",
)  # fmt: skip
@range_options
@click.option("--points", metavar="N", default=1000, show_default=True, help="Combinations of values to play.")
@click.option(
    "--replications", "-n", metavar="N", default=64, show_default=True, help="Market scenarios for each combination."
)
@seed_option
@jobs_option
@accounts_option
@out_option
@as_json_option
def discover(
    *,
    scenario: str,
    against: str | None,
    values: tuple[str, ...],
    accounts: str | None,
    measure: tuple[str, ...],
    out: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Say under which conditions SCENARIO fails, if few conditions tell.

    It fails where it does worse than no program, or than --against, in the same market scenarios; or where a measure
    is beyond a threshold. The gain at the best fit comes first, the same figure as in kamsim compare. Then all
    parameters vary at once, each within the range of 95 % of the parameter sets that fit the evidence. One that was
    not fitted but is named by --parameter varies by a quarter either way; one that you --set does not vary.
    """
    from kamsim.cli.programs import answer_measures
    from kamsim.report import discovery
    from kamsim.studies.discover import ask_discover

    loaded, *others = scenarios_of([scenario, against], values, accounts)

    def ask(name: str) -> "Asked[Discovery]":
        return ask_discover(loaded, against=next(iter(others), None), measure=name, **settings)

    answer_measures(ask, measure, discovery.tell, out=out, as_json=as_json)
