"""What a kind says of an answer or a setting that it cannot take."""

from annotate.inputs import InvalidValue

__all__ = ["InvalidValue"]
