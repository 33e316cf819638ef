"""Review over REST: queues, decisions, stages, and one's own answers that came back.

People are named by their pseudonyms, as in every list that leaves here.
"""

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api import review_schema as schema
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.bulk import read_items
from annotate.api.paging import answer_page, wrong_cursor
from annotate.api.query_parameters import integer_parameter, read_integer, refuse_unknown
from annotate.api.views import APIView
from annotate.api.work import WorkView
from annotate.inputs import clean_choice
from annotate.kinds import InvalidValue
from annotate.models import Judgement, Project, Review, User
from annotate.reports.review_address import read_place, wanted_of, write_place
from annotate.reports.review_queue import QUEUES, SORTS, STATES, Item, Queue
from annotate.services.people.pseudonyms import imported_pseudonym
from annotate.services.review import review_stages, reviews
from annotate.services.review.many_reviews import Row, decide_many

QUEUE = {
    "by": f"The queue: {', '.join(QUEUES)} (default waiting).",
    "state": f"One of {', '.join(STATES)} (default open).",
    "sort": f"One of {', '.join(SORTS)} (default oldest); divided tasks have their own.",
    "person": "Only answers of the member with this pseudonym.",
    "stratum": "Only tasks of this stratum.",
    "language": "Only tasks whose prompt is in this language.",
}
CHOICES = {"by": QUEUES, "state": STATES, "sort": SORTS}
DRAWN = {
    "each": "Of sample: answers of each person (default 5).",
    "seed": "Of sample: another seed draws other answers (default 0).",
}
NUMBERS = {"each": {"low": 1, "high": 1000}, "seed": {"low": 0, "high": 2**31 - 1}}
PAGING = ("cursor", "page_size")  # which the document adds by itself
BODY = frozenset(
    {"decision", "note", "value", "rationale", "dismiss_others", "seen", "seen_judgement"}
)


class ReviewQueue(APIView):
    @extend_schema(
        operation_id="list_review_queue",
        parameters=[
            *(
                OpenApiParameter(name, str, description=text, enum=CHOICES.get(name))
                for name, text in QUEUE.items()
            ),
            *(integer_parameter(name, text, **NUMBERS[name]) for name, text in DRAWN.items()),
        ],
        responses=schema.QueuePage,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """What waits for a reviewer, in the queue's order; the caller's own answers are in none."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        refuse_unknown(request, (*QUEUE, *DRAWN, *PAGING))
        given = dict(request.query_params.items())
        for name, choices in CHOICES.items():
            if name in given:
                clean_choice(name, given[name], choices)
        for name, limits in NUMBERS.items():
            read_integer(request, name, None, **limits)
        if "person" in given:
            given["person"] = str(_member(project, given["person"]))
        queue = Queue(project, wanted_of(project, {"by": QUEUES[0], **given}), request.user)
        place = read_place(given["cursor"]) if "cursor" in given else None
        if "cursor" in given and (place is None or len(place) != len(queue.keys)):
            raise wrong_cursor()
        size = read_integer(request, "page_size", 50, low=1, high=500)
        items, after = queue.page(place, size)
        following = None
        if after is not None:
            query = request.query_params.copy()
            query["cursor"] = write_place(after)
            following = request.build_absolute_uri(f"?{query.urlencode()}")
        results = [_item_body(project, item) for item in items]
        return Response({"next": following, "results": results})


class Stages(APIView):
    @extend_schema(operation_id="get_review_stages", responses=schema.Stages)
    def get(self, request: Request, project_id: int) -> Response:
        """How many of people's answers are at which stage of review."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        counts = review_stages.count_stages(project)
        return Response(
            {
                "waiting": counts["waiting"],
                "returned": counts[review_stages.RETURN],
                "accepted": counts[review_stages.ACCEPT],
                "dismissed": counts[review_stages.DISMISS],
                "free": counts[review_stages.NONE],
            }
        )


class ReviewList(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_reviews", responses=schema.ReviewPage)
    def get(self, request: Request, project_id: int) -> Response:
        """All decisions, oldest first, replaced ones too."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        rows = Review.objects.filter(project=project).select_related("reviewer", "author")
        return answer_page(request, rows, review_body)

    @extend_schema(
        operation_id="review_judgements",
        examples=[
            examples.request(
                {
                    "items": [
                        {"judgement": 7, "decision": "accept"},
                        {"judgement": 9, "decision": "return", "note": "Look at the year again."},
                    ]
                }
            )
        ],
        request=schema.ManyReviews,
        responses=schema.ReviewedRows,
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Decide about up to 500 answers, each by itself: accept, amend, return, dismiss.

        One that is refused stops no other; its row says why. Sent again, nothing is done twice:
        what stands already is answered with 200.
        """
        project = access.get_project(request.user, project_id, access.REVIEW)
        items = read_items(request)
        rows = decide_many(project=project, reviewer=request.user, items=items)
        return Response({"results": [_row_body(row) for row in rows]})


class JudgementReview(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="review_judgement",
        examples=[
            examples.request(
                {
                    "decision": "return",
                    "note": "The second answer is wrong about the year; please look again.",
                    "seen": 0,
                }
            )
        ],
        request=schema.ReviewRequest,
        responses={201: schema.Review, 200: schema.Review},
    )
    def post(self, request: Request, judgement_id: int) -> Response:
        """Decide about an answer: accept, amend, return, dismiss. Never about one's own.

        200 when the same decision came just before. 409 when somebody decided, or the answer was
        changed, after what `seen` tells: read it again.
        """
        body = read_body(request, known=BODY, required=["decision"])
        done = reviews.decide(judgement_id=judgement_id, reviewer=request.user, **body)
        return Response(review_body(done.review), 201 if done.created else 200)


class ReturnedList(WorkView):
    @extend_schema(operation_id="list_returned_answers", responses=schema.Returned(many=True))
    def get(self, request: Request, project_id: int) -> Response:
        """The caller's answers that a reviewer sent back; revise each of them."""
        project = access.get_project(request.user, project_id)
        rows = Review.objects.returned_to(request.user).filter(project=project)
        return Response(
            [
                {
                    "judgement": one.judgement_id,
                    "task": one.task_id,
                    "note": one.note,
                    "value": one.judgement.value,
                    "rationale": one.judgement.rationale,
                    "returned_at": one.created_at,
                }
                for one in rows.select_related("judgement")[:500]
            ]
        )


def _member(project: Project, pseudonym: str) -> int:
    found = User.objects.filter(pseudonym=pseudonym, memberships__project=project).first()
    if found is None:
        raise InvalidValue("person", "is no member's pseudonym")
    return found.pk


def review_body(row: Review) -> dict[str, Any]:
    return {
        "id": row.pk,
        "task": row.task_id,
        "judgement": row.judgement_id,
        "decision": row.decision,
        "note": row.note,
        "reviewer": row.reviewer.pseudonym,
        "author": row.author.pseudonym if row.author else None,
        "amended": row.amended_id,
        "settles_task": row.settles_task,
        "replaces": row.replaces_id,
        "created_at": row.created_at,
    }


def _row_body(row: Row) -> dict[str, Any]:
    wrong = [{"field": one.field, "message": one.message} for one in row.wrong]
    return {
        "judgement": row.judgement,
        "status": row.status,
        "review": review_body(row.review) if row.review else None,
        "errors": [*wrong, *([{"field": "judgement", "message": row.why}] if row.why else [])],
    }


def _item_body(project: Project, item: Item) -> dict[str, Any]:
    row = item.judgement
    return {
        "task": item.task.pk,
        "judgement": row.pk if row else None,
        "author": _author(project, row) if row else None,
        "flag": row.flag if row else "",
        "decision": getattr(row, "decision", None),
        "divided": item.divided,
    }


def _author(project: Project, row: Judgement) -> str | None:
    if row.annotator is not None:
        return row.annotator.pseudonym
    return str(row.judge) if row.judge else imported_pseudonym(project.pk, row.imported_author)


urlpatterns = [
    path("projects/<int:project_id>/review/queue/", ReviewQueue.as_view(), name="api_review_queue"),
    path("projects/<int:project_id>/review/stages/", Stages.as_view(), name="api_review_stages"),
    path("projects/<int:project_id>/reviews/", ReviewList.as_view(), name="api_reviews"),
    path("projects/<int:project_id>/returned/", ReturnedList.as_view(), name="api_returned"),
    path(
        "judgements/<int:judgement_id>/review/",
        JudgementReview.as_view(),
        name="api_judgement_review",
    ),
]
