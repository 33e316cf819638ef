"""What asked for a run, in words."""

import pytest

from annotate.pages.reasons import in_words
from training.models import TrainingRun
from training.services.reasons import Reason, as_kept, trigger_words

DUE = [
    (Reason("hours", due=True, wants=2.5), "schedule: every 2.5 h"),
    (Reason("cron", due=True, detail="0 3 * * 1-5"), "schedule: 0 3 * * 1-5"),
    (
        Reason("judgements", due=True, has=1500, wants=1500),
        "schedule: 1,500 of 1,500 new judgements",
    ),
    (
        Reason("drift", due=True, has=0.314159, wants=0.2, detail="topic"),
        "schedule: drift 0.31 above 0.2, most in topic",
    ),
    (
        Reason("routing", due=True, has=0.7, wants=0.9, detail="7/10"),
        "schedule: people agreed with the judge at a rate of 0.7 (7/10), it expected 0.9",
    ),
]


@pytest.mark.parametrize(("reason", "said"), DUE)
def test_a_trigger_is_told_with_its_figures(reason, said):
    run = TrainingRun(trigger=reason.trigger, reasons=as_kept([reason]))
    assert trigger_words(run).message == said


def test_all_that_were_due_are_told():
    run = TrainingRun(trigger="hours", reasons=as_kept([DUE[0][0], DUE[1][0]]))
    assert trigger_words(run).message == "schedule: every 2.5 h; schedule: 0 3 * * 1-5"


@pytest.mark.parametrize("trigger", ["person", "loop", "api", "not_recorded"])
def test_without_a_schedule_the_label_is_told(trigger):
    run = TrainingRun(trigger=trigger)
    assert in_words(trigger_words(run)) == run.get_trigger_display()
