"""What an uploaded file really is, told from its bytes alone, or why it is refused."""

from annotate.media.checks.inspection import Inspected, inspect
from annotate.media.checks.source import BadMedia
from annotate.media.checks.types import FORMATS, KINDS, format_of

__all__ = ["FORMATS", "KINDS", "BadMedia", "Inspected", "format_of", "inspect"]
