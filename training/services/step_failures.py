"""Why a loop or a schedule could not be looked at, kept on its row until it can be."""

from django.db import transaction

from annotate.failures import kept
from training.models import Loop, Schedule


@transaction.atomic
def record_failure(model: type[Loop] | type[Schedule], pk: int, error: Exception) -> None:
    """Locks the row; nothing where it is gone."""
    row = model.objects.select_for_update().filter(pk=pk).first()
    if row is not None:
        row.failure = kept(error, row.failure)
        row.save(update_fields=["failure"])


def forget_failure(model: type[Loop] | type[Schedule], pk: int) -> None:
    """It was looked at. One statement, which writes only where something is kept."""
    model.objects.filter(pk=pk, failure__isnull=False).update(failure=None)
