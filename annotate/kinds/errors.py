"""What a kind says of an answer it cannot take."""


class InvalidValue(ValueError):
    """An answer or a setting is wrong: `field` (a dotted path), what, and the remedy."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
