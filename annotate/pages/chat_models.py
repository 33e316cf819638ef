"""The models that a project's annotators talk to: the list, a new one, trying and retiring one."""

import json

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from annotate.access import MANAGE, get_in_project, get_project
from annotate.chat.failures import ModelFailure
from annotate.chat.keys import VARIABLE
from annotate.inputs import InvalidValue
from annotate.models import ChatModel, ChatReply, Project
from annotate.pages.reasons import in_words
from annotate.services.conversations.chat_models import add_chat_model, try_chat_model
from annotate.services.conversations.chat_models import retire_chat_model as retire
from annotate.wording import Told

FAILURES_SHOWN = 20


class ChatModelForm(forms.Form):
    """What is allowed is decided by `add_chat_model`; its InvalidValue is put at the field."""

    name = forms.CharField(
        max_length=100, label=_("Name"), help_text=_("For managers and exports; never shown.")
    )
    base_url = forms.CharField(
        max_length=500,
        label=_("Base URL"),
        help_text=_("OpenAI-compatible, such as https://api.example.com/v1"),
    )
    model = forms.CharField(
        max_length=200, label=_("Model"), help_text=_("As the address calls it.")
    )
    key_name = forms.ChoiceField(required=False, label=_("Key"))
    parameters = forms.CharField(
        required=False,
        label=_("Parameters"),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_('JSON that goes along with every request: {"temperature": 0.7}'),
    )

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        keys = sorted(settings.CHAT_KEYS.items())
        choices = [(name, f"{name} ({key.base_url})") for name, key in keys]
        self.fields["key_name"].choices = [("", _("No key")), *choices]
        self.fields["key_name"].help_text = gettext(
            "From %(variable)s… in the server's environment, each for one address."
        ) % {"variable": VARIABLE}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def chat_models(request: HttpRequest, project_id: int) -> HttpResponse:
    """GET: the models and their latest failures. POST: one more."""
    project = get_project(request.user, project_id, MANAGE)
    if request.method != "POST":
        return _page(request, project, ChatModelForm())
    form = ChatModelForm(request.POST)
    if form.is_valid():
        try:
            model = add_chat_model(
                project=project,
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
                **{**form.cleaned_data, "parameters": _parameters(form)},
            )
        except InvalidValue as error:
            field = error.field.split(".")[0]
            inside = "" if field == error.field else f"{error.field}: "
            form.add_error(field, f"{inside}{in_words(error)}")
        else:
            messages.success(request, gettext("%s can be talked to now.") % model.name)
            return redirect("chat_models", project.pk)
    return _page(request, project, form, status=422)


def _parameters(form: ChatModelForm) -> object:
    text = form.cleaned_data["parameters"].strip()
    try:
        return json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        raise InvalidValue("parameters", "is not JSON: {error}", error=str(error)) from error


def _page(
    request: HttpRequest, project: Project, form: ChatModelForm, status: int = 200
) -> HttpResponse:
    """Three queries besides those of every page."""
    failures = ChatReply.objects.filter(model__project=project, state="failed")
    counted = Count("replies", filter=Q(replies__state="done"))
    failed = Count("replies", filter=Q(replies__state="failed"))
    context = {
        "project": project,
        "tab": "chat_models",
        "models": ChatModel.objects.filter(project=project)
        .annotate(done=counted, failed=failed, last_used=Max("replies__started_at"))
        .order_by("retired_at", "pk"),
        "failures": [
            {"reply": reply, "why": _why(reply)}
            for reply in failures.select_related("model").order_by("-pk")[:FAILURES_SHOWN]
        ],
        "form": form,
    }
    return render(request, "annotate/projects/chat_models.html", context, status=status)


def _why(reply: ChatReply) -> str:
    """What it failed for; a server's own words as they are."""
    return in_words(Told.from_dict(reply.told)) if reply.told else reply.detail


@login_required
@require_POST
def try_model(request: HttpRequest, model_id: int) -> HttpResponse:
    """Greet the model and show what it says, or why not."""
    model = get_in_project(request.user, ChatModel.objects.all(), model_id, MANAGE)
    try:
        said = try_chat_model(model=model)
    except ModelFailure as error:
        what = ChatReply.Failure(error.kind).label
        why = in_words(error.said) if isinstance(error.said, Told) else error.said
        messages.error(request, f"{model.name}: {what}. {why}")
    else:
        messages.success(
            request, gettext("%(name)s says: %(said)s") % {"name": model.name, "said": said}
        )
    return redirect("chat_models", model.project_id)


@login_required
@require_POST
def retire_chat_model(request: HttpRequest, model_id: int) -> HttpResponse:
    """Draw the model for no new conversation."""
    model = get_in_project(request.user, ChatModel.objects.all(), model_id, MANAGE)
    retire(model=model, actor=request.user, address=request.META["REMOTE_ADDR"])
    messages.success(request, gettext("%s is drawn for no new conversation.") % model.name)
    return redirect("chat_models", model.project_id)


urlpatterns = [
    path("projects/<int:project_id>/chat-models/", chat_models, name="chat_models"),
    path("chat-models/<int:model_id>/try/", try_model, name="try_model"),
    path("chat-models/<int:model_id>/retire/", retire_chat_model, name="retire_chat_model"),
]
