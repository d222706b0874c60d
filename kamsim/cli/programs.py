"""Several programs or measures that one command is asked about, one after the other."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kamsim.cli.frame import Answered, answer, folder_of, played, say
from kamsim.errors import KamsimError

if TYPE_CHECKING:
    from kamsim.report.table import Table
    from kamsim.scenario import Scenario
    from kamsim.studies.asked import Asked, Figure


def explain_programs(
    programs: Sequence["Scenario"], *, organizations: int, seed: int, jobs: int | None, out: str | None, as_json: bool
) -> None:
    """Take one program apart after the other, each in a folder of its own."""
    from kamsim.experiments.twins import KERNELS
    from kamsim.report import explain as explaining
    from kamsim.studies.compare import checked_names
    from kamsim.studies.explain import ask_explain
    from kamsim.studies.explain_levers import QUESTION, choices_of

    for program in programs:
        if not choices_of(program.changed(population=None)):
            raise KamsimError(
                f"{program.name}: chooses nothing but what most programs do, so there is nothing to take apart; name a "
                "program that pulls a lever, has other tiers or settles something else"
            )
    asked = {
        name: ask_explain(program, (QUESTION,), organizations=organizations, seed=seed, jobs=jobs)
        for program, name in zip(programs, checked_names(programs), strict=True)
    }
    _answer_each(
        "programs", asked, explaining.explanation_tables, out=out, as_json=as_json, figure=explaining.explanation_files,
        kernels=KERNELS, content=explaining.content_of,
    )  # fmt: skip


def answer_measures(
    ask: "Callable[[str], Asked[Answered]]",
    measures: Sequence[str],
    tell: "Callable[[Answered], Iterable[Table | str | None]]",
    *,
    out: str | None,
    as_json: bool,
    figure: "Figure[Answered] | None" = None,
) -> None:
    """Ask a study about one measure after the other, several of them each in a folder of its own."""
    names = list(dict.fromkeys(measures))
    asked = {name: ask(name) for name in names}  # what is wrong with the last is said before the first is played
    if len(names) == 1:
        (only,) = asked.values()
        answer(only, tell, as_json=as_json, folder=folder_of(only, out), figure=figure)
        return
    _answer_each("measures", asked, tell, out=out, as_json=as_json, figure=figure)


def _answer_each(
    kind: str,
    asked: "Mapping[str, Asked[Answered]]",
    tell: "Callable[[Answered], Iterable[Table | str | None]]",
    *,
    out: str | None,
    as_json: bool,
    figure: "Figure[Answered] | None",
    kernels: Iterable[Callable[..., object]] = (),
    content: "Callable[[Answered], Mapping[str, object]] | None" = None,
) -> None:
    """Play one study after the other, each in a folder of its own, and tell each, or all as one JSON."""
    contents = []
    for name, study in asked.items():
        folder = folder_of(study, None if out is None else str(Path(out) / name))
        result = played(study, folder=folder, figure=figure, kernels=kernels)
        values = {**(result.to_dict() if content is None else content(result)), "folder": str(folder)}
        contents.append(values)
        if not as_json:
            say(values, partial(tell, result), as_json=False, notes=result.notes, folder=folder)
    if as_json:
        say({kind: contents}, list, as_json=True)
