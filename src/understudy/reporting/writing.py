"""A run's report, from the sitting that ends to the file in its folder."""

from understudy.checks import named
from understudy.errors import UnderstudyError
from understudy.model import file
from understudy.model.file import ModelFile
from understudy.reporting.document import document
from understudy.reporting.looks import judged, page_of
from understudy.runs import ownership
from understudy.runs.growing import not_made_here
from understudy.runs.marked import Mark, marked
from understudy.runs.session import Session
from understudy.storage import write_whole


def leave(session: Session) -> str | None:
    """Write the report of a run as it stands at the end of a sitting; what is wrong, in one line, where none was.

    The model and the checkpoint are written before, and nothing here costs them: so nothing is raised. A report that
    tells of this step already stays as it is, to the last byte. Of many processes, rank 0 leaves it.
    """
    if not session.ranks.leads:
        return None
    folder, trainer = session.folder, session.trainer
    mark = Mark(trainer.progress.step, session.facts.schedule.steps)
    try:
        if ownership.foreign_report(folder.path):  # it came while the run went on
            raise not_made_here(folder.report)
        if ownership.report_in(folder.path) == mark:
            return None
        write_whole(folder.report, marked(_made(session), mark))
    except UnderstudyError as error:
        return f"no report of the run in {named(folder.path)}, which is kept all the same: {error}"
    return None


def _made(session: Session) -> str:
    model, material = _kept(session), session.material
    if model is None:
        return document(session, None, None)
    page = page_of(model, material.train)
    held_back = material.validation
    return document(session, page, None if held_back is None else judged(model, held_back))


def _kept(session: Session) -> ModelFile | None:
    """The model that the run keeps; None where there was no look yet to choose one."""
    return file.read(session.folder.path) if ownership.there(session.folder.model) else None
