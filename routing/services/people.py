"""Whether simulated people count in a project's figures of routing."""

from django.db import transaction

from annotate.inputs import clean_boolean
from annotate.models import Project, User
from annotate.services import audit
from routing.models import PeopleCounted


@transaction.atomic
def count_simulated(
    *, project: Project, actor: User | None, simulated: object, address: str | None = None
) -> None:
    """From now on; what was fitted or measured before stays as it is. Raises InvalidValue."""
    wanted = clean_boolean("simulated", simulated)
    PeopleCounted.objects.update_or_create(
        project=project, defaults={"simulated": wanted, "chosen_by": actor}
    )
    audit.record(
        action="routing.people_counted",
        target=project,
        actor=actor,
        project=project,
        address=address,
        simulated=wanted,
    )
