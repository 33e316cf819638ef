"""Why a model gave no reply."""


class ModelFailure(Exception):
    """`kind` is one of ChatReply.Failure; `detail` is for managers and holds no key."""

    def __init__(self, kind: str, detail: str, retry_after: int | None = None) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.retry_after = retry_after
