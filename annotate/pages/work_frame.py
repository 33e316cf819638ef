"""What surrounds a task on the work page."""

from annotate.forms import Form
from annotate.models import FormVersion, Project
from annotate.progress import for_eyes_of, progress_of
from annotate.rendering import render_markdown
from annotate.services.reports.arena import is_arena


def changed_guidelines(version: int | None) -> dict:
    """What a task brings along that is asked under another form than the one before it."""
    found = FormVersion.objects.filter(pk=version).first()
    guidelines = found.guidelines if found else ""
    return {
        "has_changed": True,
        "changed_guidelines": render_markdown(guidelines) if guidelines else "",
    }


def frame(project: Project, guidelines: str) -> dict:
    """What surrounds the task: the project, its guidelines, how far it and you are."""
    done = project.membership.done_count if project.membership else 0
    return {
        "project": project,
        "guidelines": render_markdown(guidelines) if guidelines else "",
        "done_count": done,
        "progress": for_eyes_of(project.membership, progress_of([project.pk])[project.pk]),
        "is_arena": is_arena(Form.of_project(project)),
    }
