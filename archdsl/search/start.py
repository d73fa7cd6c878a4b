"""Beginning a study, or going on with one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.registry import Registry
from archdsl.search.card import TRAINING, make_card
from archdsl.search.combinations import check_short
from archdsl.search.opened import OpenStudy, make_study, open_study
from archdsl.search.own import check_file
from archdsl.search.reach import survey
from archdsl.search.recorded import check_table
from archdsl.search.request import SearchRequest
from archdsl.search.space import space_of
from archdsl.search.storage import open_storage
from archdsl.search.study import read_card
from archdsl.search.tuned import digest_of_start
from archdsl.training.data import describe, prepare


def begin(
    search: SearchRequest,
    where: Path,
    data: Path,
    seed: int,
    url: str | None,
    python: Sequence[Path],
    command: str,
    registry: Registry,
) -> OpenStudy:
    """A new study in the folder ``where``. ``data`` is where paths of data start.

    Raises ``ArchError`` where the data are missing, an image cannot be read or the spec does not
    fit them, where a budget is out of reach (all of this before anything is made: no study is left
    to stand in the way of the mended search), where a study with results is there already, and
    where nothing can be written.
    """
    check_file(search, data)
    known = f"{search.data} {describe(search.data, data)}"
    name = where.name.removesuffix(".study")
    card = make_card(search, name, seed, data, known, python, command, url)
    space = space_of(search, data, card.fits)
    if not space.is_measured:  # a budget of latency is only known on the device
        reaches = survey(space)
        check_table(search, data, reaches)
        check_short(search, reaches)
    prepare(search.data, data)
    digest_of_start(search.recipe, data)
    study = make_study(card, where, url, registry)
    study.search.trials, study.search.timeout = search.trials, search.timeout
    study.search.data = search.data
    return study


def go_on(
    search: SearchRequest,
    where: Path,
    data: Path,
    seed: int | None,
    url: str | None,
    python: Sequence[Path],
    registry: Registry,
) -> OpenStudy:
    """A study that has been begun. How much is searched may have changed, and nothing else.

    Raises ``ArchError`` where there is none, or it is of another question.
    """
    before = read_card(where, str(where))
    before.check_storage(url)
    known = f"{search.data} {describe(search.data, data)}"
    seed = before.seed if seed is None else seed
    now = make_card(search, before.study, seed, data, known, python, before.command, url)
    if changed := before.changed(now):
        fields = {"name": str(where), "what": " and ".join(changed)}
        mended = [
            f"after a mistake in it was mended, trials begin anew: `--study {search.name}2` without"
            f" --resume; {where} keeps those of the old file, and `archdsl verdict` reads them"
        ] * any(piece.startswith(TRAINING) for piece in changed)
        raise ArchError([diagnose(codes.STUDY_CHANGED, help=mended, fields=fields)])
    storage = None if url is None else open_storage(where, url)
    study = open_study(before, where, storage, registry, data).signed()
    study.search.trials, study.search.timeout = search.trials, search.timeout
    study.search.data = search.data
    return study
