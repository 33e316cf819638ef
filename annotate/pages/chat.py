"""Talking on the work page: messages, replies as Server-Sent Events, stopping one.

A reply is read to its end also when the browser has gone, so that a reload loses nothing: the
page then asks for the reply as it stands until it is there.
"""

import json
import threading
from collections.abc import Iterator

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotate.forms import Form
from annotate.inputs import InvalidValue
from annotate.kinds.chat import LETTERS, ChatSettings
from annotate.models import ChatReply, ChatTurn, Seat
from annotate.pages.kinds import chat as part
from annotate.pages.kinds.fields import written
from annotate.pages.questions import PREFIX
from annotate.pages.reasons import in_words
from annotate.pages.row_ids import row_id
from annotate.pages.same_account import same_account
from annotate.services.conversations import chat
from annotate.services.conversations.chat_replies import release_connection, run_reply
from annotate.services.work.seats import SeatGone

TEMPLATE = "annotate/kinds/chat.html"


@require_POST
@login_required
@same_account
def send_message(request: HttpRequest, project_id: int, seat_id: int) -> HttpResponse:
    """Take the message, with the verdict on the turn before. JSON: the session, the turn's HTML."""
    number, form = request.POST.get("number", ""), row_id(request.POST.get("form", ""))
    try:
        turn = chat.send_message(
            seat_id=seat_id,
            user=request.user,
            number=int(number) if number.isascii() and number.isdigit() else -1,
            message=written(request.POST, "message"),
            verdict=json.loads(request.POST.get("verdict") or "null"),
            form=form,
        )
    except InvalidValue as error:
        return JsonResponse({"detail": in_words(error), "field": error.field}, status=400)
    except (ValueError, RecursionError) as error:
        return JsonResponse({"detail": f"is not JSON: {error}", "field": "verdict"}, status=400)
    except (SeatGone, chat.NotSetUp) as error:
        return JsonResponse({"detail": str(error)}, status=409)
    return JsonResponse(
        {"session": turn.session_id, "html": _turn(turn, form, project_id, seat_id)}
    )


def _turn(turn: ChatTurn, version: int | None, project_id: int, seat_id: int) -> str:
    form = Form.as_shown(turn.session.project, version)
    settings = chat.chat_settings(form)
    shown = part.show_turn(
        turn,
        list(turn.replies.order_by("attempt")),
        letters=LETTERS[: len(turn.session.model_ids)],
        settings=settings,
        given={},
        where=(project_id, seat_id),
        is_last=True,
    )
    prefix = _prefix(form)
    return render_to_string(
        f"{TEMPLATE}#turn",
        {
            "turn": shown,
            "part": {"prefix": prefix, "id": prefix.replace(".", "-")},
            "points": part.points_of(settings),
            "most": settings.points,
        },
    )


def _prefix(form: Form) -> str:
    """That of the chat's fields on the work page."""
    if isinstance(form.settings, ChatSettings):
        return PREFIX
    names = [one.name for one in form.settings.questions if isinstance(one.settings, ChatSettings)]
    return f"{PREFIX}.{names[0]}"


@require_http_methods(["GET", "POST"])
@never_cache
@login_required
@same_account
def chat_reply(
    request: HttpRequest, project_id: int, seat_id: int, number: int, letter: str
) -> HttpResponse:
    """GET: the last attempt as HTML. POST: a new one, as events {"text"}, at its end {"html"}."""
    if request.method == "GET":
        return _reply_page(request, project_id, seat_id, number, letter)
    try:
        reply, messages = chat.begin_reply(
            seat_id=seat_id, user=request.user, number=number, letter=letter
        )
    except SeatGone as error:
        return JsonResponse({"detail": str(error)}, status=409)
    except chat.TooManyReplies as error:
        return JsonResponse({"detail": str(error)}, status=429)
    events = _events(reply, messages, (project_id, seat_id))
    response = StreamingHttpResponse(_stream(events), content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"
    return response


def _reply_page(
    request: HttpRequest, project_id: int, seat_id: int, number: int, letter: str
) -> HttpResponse:
    task_id = get_object_or_404(Seat.objects.values_list("task_id", flat=True), pk=seat_id)
    replies = ChatReply.objects.filter(
        turn__session__task=task_id,
        turn__session__annotator=request.user,
        turn__session__task__project__memberships__user=request.user,
        turn__number=number,
        letter=letter,
    )
    reply = replies.order_by("attempt").last()
    if reply is None:
        raise Http404("No such reply.")
    return HttpResponse(_reply(reply, (project_id, seat_id)))


def _reply(reply: ChatReply, where: tuple[int, int]) -> str:
    shown = part.show_reply(reply, reply.letter, reply.turn.number, where, is_last=True)
    return render_to_string(f"{TEMPLATE}#reply", {"reply": shown})


def _events(reply: ChatReply, messages: list, where: tuple[int, int]) -> Iterator[str]:
    for text in run_reply(reply=reply, messages=messages):
        yield f"data: {json.dumps({'text': text})}\n\n" if text else ": still there\n\n"
    html = _reply(reply, where)
    release_connection()
    yield f"data: {json.dumps({'html': html})}\n\n"


def _stream(events: Iterator[str]) -> Iterator[str]:
    """The events; when the reader goes away, a thread hears the model out."""
    ended = False
    try:
        for event in events:  # noqa: UP028 (`yield from` would close the events too)
            yield event
        ended = True
    finally:
        if not ended:
            threading.Thread(target=_hear_out, args=(events,), daemon=True).start()


def _hear_out(events: Iterator[str]) -> None:
    try:
        for _event in events:
            pass
    finally:
        release_connection()


@require_POST
@login_required
@same_account
def stop_reply(
    request: HttpRequest, project_id: int, seat_id: int, number: int, letter: str
) -> HttpResponse:
    """Let the reply end where it is. 204; its stream tells when it has ended."""
    try:
        chat.stop_reply(seat_id=seat_id, user=request.user, number=number, letter=letter)
    except SeatGone as error:
        return JsonResponse({"detail": str(error)}, status=409)
    return HttpResponse(status=204)


_CHAT = "projects/<int:project_id>/work/<seat:seat_id>/chat/"
urlpatterns = [
    path(_CHAT, send_message, name="send_message"),
    path(f"{_CHAT}<int:number>/<str:letter>/", chat_reply, name="chat_reply"),
    path(f"{_CHAT}<int:number>/<str:letter>/stop/", stop_reply, name="stop_reply"),
]
