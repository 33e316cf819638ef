"""Importing a file in the browser: send it, look at what it would become, start, watch."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.forms import Form
from annotate.interchange.fitting import GROUPS
from annotate.interchange.rated import PREFIX
from annotate.interchange.registry import FORMATS, UnknownFormat
from annotate.interchange.table import LETTERS
from annotate.models import ImportRun, Project
from annotate.pages.import_examples import examples_for
from annotate.pages.reasons import in_words
from annotate.reports.import_preview import MAPPED, MEANINGS, RARE, Preview, preview
from annotate.services.conversations.chat import too_few_models
from annotate.services.incoming import pending_uploads
from annotate.services.incoming.bad_rows import bad_rows
from annotate.services.incoming.import_runs import cancel_import as stop_import
from annotate.services.incoming.import_runs import start_import
from annotate.services.incoming.imports import BadFile, ImportOptions, fit_of

ERRORS_A_PAGE = 100


class UploadForm(forms.Form):
    """The file alone; everything else is asked once its first rows are known."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("JSONL, a JSON array, CSV or TSV, also packed by gzip; or Parquet."),
        widget=forms.FileInput(attrs={"accept": ".jsonl,.json,.csv,.tsv,.gz,.txt,.parquet"}),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest, project_id: int) -> HttpResponse:
    """The upload, the formats with examples, and earlier imports."""
    project = get_project(request.user, project_id, MANAGE)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            key = pending_uploads.keep_upload(
                project=project, user=request.user, upload=form.cleaned_data["file"]
            )
        except BadFile as error:
            form.add_error("file", in_words(error.why))
        else:
            return redirect(
                f"{reverse('preview_import', args=[project.pk])}?{urlencode({'file': key})}"
            )
    runs = ImportRun.objects.filter(project=project).select_related("created_by").order_by("-pk")
    context = {
        "project": project,
        "tab": "imports",
        "form": form,
        "runs": runs[:50],
        "examples": examples_for(Form.of_project(project).asked_kinds, fit_of(project)),
        "too_few_models": too_few_models(project),
    }
    status = 422 if form.errors else 200
    return render(request, "annotate/projects/imports.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preview_import(request: HttpRequest, project_id: int) -> HttpResponse:
    """GET shows what the file would become under the chosen format; POST starts the import."""
    project = get_project(request.user, project_id, MANAGE)
    given = request.POST if request.method == "POST" else request.GET
    key = given.get("file", "")
    try:
        stream, name = pending_uploads.open_upload(project=project, user=request.user, key=key)
    except pending_uploads.NoSuchUpload as error:
        messages.error(request, str(error))
        return redirect("imports", project.pk)
    with stream:
        chosen = given.get("format", "") if given.get("format") in FORMATS else ""
        same = chosen and chosen == given.get("previewed")
        group = given.get("group") if given.get("group") in GROUPS else "auto"
        found = preview(
            stream,
            name,
            format=chosen,
            mapping=_mapping(given) if same else None,
            label_values=_label_values(given),
            project=project,
            group=group,
        )
        stream.seek(0)
        if request.method == "POST":
            started = _start(request, project, stream, name, found, group)
            if started:
                pending_uploads.drop_upload(project=project, user=request.user, key=key)
                return redirect("import_run", started.pk)
    context = {
        "project": project,
        "tab": "imports",
        "key": key,
        "name": name,
        "preview": found,
        "formats": FORMATS.values(),
        "labels": given.get("labels", "judgements"),
        "group": group,
        "groups": GROUPS.items(),
        "mapped": _asked_columns(found, rare=False),
        "mapped_rarely": _asked_columns(found, rare=True),
        "meanings": _meanings_for(found),
    }
    return render(request, "annotate/projects/preview_import.html", context)


def _start(
    request: HttpRequest, project: Project, stream, name: str, found: Preview, group: str
) -> ImportRun | None:
    """The queued run, or None with a message when the file as a whole was refused."""
    fatal = next((error for error in found.errors if error.fatal), None)
    if fatal:
        messages.error(request, _("Not imported: %s") % in_words(fatal.why))
        return None
    try:
        options = ImportOptions(
            labels=request.POST.get("labels", "judgements"),
            mapping=found.mapping,
            label_values={said: means for said, means in found.label_values.items() if means},
            group=group,
        )
        return start_import(
            project=project,
            actor=request.user,
            upload=stream,
            format=found.format,
            options=options,
            file_name=name,
        )
    except (BadFile, UnknownFormat) as error:
        messages.error(request, in_words(error.why))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return None


@login_required
@require_safe
@vary_on_headers("HX-Request")
def import_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """One import: its progress and counts, and the rows it refused."""
    run = get_in_project(
        request.user, ImportRun.objects.select_related("created_by"), run_id, MANAGE
    )
    context = {"project": run.project, "tab": "imports", "run": run}
    after = request.GET.get("after", "0")
    after = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
    errors = list(run.errors.filter(pk__gt=after).order_by("pk")[: ERRORS_A_PAGE + 1])
    context |= {
        "errors": errors[:ERRORS_A_PAGE],
        "next_after": errors[ERRORS_A_PAGE - 1].pk if len(errors) > ERRORS_A_PAGE else None,
    }
    if run.is_over:
        context["too_few_models"] = too_few_models(run.project)
    page = "annotate/projects/import_run.html"
    return render(request, f"{page}#live" if request.htmx else page, context)


@login_required
@require_POST
def cancel_import(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask the import to stop after the rows it is at; what is in stays in."""
    run = get_in_project(request.user, ImportRun.objects.all(), run_id, MANAGE)
    stop_import(run=run, actor=request.user)
    return redirect("import_run", run.pk)


@login_required
@require_safe
def import_bad_rows(request: HttpRequest, run_id: int) -> StreamingHttpResponse:
    """The refused rows as JSONL, to be mended and sent again."""
    run = get_in_project(request.user, ImportRun.objects.all(), run_id, MANAGE)
    response = StreamingHttpResponse(bad_rows(run=run), content_type="application/x-ndjson")
    response["Content-Disposition"] = f'attachment; filename="bad-rows-{run.pk}.jsonl"'
    return response


def _asked_columns(found: Preview, *, rare: bool) -> list[tuple[str, object, str]]:
    """What a column may be, with the one that is; `rare`: what few tables have and this has not."""
    return [
        (ours, label, found.mapping.get(ours, ""))
        for ours, label in MAPPED.items()
        if (ours in RARE and ours not in found.mapping) == rare
    ]


def _meanings_for(found: Preview) -> list[tuple[str, object]]:
    """Only of the responses that have columns, or all where one column holds them."""
    letters = LETTERS if "responses" in found.mapping else {"a", "b", *found.mapping_letters}
    return [
        (value, words)
        for value, words in MEANINGS.items()
        if value not in LETTERS or value in letters
    ]


def _mapping(given) -> dict[str, str]:
    """An empty choice for a criterion says that no rating is meant by it."""
    columns = {ours: given.get(f"column-{ours}", "") for ours in MAPPED}
    mapped = {ours: column for ours, column in columns.items() if column}
    chosen = {
        name.removeprefix("column-"): given[name]
        for name in given
        if name.startswith(f"column-{PREFIX}")
    }
    return mapped | chosen


def _label_values(given) -> dict[str, str]:
    said, means = given.getlist("label_value"), given.getlist("label_meaning")
    pairs = zip(said, means, strict=False)
    return {value: meaning for value, meaning in pairs if meaning in MEANINGS}


urlpatterns = [
    path("projects/<int:project_id>/import/", imports, name="imports"),
    path("projects/<int:project_id>/import/preview/", preview_import, name="preview_import"),
    path("imports/<int:run_id>/", import_run, name="import_run"),
    path("imports/<int:run_id>/cancel/", cancel_import, name="cancel_import"),
    path("imports/<int:run_id>/bad-rows/", import_bad_rows, name="import_bad_rows"),
]
