"""What can go wrong in a recipe, each with a message fit to be shown to the person who ran it."""

from annotate.wording import Refusal, Told


class RecipeError(Exception):
    """Base of every failure a recipe foresees."""


class ConfigError(RecipeError, ValueError):
    """A configuration field is outside its domain, or does not fit the output folder."""


class FieldError(ConfigError):
    """A field of a configuration is refused. `refusal` is the reason, which pages translate."""

    def __init__(self, owner: str, field: str, refusal: Refusal) -> None:
        super().__init__(f"{owner}.{field} {refusal.message}.")
        self.field = field
        self.refusal = refusal


class DatasetError(RecipeError, ValueError):
    """A dataset file is missing, malformed, empty or leaks prompts between the splits."""


class ModelError(RecipeError):
    """A model cannot be found, read, or used for the purpose at hand."""


class ToldError(Told, RecipeError):
    """A failure whose message is of the catalogues, so that pages translate it."""

    def __init__(self, reason: str, /, **values: object) -> None:
        Told.__init__(self, reason, **values)
        self.args = (self.message,)


class NonFiniteLossError(ToldError):
    """The loss or the gradient became NaN or infinite; the message names the step."""


class NonFiniteStatesError(ToldError):
    """A model's states of a text are NaN or infinite, so that nothing can be learned from them."""


class BatchTooLargeError(ToldError):
    """Memory ran out while training on a batch; a smaller one may fit."""


class NoRoomError(RecipeError):
    """A disk is full. `folder` is where, `needed` the bytes to be free before another attempt."""

    def __init__(self, message: str, *, folder: str, needed: int) -> None:
        super().__init__(message)
        self.folder = folder
        self.needed = needed


class OutOfMemoryError(ToldError):
    """Memory ran out, and no batch is small enough."""


class StopRequestedError(RecipeError):
    """`should_stop` became true where there is no optimizer state to save."""
