"""Why a model gave no reply."""

from annotate.wording import Told


class ModelFailure(Exception):
    """`kind` is one of ChatReply.Failure; `detail` is for managers and holds no key. `said` is the
    same for pages: Told, or a server's own words.
    """

    def __init__(self, kind: str, said: str | Told, retry_after: int | None = None) -> None:
        self.detail = said.message if isinstance(said, Told) else said
        super().__init__(f"{kind}: {self.detail}")
        self.kind = kind
        self.said = said
        self.retry_after = retry_after
