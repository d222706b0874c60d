"""Several programs taken apart by one command, one after the other."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kamsim.cli.frame import folder_of, played, say
from kamsim.errors import KamsimError

if TYPE_CHECKING:
    from kamsim.scenario import Scenario


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
    contents = []
    for program, name in zip(programs, checked_names(programs), strict=True):
        asked = ask_explain(program, (QUESTION,), organizations=organizations, seed=seed, jobs=jobs)
        folder = folder_of(asked, None if out is None else str(Path(out) / name))
        result = played(asked, folder=folder, figure=explaining.explanation_files, kernels=KERNELS)
        content = {**explaining.content_of(result), "folder": str(folder)}
        contents.append(content)
        if not as_json:
            tell = partial(explaining.explanation_tables, result)
            say(content, tell, as_json=False, notes=result.notes, folder=folder)
    if as_json:
        say({"programs": contents}, list, as_json=True)
