"""A study is asked, then played: asking checks the arguments, and knows what the answer depends on and takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Generic, TypeVar

from kamsim.experiments.folder import FIGURE, RUN_FILES, result_folder
from kamsim.experiments.manifest import Manifest
from kamsim.types import Progress

Result = TypeVar("Result")
Figure = Callable[[Result], bytes | Mapping[str, bytes]]  # a PNG file, or files by name


@dataclass(frozen=True)
class Asked(Generic[Result]):
    """A study whose arguments are checked, and of which nothing is played yet.

    Parameters
    ----------
    manifest : dict
        Everything that the answer depends on; `kamsim.experiments.folder.default_name` names a folder by it.
    work : int
        How much is to be done.
    work_unit : str
        Of what, in plain words: ``parameter sets``.
    answer : callable
        Plays, given whom to tell how much is done and a folder to keep further files in, or None for either.
    files : frozenset of str
        Names that an equal run may have left in the folder.
    figure : str
        Name of the file that a figure goes to.
    """

    manifest: Manifest
    work: int
    work_unit: str
    answer: Callable[[Progress | None, Path | None], Result]
    files: frozenset[str] = RUN_FILES
    figure: str = FIGURE

    def play(
        self,
        progress: Progress | None = None,
        out: str | PathLike[str] | None = None,
        figure: Figure[Result] | None = None,
    ) -> Result:
        """Play what was asked.

        Parameters
        ----------
        progress : callable, optional
            Told from time to time how much of the work is done.
        out : str or path, optional
            Folder that holds all of the results or is not there; by default nothing is kept.
        figure : callable, optional
            Draws the result as the bytes of a PNG file, or as several files by name, for the folder.

        Returns
        -------
        object
            The same to the last bit whether or not it is kept.

        Raises
        ------
        KamsimError
            Before anything is played, where the folder cannot be written or holds anything but an equal run.
        """
        if out is None:
            return self.answer(progress, None)
        with result_folder(out, self.manifest, self.files) as folder:
            result = self.answer(progress, folder)
            drawn = {} if figure is None else figure(result)
            for name, content in ({self.figure: drawn} if isinstance(drawn, bytes) else drawn).items():
                (folder / name).write_bytes(content)
        return result
