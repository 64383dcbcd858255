"""What a request is told that cannot be served: a status, and a document as the clients of completions know it."""

from typing import Any


class Refused(Exception):  # noqa: N818 - it names what happened to the request
    """A request that is not served.

    Attributes:
        status: of HTTP.
        headers: what its answer has beside the document.
    """

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None, wait: int | None = None
    ) -> None:
        """Take what is told: which field it is about, a word for programs, and the seconds to wait."""
        super().__init__(message)
        self.status = status
        self._message, self._param, self._code = message, param, code
        self.headers = {} if wait is None else {"retry-after": str(wait)}

    @property
    def document(self) -> dict[str, Any]:
        """The error as clients read it."""
        kind = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}.get(
            self.status, "server_error" if self.status >= 500 else "invalid_request_error"
        )
        error = {"message": self._message, "type": kind, "param": self._param, "code": self._code}
        return {"error": error}


def stopping() -> Refused:
    """The refusal of what is asked for, or under way, while the server ends."""
    return Refused(503, "the server is stopping", code="stopping")
