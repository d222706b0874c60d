"""The commands that play and tell: one function each, which asks the library and prints the answer."""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from kamsim.cli.frame import (
    FROM_THE_START,
    RESULTS,
    accounts_option,
    against_option,
    alone_option,
    answer,
    as_json_option,
    book_of,
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
    say_if_compiling,
    scenarios_of,
    seed_option,
    set_options,
    with_options,
    working,
    written_to,
)
from kamsim.errors import KamsimError

if TYPE_CHECKING:
    from kamsim.experiments.chunks import Plan
    from kamsim.experiments.designs import Experiment
    from kamsim.experiments.executors import Place
    from kamsim.experiments.sweep import Progressed
    from kamsim.report.table import Table
    from kamsim.studies.calibrate_world import Kind
    from kamsim.studies.precision import Aim

DEFAULT_COMPARISON = (
    "status_quo",
    "enterprise_selection",
    "cross_functional_alignment",
    "bilateral_boundaries",
    "performance_retiering",
    "full_program",
)


@main.command(
    short_help="Compare policies in the same worlds.",
    epilog=example(
        "kamsim compare status_quo full_program --accounts my_accounts.csv --out results/mine",
        "kamsim compare --reference status_quo",
        "kamsim compare --set world.gross_margin=0.15 --set tiers.key.seats=12 --years 10",
        "kamsim compare --measures board   what a board asks for; or program, customer, all, or names",
        "kamsim compare --sets 0          the best fit alone: what is not known of parameters is left out",
        "kamsim compare --uncertainty     more worlds for every set, and what conclusions lean on",
    ),
)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@set_options
@click.option(
    "--replications",
    "-n",
    metavar="N",
    type=int,
    help=(
        "Worlds to compare in at the best fit; parameter sets share five times as many.  [default: 500; under "
        "uncertainty 100 for each set]"
    ),
)
@click.option("--sets", metavar="N", type=int, help="Parameter sets to play; 0: the best fit alone.  [default: all]")
@seed_option
@jobs_option
@accounts_option
@click.option("--reference", metavar="NAME", help="Scenario that the others are held against.  [default: no program]")
@measures_option
@click.option("--uncertainty", is_flag=True, help="Look deeper into the parameter sets that fit the evidence.")
@click.option("--posterior", metavar="FILE", type=click.Path(), help="CSV of parameter sets; implies --uncertainty.")
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
    """Compare policies in the same worlds with no program, which is played as well, or with --reference.

    A SCENARIO is a name that ships with kamsim or a .toml file. By default these are the status quo, each
    lever alone, and all four together. Luck is told by many worlds at the best fit, and what is not known of
    parameters by every set of them that fits the evidence; only what most sets agree on is called better.
    With --uncertainty, it says which policy is best with what probability, where the ranking flips, and how
    far that leans on assumed values.
    """
    from kamsim.evidence.posterior import read_posterior
    from kamsim.studies.over_sets import some_of
    from kamsim.studies.reference import with_reference

    settings["measures"] = measures or None
    loaded = with_reference(scenarios_of(scenarios or DEFAULT_COMPARISON, values), reference)
    if replications is not None:
        settings["replications"] = replications
    if uncertainty or posterior is not None:
        from kamsim.report import uncertainty as unsure
        from kamsim.studies.uncertainty import ask_compare_under_uncertainty

        if sets == 0:
            raise KamsimError("`uncertainty` needs parameter sets; leave out `sets`")
        chosen = some_of(read_posterior(posterior), sets)
        asked = ask_compare_under_uncertainty(loaded, chosen, book=book_of(accounts), **settings)
        answer(asked, unsure.tell, as_json=as_json, folder=folder_of(asked, out), figure=unsure.uncertainty_figure)
    else:
        from kamsim.report import comparison
        from kamsim.studies.compare import ask_compare

        shipped = None if sets == 0 else read_posterior()
        plain = ask_compare(loaded, shipped, sets=sets, book=book_of(accounts), **settings)
        folder, figure = folder_of(plain, out), comparison.comparison_figure
        answer(plain, comparison.tell, as_json=as_json, folder=folder, figure=figure)


@main.command(
    short_help="Play one organization and print it year by year.",
    epilog=example("kamsim run full_program --seed 7 --agents agents.parquet"),
)
@click.argument("scenario")
@set_options
@seed_option
@accounts_option
@measures_option
@click.option("--agents", metavar="FILE", type=click.Path(), help="Parquet file: every agent after every quarter.")
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
    """Play one organization under SCENARIO through Mesa, quarter by quarter, and print it year by year."""
    from kamsim.measures.choice import USUAL, chosen
    from kamsim.report import watched
    from kamsim.studies.settings import mark_of
    from kamsim.studies.watch import play_run, quarters_of
    from kamsim.world.world import draw_one_organization

    (loaded,) = scenarios_of([scenario], values)
    shown = chosen(measures) if measures else USUAL
    target = watched.figure_target(figure, f"{loaded.name}{mark_of([loaded])}", seed, accounts)
    with working("quarters", quarters_of(loaded), draw_one_organization) as progress:
        path = Path(agents) if agents else None
        result = play_run(loaded, seed=seed, book=book_of(accounts), agents=path, progress=progress)
    watched.write_figure(target, result)
    written = written_to(*(place for place in (target, agents) if place))
    content = {**result.to_dict(), "figure": str(target), "agents": agents}
    tables = watched.years_table(result), watched.measures_table(result, shown)
    say(content, lambda: (*tables, written), as_json=as_json, notes=result.notes)


@main.command(
    short_help="Print simulated figures beside published ones.",
    epilog=example(
        "kamsim survey population --organizations 500",
        "kamsim survey --reading 'chances > 20 %'",
    ),
)
@click.argument("scenario", default="population")
@set_options
@click.option("--organizations", "-n", metavar="N", default=2000, show_default=True, help="How many to survey.")
@reading_option
@seed_option
@jobs_option
@as_json_option
def survey(*, scenario: str, values: tuple[str, ...], as_json: bool, **settings: Any) -> None:
    """Survey simulated organizations as the published survey asked real ones, and print both side by side."""
    from kamsim.report.survey import survey_tables
    from kamsim.studies.survey import ask_survey

    (loaded,) = scenarios_of([scenario], values)
    asked = ask_survey(loaded, **settings)
    answer(asked, survey_tables, as_json=as_json)


@main.command(
    short_help="Print every parameter and what its value rests on.",
    epilog=example(
        "kamsim evidence assumed world    what is assumed about the world",
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
    short_help="Hold a scenario against what is known, and say what its score is worth.",
    epilog=example(
        "kamsim validate",
        "kamsim validate my_program.toml --accounts my_accounts.csv",
        "kamsim validate --random 0        without random parameter sets: at once",
    ),
)
@click.argument("scenario", default="population")
@set_options
@click.option("--organizations", "-n", metavar="N", default=400, show_default=True, help="How many to look at.")
@click.option(
    "--random",
    metavar="N",
    default=50,
    show_default=True,
    help="Parameter sets drawn at random that the score is held against; 0 for none.",
)
@seed_option
@jobs_option
@click.option(
    "--accounts",
    metavar="FILE",
    type=click.Path(),
    multiple=True,
    help="CSV of real accounts by quarter or invoice, to compare with too; may be given again.",
)
@as_json_option
def validate(
    *, scenario: str, values: tuple[str, ...], accounts: tuple[str, ...], as_json: bool, **settings: Any
) -> None:
    """Say which patterns that are known of accounts and programs a SCENARIO shows, and which it misses.

    Each with how it was used (fitted, checked or held back), what a miss means for a decision, and how often random
    parameter sets show it too. A miss is a finding and no error: the exit code is 0 all the same.
    """
    from kamsim.books.book import read_book, yearly_spend
    from kamsim.experiments.twins import KERNELS
    from kamsim.report import validation
    from kamsim.studies.validate import ask_validate

    (loaded,) = scenarios_of([scenario], values)
    asked = ask_validate(loaded, books=[yearly_spend(read_book(path)) for path in accounts], **settings)
    answer(asked, validation.tell, as_json=as_json, kernels=KERNELS)


@main.command(
    short_help="Take claims and programs apart: what is an effect, what each choice adds.",
    epilog=example(
        "kamsim explain",
        "kamsim explain large_spend --organizations 3000 --reading 'odds > 10 %'",
        "kamsim explain levers               why each lever of the full program gains or loses",
        "kamsim explain --lever full_half_size --lever my_program.toml --discount 0.08",
    ),
)
@click.argument("claims", nargs=-1, metavar="[CLAIM]...")
@click.option("--scenario", metavar="SCENARIO", default="population", show_default=True, help="Who is surveyed.")
@click.option(
    "--lever",
    "programs",
    metavar="SCENARIO",
    multiple=True,
    help="A program to take apart instead, again for more: why it gains or loses.",
)
@set_options
@click.option("--organizations", "-n", metavar="N", default=500, show_default=True, help="How many to survey.")
@reading_option
@seed_option
@jobs_option
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
    out: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Take published claims, and programs, apart on simulated organizations, with twins in the very same worlds.

    A CLAIM is large_spend, collaboration, rebuilds or quota: each figure of the survey is split into what the
    program does to accounts, and what comes from who is chosen, compared or lucky. It may also be levers: the
    total profit of SCENARIO is split into what each of its choices adds, and from which terms: levers that it
    pulls, its tiers, how it rebuilds. Where it makes none, the full program is taken apart. By default all five.
    """
    from kamsim.experiments.twins import KERNELS
    from kamsim.report import explain as explaining
    from kamsim.studies.explain import ask_explain

    if programs:
        from kamsim.cli.programs import explain_programs

        refuse_beside("--lever", ("claims", "scenario", "reading"))
        del settings["reading"]
        explain_programs(scenarios_of(programs, values), out=out, as_json=as_json, **settings)
        return
    (loaded,) = scenarios_of([scenario], values)
    asked = ask_explain(loaded, claims, **settings)
    answer(
        asked, explaining.explanation_tables, as_json=as_json, folder=folder_of(asked, out),
        figure=explaining.explanation_files, kernels=KERNELS, content=explaining.content_of,
    )  # fmt: skip


@main.command(
    short_help="Fit free parameters to the published evidence.",
    epilog=example(
        "kamsim calibrate",
        "kamsim calibrate --free world.premium_mean --free world.patience_stop",
        "kamsim calibrate --reading 'chances > 20 %' --out results/more_than_20",
        "kamsim calibrate --world steady --out results/steady",
        "kamsim compare --posterior results/calibrate-population-1/posterior.csv",
    ),
)
@click.argument("scenario", default="population")
@click.option("--free", metavar="NAME", multiple=True, help="A parameter to fit, again for more.  [default: all]")
@click.option(
    "--world",
    type=click.Choice(["default", "steady", "lively"]),
    help="Fit the world to books instead, which comes first: between the two known books, or like one of them.",
)
@reading_option
@click.option("--posterior", metavar="N", default=100, show_default=True, help="Parameter sets to find.")
@seed_option
@jobs_option
@click.option(
    "--out", metavar="DIR", type=click.Path(), help="Folder; begun there, it goes on.  [default: results/calibrate-...]"
)
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
    out: str | None,
    as_json: bool,
) -> None:
    """Fit the free parameters of SCENARIO to the published figures, in a world that was fitted to books.

    Finds the best fit, and a posterior: parameter sets that fit within the sampling error of the published survey.
    Takes some minutes. What has been simulated is kept: interrupted, the same command goes on where it ended; a fit of
    a world to books begins anew.
    """
    from kamsim.evidence.plausible import MONEY, PROGRAM
    from kamsim.experiments.jobs import play_in_shared_worlds
    from kamsim.report import calibration
    from kamsim.scenario import load_scenario
    from kamsim.studies import calibrate as calibrating

    if world is not None:
        refuse_beside("--world", ("scenario", "free", "reading", "posterior"))
        click.get_current_context().meta[FROM_THE_START] = True
        _calibrate_world(
            world, seed, jobs, Path(out) if out is not None else RESULTS / f"calibrate-{world}-{seed}", as_json
        )
        return
    loaded = load_scenario(scenario)
    folder = Path(out) if out is not None else RESULTS / f"calibrate-{loaded.name}-{seed}"
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
    with working("worlds", GENERATIONS * POPULATION + 1, play_in_shared_worlds) as progress:
        result = calibrate_world(kind, seed=seed, jobs=jobs, progress=progress)
    written = world_fit.write_world(folder, result, ["kamsim", "calibrate", f"--world={kind}", f"--seed={seed}"])
    names = f"{written_to(f'{folder}{os.sep}')}: {' and '.join(path.name for path in written)}"
    content = {**result.to_dict(), "folder": str(folder)}
    say(content, lambda: (*world_fit.world_tables(result), world_fit.world_sentences(result), names), as_json=as_json)


@main.command(
    short_help="Say which uncertain parameters drive a measure.",
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
@click.option("--screen/--no-screen", default=None, help="Rank only the ten that matter most.  [default: if more]")
@click.option("--points", metavar="N", default=256, show_default=True, help="Base points, a power of two.")
@click.option("--replications", "-n", metavar="N", default=32, show_default=True, help="Worlds at each point.")
@seed_option
@jobs_option
@out_option
@as_json_option
def sensitivity(
    *,
    scenario: str,
    against: str | None,
    values: tuple[str, ...],
    out: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Say which uncertain parameters drive the gain of SCENARIO over no program, or over --against.

    The gain at the best fit comes first: the very figure of kamsim compare, in points of sales. Then parameters vary,
    each by itself, as far as 95 % of the sets do that fit the evidence; others that are named by a quarter either way;
    none that you --set. Each gets the part of the variance that goes with it, alone and together with others. Takes a
    minute or two.
    """
    from kamsim.report import sensitivity as drivers
    from kamsim.studies.sensitivity import ask_sensitivity

    loaded, *others = scenarios_of([scenario, against], values)
    asked = ask_sensitivity(loaded, against=next(iter(others), None), **settings)
    folder, figure = folder_of(asked, out), drivers.sensitivity_figure
    answer(asked, drivers.tell, as_json=as_json, folder=folder, figure=figure)


@main.command(
    short_help="Say in which corner of the uncertainties a policy fails.",
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
    help="It fails beyond this: in points of sales for a gain in total profit; a rate of 20 % is 0.2.  [default: 0]",
)  # fmt: skip
@range_options
@click.option("--points", metavar="N", default=1000, show_default=True, help="Cases to play.")
@click.option("--replications", "-n", metavar="N", default=64, show_default=True, help="Worlds of each case.")
@seed_option
@jobs_option
@out_option
@as_json_option
def discover(
    *,
    scenario: str,
    against: str | None,
    values: tuple[str, ...],
    out: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Say in which corner of the uncertain parameters SCENARIO fails, if any corner tells.

    It fails where it does worse than no program or --against in the same worlds, or where a measure is beyond a
    threshold. The gain at the best fit comes first: the very figure of kamsim compare, in points of sales. Then
    parameters vary, each by itself, as far as 95 % of the sets do that fit the evidence; others that are named by a
    quarter either way; none that you --set.
    """
    from kamsim.report import discovery
    from kamsim.studies.discover import ask_discover

    loaded, *others = scenarios_of([scenario, against], values)
    asked = ask_discover(loaded, against=next(iter(others), None), **settings)
    answer(asked, discovery.tell, as_json=as_json, folder=folder_of(asked, out))


@main.command(
    short_help="Play an experiment: many scenarios, resumable.",
    epilog=example(
        "kamsim sweep four_levers",
        "kamsim sweep my_experiment.toml --dry-run",
        "kamsim sweep four_levers --precision 0.01 --jobs 8",
        "kamsim sweep four_levers --cluster tcp://head-node:8786",
    ),
)
@click.argument("experiment")
@set_options
@click.option("--dry-run", is_flag=True, help="Say how large it is, how long it takes and what it needs of the disk.")
@click.option("--status", "show_status", is_flag=True, help="Say where it stands; nothing is played.")
@click.option("--verify", is_flag=True, help="Compute a sample of its parts again and compare them bit by bit.")
@click.option("--retry-failed", is_flag=True, help="Play parts again that hold failed replications.")
@click.option("--restart", is_flag=True, help="Set aside what another version of kamsim computed, and begin anew.")
@click.option("--replications", "-n", metavar="N", type=int, help="Worlds per point.  [default: the experiment's]")
@click.option(
    "--precision",
    metavar="X",
    type=float,
    help=(
        "Add replications until the 95 % intervals of differences in the measure compared are no wider than +-X of the "
        "mean they are told against; 0.01 is one percent."
    ),
)
@click.option(
    "--confidence",
    metavar="P",
    type=float,
    help=("Stop as soon as the best is separated from all others with this confidence, such as 0.95."),
)
@click.option(
    "--most", metavar="N", default=100_000, show_default=True, help="Replications a point at most, with these."
)
@jobs_option
@click.option("--cluster", metavar="ADDRESS", help="Dask scheduler to run on, such as tcp://host:8786.")
@click.option("--executor", metavar="NAME", help="module:callable that gives any other concurrent.futures.Executor.")
@accounts_option
@click.option(
    "--measures", metavar="NAMES", multiple=True,
    help="Measures to keep, not the experiment's: names, or board, program, customer, all; with commas, or again.",
)  # fmt: skip
@click.option("--out", metavar="DIR", type=click.Path(), help="Folder of the store.  [default: results/<experiment>]")
@as_json_option
def sweep(
    *,
    experiment: str,
    values: tuple[str, ...],
    replications: int | None,
    precision: float | None,
    confidence: float | None,
    most: int,
    jobs: int | None,
    cluster: str | None,
    executor: str | None,
    accounts: str | None,
    measures: tuple[str, ...],
    out: str | None,
    as_json: bool,
    **flags: bool,
) -> None:
    """Play every point of EXPERIMENT, a name that ships with kamsim or a .toml file, in the same worlds.

    Each second of work is a part on the disk: killed at any moment, the same command goes on where it ended, and
    after a change of the experiment only what changed is played. Results do not depend on where they are computed.
    What you --set goes into the scenarios that points are made of.
    """
    from kamsim.experiments import sweep as sweeping
    from kamsim.experiments.chunks import plan_of
    from kamsim.experiments.executors import chosen_place
    from kamsim.experiments.file import load_experiment
    from kamsim.experiments.jobs import play_in_shared_worlds
    from kamsim.experiments.pool import checked_workers
    from kamsim.measures.choice import chosen
    from kamsim.studies.precision import checked_aim
    from kamsim.studies.settings import mark_of, with_settings_in

    loaded = with_settings_in(load_experiment(experiment), values)
    if measures:
        loaded = replace(loaded, measures=chosen((*measures, loaded.compare)))
    workers = checked_workers(loaded.replications if replications is None else replications, loaded.seed, jobs)
    plan = plan_of(loaded, book=book_of(accounts), replications=replications)
    aim = checked_aim(plan.compare, precision, confidence, most)
    book = f"-{Path(accounts).stem}" if accounts else ""
    folder = Path(out) if out is not None else RESULTS / f"{plan.name}{mark_of(plan.policies)}{book}"
    if flags["dry_run"]:
        _say_size(plan, workers, as_json)
    elif flags["show_status"]:
        _say_status(plan, folder, as_json)
    elif flags["verify"]:
        _say_verified(plan, folder, as_json)
    else:
        say_if_compiling(play_in_shared_worlds)
        sweeping.warm_up(plan)
        place = chosen_place(workers, cluster, executor)
        stands, ended = _play_sweep(plan, folder, place, aim, flags)
        _say_swept(loaded, plan, folder, stands, ended, as_json)


def _say_size(plan: "Plan", workers: int, as_json: bool) -> None:
    from kamsim.experiments.sweep import estimate_of
    from kamsim.report.sweep import estimate_text
    from kamsim.studies.settings import notes_on_settings

    estimate = estimate_of(plan, workers)
    cores = f"{workers} core{'s' if workers > 1 else ''}"
    notes = tuple(notes_on_settings(plan.policies))
    content = {**asdict(estimate), "notes": list(notes)}
    say(content, lambda: [estimate_text(plan, estimate, cores)], as_json=as_json, notes=notes)


def _say_status(plan: "Plan", folder: Path, as_json: bool) -> NoReturn:
    from kamsim.experiments.sweep import status_of
    from kamsim.report.sweep import status_text

    stands = status_of(plan, folder)
    say(stands.to_dict(), lambda: [status_text(stands, folder)], as_json=as_json)
    sys.exit(1 if stands.failed or stands.damaged else 0)


def _say_verified(plan: "Plan", folder: Path, as_json: bool) -> NoReturn:
    from kamsim.experiments.sweep import verify_sweep

    found = verify_sweep(plan, folder)
    said = f"these differ: {', '.join(found.different)}" if found.different else "same"
    if found.last_digits:
        number, most = len(found.last_digits), max(found.last_digits.values())
        said += (
            f"{', and' if found.different else ', but for'} last digits in {number} (at most {most:.1g} of a figure), "
            "as where another C library or processor computed them"
        )
    say(found._asdict(), lambda: [f"{len(found.verified)} parts computed again: {said}"], as_json=as_json)
    sys.exit(1 if found.different else 0)


def _play_sweep(
    plan: "Plan", folder: Path, place: "Place", aim: "Aim | None", flags: Mapping[str, bool]
) -> tuple["Progressed", str]:
    """Play a sweep; say where it stands and, where it had an aim, how it ended."""
    from kamsim.experiments.sweep import run_sweep
    from kamsim.report.sweep import precision_text
    from kamsim.studies.precision import sweep_to_precision

    retry, anew = flags["retry_failed"], flags["restart"]
    with working("replication-policies", plan.size, rated=True) as progress:
        if aim is None:
            return run_sweep(plan, folder, place, retry_failed=retry, restart=anew, progress=progress), ""
        precise = sweep_to_precision(plan, folder, place, aim, retry_failed=retry, restart=anew, progress=progress)
        return precise.progressed, precision_text(precise, plan)


def _say_swept(
    experiment: "Experiment", plan: "Plan", folder: Path, stands: "Progressed", ended: str, as_json: bool
) -> NoReturn:
    from kamsim.experiments.summary import swept
    from kamsim.report import sweep as reporting
    from kamsim.studies.settings import notes_on_settings

    rows, notes = swept(plan, folder), tuple(notes_on_settings(plan.policies))
    reporting.write_summary(plan, folder, rows)
    told = {"precision": with_options(ended) or None, "notes": list(notes), "folder": str(folder)}

    def tell() -> Iterable["Table | str | None"]:
        yield reporting.swept_table(plan, rows)
        yield from reporting.effects_tables(experiment, plan, folder)
        yield from (ended, reporting.status_text(stands, folder))

    say({**stands.to_dict(), **told}, tell, as_json=as_json, notes=notes)
    sys.exit(1 if stands.failed else 0)
