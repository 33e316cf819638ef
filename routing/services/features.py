"""Computing features of a project's tasks at the managers' wish."""

from django.db import transaction

from annotate.models import JobState, Project, User
from annotate.services import audit, jobs
from routing.models import FeatureRun


@transaction.atomic
def start_features(*, project: Project, actor: User | None) -> FeatureRun | None:
    """Queue the computing of all features that are not there yet; the run that is under way if
    there is one. None while the project has no specification: the first fit freezes one.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    spec = project.feature_specs.order_by("-version").first()
    if spec is None:
        return None
    going = FeatureRun.objects.filter(
        project=project, state__in=[JobState.QUEUED, JobState.RUNNING]
    ).first()
    if going is not None:
        return going
    run = FeatureRun.objects.create(project=project, spec=spec, created_by=actor)
    audit.record(action="routing.features_queued", target=run, actor=actor, project=project)
    jobs.enqueue(run)
    return run
