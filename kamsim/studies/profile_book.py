"""What does a book hold, and whom would rules of selection take? Counted, with nothing simulated."""

from kamsim.books.book import Book
from kamsim.books.profile import Profile, key_today, last_year, profile_of
from kamsim.errors import KamsimError
from kamsim.policy.policy import seats_of
from kamsim.scenario import Scenario, load_scenario
from kamsim.world.parameters import parameters_of

USUAL_PROGRAM = "status_quo"


def profile_book(book: Book, *, scenario: Scenario | None = None, places: int | None = None) -> Profile:
    """Profile a book, with the places of its accounts by rules of selection.

    Parameters
    ----------
    book : Book
        From `kamsim.books.book.read_book`.
    scenario : Scenario, optional
        Says what is usual where the book tells nothing, and how many key accounts there are; by default the usual
        program.
    places : int, optional
        Number of key accounts, at least 1; by default that of today's program, else that of the scenario.

    Returns
    -------
    Profile
        From `kamsim.books.profile.profile_of`.

    Raises
    ------
    KamsimError
        Where there are more places than accounts, or none.
    """
    usual = scenario or load_scenario(USUAL_PROGRAM)
    customers = int((last_year(book) > 0).sum())
    if places is not None and not 1 <= places <= len(book.account_id):
        raise KamsimError(f"`places` must be 1 to {len(book.account_id):,}, the number of accounts; it is {places:,}")
    chosen = places or key_today(book) or sum(seats_of(usual, max(1, customers))[0])
    return profile_of(book, parameters_of(usual), max(1, chosen))
