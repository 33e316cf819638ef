"""Features that an encoder reads: computed once, kept, and honest where nothing can be read."""

import numpy as np
import pytest

from annotate.kinds import InvalidValue
from annotate.models import JobState, Response, Task
from annotate.services import jobs
from routing import encoders
from routing.encoders import EncoderError
from routing.features.likeness import mean_cosine, token_f1
from routing.models import FeatureRun, InstanceFeatures, ResponseEmbedding, TextEncoder
from routing.services import reading
from routing.services.features import start_features
from routing.services.featurising import (
    current_specification,
    featurise,
    freeze_specification,
    run_features,
    tags_and_scores,
)
from routing.services.reading import EncoderChanged, embeddings_of
from routing.settings.policy import clean_settings
from tests.routing.planted import rows, take_in
from training.encoders import LIBRARY

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project):
    project = make_project(seed=3)
    take_in(project, rows(24, votes=0))
    return project


def all_tasks(project) -> list[int]:
    return list(Task.objects.filter(project=project).order_by("pk").values_list("pk", flat=True))


def test_the_scores_are_those_of_the_encoder_and_are_kept(project, monkeypatch) -> None:
    from training.recipes.token_encoder import EncoderTokens

    spec = freeze_specification(project=project, encoder="minilm")
    encoder = TextEncoder.objects.get()
    assert (spec.encoder, encoder.name, encoder.width, len(encoder.weights)) == (
        *(encoder, "minilm", 384),
        64,
    )
    ids = all_tasks(project)
    tags, scores = tags_and_scores(spec, ids)
    assert np.isfinite(scores).all()
    assert (tags[:, :27].reshape(-1, 9, 3).sum(2) == 1).all()  # every score has its bin

    task = Task.objects.get(pk=ids[5])
    texts = [place.response.text for place in task.places.order_by("position")]
    first, second = EncoderTokens("minilm").tokens(texts)
    assert scores[5, 0] == pytest.approx(token_f1(first, second), abs=2e-3)
    assert scores[5, 3] == pytest.approx(mean_cosine(first, second), abs=2e-3)
    kept = embeddings_of(encoder, [place.response_id for place in task.places.order_by("position")])
    assert kept[0] == pytest.approx(first.astype(float).mean(0), abs=2e-3)

    there = ResponseEmbedding.objects.count()
    assert there == Response.objects.filter(tasks__in=ids).distinct().count()

    def read(*_: object) -> None:
        raise AssertionError("nothing is left to be read")

    monkeypatch.setattr(reading.encoders, "library", read)
    assert (tags_and_scores(spec, ids)[1] == scores).all()


def test_a_run_reads_what_is_new_and_says_how_fast(project) -> None:
    freeze_specification(project=project, encoder="minilm")
    take_in(project, rows(30, votes=0, start=500))
    run = start_features(project=project, actor=project.created_by)
    assert run is not None
    assert run.queue == "serving"
    run_features(run=jobs.claim(FeatureRun, run.pk, owner="test"))
    run.refresh_from_db()
    assert (run.state, run.progress, run.total) == (JobState.DONE, 30, 30)
    assert run.rows_per_second > 0.5
    assert InstanceFeatures.objects.filter(spec=run.spec).count() == 54


def test_a_run_can_be_stopped_while_it_reads(project, monkeypatch) -> None:
    from training import judge

    monkeypatch.setattr(judge, "ASK_EVERY", 0.0)
    freeze_specification(project=project, encoder="minilm")
    take_in(project, rows(200, votes=0, start=500))
    run = start_features(project=project, actor=project.created_by)
    claimed = jobs.claim(FeatureRun, run.pk, owner="test")
    heartbeat = jobs.heartbeat

    def asked(job, **fields) -> bool:
        if job.heartbeat_at is not None and not fields:
            jobs.request_cancel(job)
        return heartbeat(job, **fields)

    monkeypatch.setattr(jobs, "heartbeat", asked)
    run_features(run=claimed)
    run.refresh_from_db()
    assert run.state == JobState.CANCELLED
    assert run.progress < 200


def test_without_the_packages_it_says_so(project, monkeypatch) -> None:
    monkeypatch.setattr("training.encoders.find_spec", lambda name: None)
    assert encoders.default_here() == ""
    first = current_specification(project=project)
    assert first.encoder is None
    assert np.isnan(tags_and_scores(first, all_tasks(project))[1][:, [0, 1, 3]]).all()
    with pytest.raises(
        EncoderError, match=r"torch, transformers not installed .* `training` extra"
    ):
        current_specification(project=project, encoder="minilm")
    assert project.feature_specs.count() == 1


def test_another_encoder_is_another_version(project) -> None:
    without = current_specification(project=project, encoder="")
    assert (without.version, without.encoder) == (1, None)
    assert current_specification(project=project) == without  # as it is
    read = current_specification(project=project, encoder="minilm")
    assert (read.version, read.encoder.name) == (2, "minilm")
    assert current_specification(project=project, encoder="minilm") == read
    assert current_specification(project=project) == read


def test_other_weights_are_refused_under_frozen_edges(project) -> None:
    spec = freeze_specification(project=project, encoder="minilm")
    TextEncoder.objects.update(weights="of yesterday")
    spec.refresh_from_db()
    take_in(project, rows(4, votes=0, start=500))
    with pytest.raises(EncoderChanged, match="fit a policy anew"):
        featurise(spec, all_tasks(project))
    assert InstanceFeatures.objects.filter(spec=spec).count() == 24


def test_a_model_that_is_none_is_told(project, tmp_path) -> None:
    with pytest.raises(EncoderError, match="is not a folder on this machine"):
        freeze_specification(project=project, encoder=str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("given", "kept"), [(None, None), ("", ""), ("minilm", "minilm"), ("org/model", "org/model")]
)
def test_a_setting_names_the_encoder(given, kept) -> None:
    assert clean_settings({"encoder": given})["encoder"] == kept


@pytest.mark.parametrize("given", [3, "/etc", "../model", "a" * 400])
def test_a_wrong_encoder_is_refused(given) -> None:
    with pytest.raises(InvalidValue) as told:
        clean_settings({"encoder": given})
    assert told.value.field == "settings.encoder"


def test_there_is_one_library() -> None:
    assert encoders.library() is LIBRARY
    with pytest.raises(ValueError, match="already"):
        encoders.register(LIBRARY)
