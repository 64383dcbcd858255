"""The text that a served model learned from, for what is held against it."""

import threading
from typing import Any

from understudy.seeing.copies import copied
from understudy.serving.served import Served
from understudy.serving.spelled import Spelled
from understudy.text.encoded import Ids


class Learned:
    """The text of one model, found when it is first asked for; not on the loop."""

    def __init__(self, model: Served) -> None:
        self._model, self._held = model, threading.Lock()
        self._ids: Ids | None = None
        self._missing: str | None = None

    def copies(self, text: str, length: int) -> dict[str, Any]:
        """The parts of a text, in characters, that lie in runs of so many symbols that were learned."""
        from understudy.runs.origin import learned_text  # which takes seconds to import

        with self._held:
            if self._ids is None and self._missing is None:
                there = learned_text(self._model.file, self._model.path)
                self._ids, self._missing = there.ids, None if there.ids is not None else there.missing
            if self._ids is None:
                return {"missing": self._missing}
            spelled = Spelled(self._model.vocabulary, text)
            found = copied(spelled.ids, self._ids, length)
        places = spelled.places.tolist()
        shown = [[places[part.start], places[part.end - 1] + 1] for part in found.parts]
        return {"spans": shown, "longest": found.longest}
