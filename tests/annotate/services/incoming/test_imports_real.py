"""Real data sets, whole, into projects of their kind; counts are those of their README files."""

from collections import Counter

import pytest

from annotate.kinds import ranking
from annotate.models import Judgement, Task
from tests import real_rows
from tests.annotate.services.sending import outcome, send

pytestmark = pytest.mark.django_db
ROWS = {"format": "responses"}


def test_rankings_of_open_assistant(make_project, data_dir):
    project = make_project(kind="ranking", kind_settings={"modes": ["full"]})
    report = send(project, real_rows.rankings(data_dir), **ROWS)
    assert outcome(report) == (212, 0, 0, 0)
    lengths = Counter(task.responses.count() for task in Task.objects.all())
    assert lengths == {2: 57, 3: 117, 4: 27, 5: 3, 6: 6, 8: 1, 9: 1}
    implied = 0
    for judgement in Judgement.objects.all():
        ids = list(judgement.task.responses.order_by("pk").values_list("pk", flat=True))
        implied += len(ranking.pairs(judgement.value, ids))
    assert implied == 754


def test_pairs_of_llmfao(make_project, data_dir):
    report = send(make_project(), real_rows.pairs(data_dir), **ROWS)
    votes = Counter(value["verdict"] for value in Judgement.objects.values_list("value", flat=True))
    assert outcome(report) == (2139, 0, 0, 0)
    assert Task.objects.count() == 2139
    assert votes == {"tie": 3471, "prefer": 2549 + 2911}


def test_rankings_of_pictures_that_nobody_uploaded(make_project, data_dir):
    project = make_project(kind="ranking")
    rows = real_rows.pictures(data_dir)
    assert len(rows) == 466
    report = send(project, rows, **ROWS)
    assert outcome(report) == (0, 0, 0, 466)
    assert not Task.objects.exists()
