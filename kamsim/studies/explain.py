"""Why the survey sees what it sees, and why a program earns what it earns, from twins in the very same worlds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kamsim.errors import KamsimError, nearest
from kamsim.evidence.readings import DEFAULT_READING, reading_of
from kamsim.experiments.jobs import job_of
from kamsim.experiments.manifest import MANIFEST, manifest_of
from kamsim.experiments.pool import checked_workers
from kamsim.records import Record
from kamsim.scenario import Scenario
from kamsim.studies.asked import Asked
from kamsim.studies.explain_collaboration import explain_collaboration
from kamsim.studies.explain_large_spend import explain_large_spend
from kamsim.studies.explain_levers import QUESTION, LeversExplained, explain_levers
from kamsim.studies.explain_parts import ClaimExplained, Study
from kamsim.studies.explain_quota import explain_quota
from kamsim.studies.explain_rebuilds import explain_rebuilds
from kamsim.studies.settings import notes_on_book, notes_on_settings
from kamsim.types import Progress
from kamsim.world.world import MOST_ORGANIZATIONS

CLAIMS = ("large_spend", "collaboration", "rebuilds", "quota")
QUESTIONS = (*CLAIMS, QUESTION)
CONTENT = "explanation.json"
FEWEST = 30  # organizations that an interval takes


@dataclass(frozen=True)
class Explanation(Record):
    """Published claims explained on simulated organizations, and total profit by levers.

    Parameters
    ----------
    claims : tuple of ClaimExplained
        In the order asked for.
    levers : LeversExplained or None
        What each lever of a program adds to total profit, if that is asked.
    reading : str
        In which the published 51 % are taken apart.
    scenario : str
        Name.
    organizations, seed : int
        Of the run.
    notes : tuple of str
        What limits the explanation, a sentence each.
    """

    claims: tuple[ClaimExplained, ...]
    levers: LeversExplained | None
    reading: str
    scenario: str
    organizations: int
    seed: int
    notes: tuple[str, ...]


def explain(
    scenario: Scenario,
    claims: Sequence[str] = (),
    *,
    organizations: int = 500,
    seed: int = 1,
    reading: str = str(DEFAULT_READING),
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Take published claims apart on the simulated organizations of a scenario.

    Parameters
    ----------
    scenario : Scenario
        Usually one with a mix of organizations, ``population``.
    claims : sequence of str
        Of `QUESTIONS`, which are the published claims and ``levers``; by default all of them.
    organizations : int
        >= 1; each is played with all its twins.
    seed : int
        In [0, 2**64).
    reading : str
        In which the published 51 % are taken apart, ``chances > 20 %``.
    jobs : int, optional
        Threads; by default as many as there are cores. They change no result.
    progress : callable, optional
        Told from time to time how much of the work of `ask_explain` is done.

    Returns
    -------
    Explanation
        The same to the last bit whatever the jobs.

    Raises
    ------
    KamsimError
        Where an argument is out of range, or there is no such claim or reading.
    """
    asked = ask_explain(scenario, claims, organizations=organizations, seed=seed, reading=reading, jobs=jobs)
    return asked.play(progress)


def ask_explain(
    scenario: Scenario,
    claims: Sequence[str] = (),
    *,
    organizations: int = 500,
    seed: int = 1,
    reading: str = str(DEFAULT_READING),
    jobs: int | None = None,
) -> Asked[Explanation]:
    """Check what `explain` is asked, with the same arguments.

    Returns
    -------
    Asked
        Played, it gives an `Explanation`; its work counts organizations of a second pass twice.
    """
    if organizations < 1:
        raise KamsimError(f"organizations must be at least 1, not {organizations}")
    if organizations > MOST_ORGANIZATIONS:
        raise KamsimError(f"organizations must be at most 2**32, not {organizations}")
    workers = checked_workers(organizations, seed, jobs)
    asked, chosen = checked_claims(claims), reading_of(reading)
    said = (*notes_on_settings([scenario]), *notes_on_book([scenario]))
    notes = (*said, *job_of(scenario).notes, *_too_few(organizations))

    def answer(progress: Progress | None, _: Path | None) -> Explanation:
        explained, levers, done = list[ClaimExplained](), None, 0
        for claim in asked:

            def told(more: int, before: int = done) -> None:
                if progress is not None:
                    progress(before + more)

            study = Study(scenario, organizations, seed, workers, told, chosen)
            if claim == QUESTION:
                levers = explain_levers(study)
            else:
                explained.append(_EXPLAIN[claim](study))
            done += _PASSES[claim] * organizations
        return Explanation(tuple(explained), levers, str(chosen), scenario.name, organizations, seed, notes)

    of = {"command": "explain", "claims": list(asked), "reading": str(chosen)}
    manifest = manifest_of([scenario], seed, organizations) | of
    work = organizations * sum(_PASSES[claim] for claim in asked)
    files = frozenset({CONTENT, MANIFEST, *(f"{claim}.png" for claim in asked)})
    return Asked(manifest, work, "suppliers", answer, files)


def _too_few(organizations: int) -> tuple[str, ...]:
    if organizations == 1:
        return ("a single supplier has no intervals",)
    if organizations < FEWEST:
        few = f"{organizations} suppliers are too few: with fewer than {FEWEST}, intervals are not to be trusted"
        return (few,)
    return ()


def checked_claims(claims: Sequence[str]) -> tuple[str, ...]:
    """Claims as asked for, each once; all of them where none is named. An error names the nearest claim."""
    for claim in claims:
        if claim not in QUESTIONS:
            raise KamsimError(f"{claim}: there is no claim of that name; {nearest(claim, QUESTIONS)}")
    return tuple(dict.fromkeys(claims)) or QUESTIONS


_EXPLAIN = {
    "large_spend": explain_large_spend,
    "collaboration": explain_collaboration,
    "rebuilds": explain_rebuilds,
    "quota": explain_quota,
}
_PASSES = dict.fromkeys(QUESTIONS, 2) | {"rebuilds": 1, "quota": 1}
