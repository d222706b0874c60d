"""The command that plays an experiment file into a store, and what it says of one."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from kamsim.cli.frame import (
    RESULTS,
    accounts_option,
    as_json_option,
    example,
    jobs_option,
    main,
    say,
    say_if_compiling,
    set_options,
    with_options,
    working,
)

if TYPE_CHECKING:
    from kamsim.experiments.chunks import Plan
    from kamsim.experiments.designs import Experiment
    from kamsim.experiments.executors import Place
    from kamsim.experiments.sweep import Progressed
    from kamsim.report.table import Table
    from kamsim.studies.precision import Aim


@main.command(
    short_help="Play an experiment: many variants of a program.",
    epilog=example(
        "kamsim sweep four_levers",
        "kamsim sweep my_experiment.toml --dry-run",
        "kamsim sweep four_levers --precision 0.01 --jobs 8",
        "kamsim sweep four_levers --cluster tcp://head-node:8786",
    ),
)
@click.argument("experiment")
@set_options
@click.option(
    "--dry-run", is_flag=True, help="Say how large it is, how long it takes and how much disk it needs; play nothing."
)
@click.option("--status", "show_status", is_flag=True, help="Say how much is done; play nothing.")
@click.option("--verify", is_flag=True, help="Compute a sample of its results again and compare them bit by bit.")
@click.option("--retry-failed", is_flag=True, help="Play again what failed.")
@click.option("--restart", is_flag=True, help="Set aside what another version of kamsim computed, and begin anew.")
@click.option(
    "--replications", "-n", metavar="N", type=int,
    help="Market scenarios for each variant.  [default: as the experiment says]",
)  # fmt: skip
@click.option(
    "--precision", metavar="X", type=float,
    help="Add market scenarios until differences are known to +-X of the mean that they are compared with (95 % "
    "interval); 0.01 is one percent.",
)  # fmt: skip
@click.option(
    "--confidence", metavar="P", type=float,
    help=("Stop as soon as the best is told from all others with this confidence, such as 0.95."),
)  # fmt: skip
@click.option(
    "--most", metavar="N", default=100_000, show_default=True,
    help="Market scenarios for each variant at most, with these two options.",
)  # fmt: skip
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
    """Play every variant (point) of EXPERIMENT, a name that ships with kamsim or a .toml file.

    All variants are played in the same market scenarios. Interrupted at any moment, the same command goes on where it
    ended; after a change of the experiment only what changed is played. Results do not depend on where they are
    computed. What you --set goes into the scenarios that variants are made of.
    """
    from kamsim.experiments import sweep as sweeping
    from kamsim.experiments.chunks import plan_of
    from kamsim.experiments.executors import chosen_place
    from kamsim.experiments.file import load_experiment
    from kamsim.experiments.jobs import play_in_shared_worlds
    from kamsim.experiments.pool import checked_workers
    from kamsim.measures.choice import chosen
    from kamsim.studies.precision import checked_aim
    from kamsim.studies.settings import mark_of, notes_on_settings, with_settings_in

    loaded = with_settings_in(load_experiment(experiment), values, accounts)
    if measures:
        loaded = replace(loaded, measures=chosen((*measures, loaded.compare)))
    workers = checked_workers(loaded.replications if replications is None else replications, loaded.seed, jobs)
    plan = plan_of(loaded, replications=replications)
    aim = checked_aim(plan.compare, precision, confidence, most)
    book = f"-{Path(plan.book.source).stem}" if plan.book else ""
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
        notes = (*notes_on_settings(plan.policies), *sweeping.notes_on_accounts(plan, folder))
        stands, ended = _play_sweep(plan, folder, place, aim, flags)
        _say_swept(loaded, plan, folder, (stands, ended, notes), as_json)


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
    from kamsim.experiments.sweep import notes_on_accounts, status_of
    from kamsim.report.sweep import status_text

    stands, notes = status_of(plan, folder), notes_on_accounts(plan, folder)
    content = {**stands.to_dict(), "notes": list(notes)}
    say(content, lambda: [status_text(stands, folder)], as_json=as_json, notes=notes)
    sys.exit(1 if stands.failed or stands.damaged else 0)


def _say_verified(plan: "Plan", folder: Path, as_json: bool) -> NoReturn:
    from kamsim.experiments.sweep import verify_sweep

    found = verify_sweep(plan, folder)
    said = f"these differ: {', '.join(found.different)}" if found.different else "all the same"
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
    with working("runs", plan.size, rated=True) as progress:
        if aim is None:
            return run_sweep(plan, folder, place, retry_failed=retry, restart=anew, progress=progress), ""
        precise = sweep_to_precision(plan, folder, place, aim, retry_failed=retry, restart=anew, progress=progress)
        return precise.progressed, precision_text(precise, plan)


def _say_swept(
    experiment: "Experiment",
    plan: "Plan",
    folder: Path,
    came: tuple["Progressed", str, tuple[str, ...]],
    as_json: bool,
) -> NoReturn:
    """Say what a sweep gave: where it stands, how it ended where it had an aim, and what there is to note."""
    from kamsim.experiments.summary import swept
    from kamsim.report import sweep as reporting

    rows, (stands, ended, notes) = swept(plan, folder), came
    reporting.write_summary(plan, folder, rows)
    told = {"precision": with_options(ended) or None, "notes": list(notes), "folder": str(folder)}

    def tell() -> Iterable["Table | str | None"]:
        yield reporting.swept_table(plan, rows)
        yield from reporting.effects_tables(experiment, plan, folder)
        yield from (ended, reporting.status_text(stands, folder))

    say({**stands.to_dict(), **told}, tell, as_json=as_json, notes=notes)
    sys.exit(1 if stands.failed else 0)
