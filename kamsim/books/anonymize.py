"""A book without names: stable pseudonyms, which only who has the key can make again."""

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

from kamsim.books.account_book import Book
from kamsim.books.importing import Imported
from kamsim.errors import KamsimError
from kamsim.text import read_text

Kind = Literal["account", "name", "kam", "file"]

KEY_BYTES = 32
LETTERS = 12  # of a pseudonym: sixty bits, so that no two of a million accounts share one
LEAST_LETTERS = 4  # of a name that is looked for in sentences: a shorter one may be a number, or a word of ours
_STARTS: dict[Kind, str] = {"account": "A", "name": "N", "kam": "K", "file": "F"}
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_HIDDEN = "'...'"


def key_from(path: str | os.PathLike[str]) -> bytes:
    """Read the key of pseudonyms, or make one that only its owner may read.

    Parameters
    ----------
    path : str or path
        Of the key file; it stays with the user, and is part of no output.

    Returns
    -------
    bytes
        The same for the same file, so that the same customer has the same pseudonym next month.

    Raises
    ------
    KamsimError
        Where the file cannot be written, is no key, or may be read by others.
    """
    file = Path(path)
    with suppress(FileExistsError):
        _make_key(file)
    text = read_text(file)
    if os.name == "posix" and file.stat().st_mode & 0o077:
        raise KamsimError(f"{file}: may be read by others, and tells who is who; chmod 600 it")
    found = re.fullmatch(rf"[0-9a-f]{{{2 * KEY_BYTES}}}", text.strip())
    if found is None:
        raise KamsimError(f"{file}: is no key of kamsim; name a file that is not there yet, and it is made")
    return bytes.fromhex(found[0])


def _make_key(file: Path) -> None:
    """Write a new key whole, readable for its owner alone from the first moment on."""
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise
    except OSError as error:
        raise KamsimError(f"{file}: cannot be written: {os.strerror(error.errno or 0)}; name another key") from None
    with os.fdopen(handle, "w", encoding="ascii") as opened:
        opened.write(secrets.token_hex(KEY_BYTES) + "\n")
        opened.flush()
        os.fsync(opened.fileno())


def pseudonym(key: bytes, kind: Kind, text: str) -> str:
    """Name somebody or something anew.

    Parameters
    ----------
    key : bytes
        From `key_from`.
    kind : str
        Ids of accounts and of their parents are of the same kind: an account that others roll up to stays the same.
    text : str
        As the book has it.

    Returns
    -------
    str
        ``A-`` and twelve letters and digits; nothing for nobody.
    """
    if not text:
        return ""
    digest = hmac.new(key, f"{kind}\0{text}".encode(errors="surrogatepass"), hashlib.sha256).digest()
    return f"{_STARTS[kind]}-{base64.b32encode(digest).decode()[:LETTERS]}"


def anonymize(book: Book, key: bytes) -> Book:
    """Replace all names of a book by pseudonyms: of accounts, of who manages them, and of its file.

    Parameters
    ----------
    book : Book
        Whoever it names.
    key : bytes
        From `key_from`.

    Returns
    -------
    Book
        With the same figures: who knows what an account spends still knows whose figures these are.

    Raises
    ------
    KamsimError
        Where two accounts would share a pseudonym.
    """
    ids = tuple(pseudonym(key, "account", account) for account in book.account_id)
    if len(set(ids)) < len(set(book.account_id)):
        raise KamsimError(f"{book.source}: two accounts would share a pseudonym; use another key")
    # Where a book has no names, ids stand for them.
    names = tuple(
        new if name == old else pseudonym(key, "name", name)
        for name, old, new in zip(book.name, book.account_id, ids, strict=True)
    )
    kams = tuple(pseudonym(key, "kam", kam) for kam in book.kam)
    renamed = replace(book, source=file_pseudonym(key, book.source), account_id=ids, name=names, kam=kams)
    return replace(renamed, notes=without_names(book.notes, _known(key, book, renamed)))


def anonymize_import(imported: Imported, key: bytes) -> Imported:
    """Replace all names of an import: of its book, of its files, and in what is said of columns and lines.

    Parameters
    ----------
    imported : Imported
        A book and how it came of its files.
    key : bytes
        From `key_from`.

    Returns
    -------
    Imported
        With the same figures. Names of columns and words of stages and tiers stay, for they name nobody.
    """
    sources = tuple(one._replace(name=file_pseudonym(key, one.name)) for one in imported.sources)
    book, quality = anonymize(imported.book, key), imported.quality
    known = _known(key, imported.book, book, [one.name for one in imported.sources])
    said = tuple(_without_files(sentence, key, imported) for sentence in imported.said)
    notes = without_names(imported.book.notes, known)
    fates = tuple(
        fate._replace(what=without_names([fate.what], known)[0], first=without_names(fate.first, known))
        for fate in quality.fates
    )
    return replace(
        imported, book=replace(book, notes=notes), quality=quality._replace(fates=fates), sources=sources, said=said
    )


def _without_files(sentence: str, key: bytes, imported: Imported) -> str:
    """Take the names of files out of a sentence about columns, whose names stay."""
    for source in imported.sources:
        for name in (source.name, Path(source.name).name):
            sentence = sentence.replace(name, file_pseudonym(key, source.name))
    return sentence


def _known(key: bytes, book: Book, renamed: Book, files: Iterable[str] = ()) -> dict[str, str]:
    """Pseudonym by name, of all that a book and the files behind it name."""
    known = dict(zip(book.kam, renamed.kam, strict=True)) | dict(zip(book.name, renamed.name, strict=True))
    known |= dict(zip(book.account_id, renamed.account_id, strict=True))
    for file in (book.source, *files):
        known |= dict.fromkeys((file, Path(file).name), file_pseudonym(key, file))
    return known


def file_pseudonym(key: bytes, path: str) -> str:
    """Name a file anew, without its folder; the ending stays where it is a usual one, for any other may tell a name."""
    suffix = Path(path).suffix.lower()
    usual = suffix if suffix in (".csv", ".tsv", ".txt", ".xlsx", ".parquet") else ""
    return f"{pseudonym(key, 'file', Path(path).name)}{usual}"


def without_names(sentences: Iterable[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """Take names out of sentences about a book: known ones by their pseudonym, and whatever else is quoted.

    Parameters
    ----------
    sentences : iterable of str
        Notes, say, or lines that an import left out.
    known : mapping of str to str
        Pseudonym by name.

    Returns
    -------
    tuple of str
        One for each.
    """
    long = sorted((name for name in known if len(name) >= LEAST_LETTERS), key=len, reverse=True)
    # An id may be a number: not those of lines.
    anywhere = re.compile(rf"(?<!\w)(?<!lines )(?<!line )(?:{'|'.join(map(re.escape, long))})(?!\w)")
    new = set(known.values())

    def quoted(found: re.Match[str]) -> str:
        inside = found[0][1:-1]
        return f"'{known.get(inside, inside)}'" if inside in known or inside in new else _HIDDEN

    # Known names first: one that has an apostrophe would end what is quoted.
    replaced = (anywhere.sub(lambda found: known[found[0]], one) if long else one for one in sentences)
    return tuple(_QUOTED.sub(quoted, sentence) for sentence in replaced)
