"""Deleting media files: only what nothing shows, whoever else is at work at that moment."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction

from annotate.media.storage import media_storage
from annotate.models import AuditEvent, MediaFile, MediaUse, Response, content_hash
from annotate.services.media import MediaInUse, add_media, delete_media
from tests.annotate.media import making
from tests.waiting import PATIENCE, somebody_waits_for_a_lock, wait_until

PNG = making.picture("PNG", 40, 30)


def shown(file: MediaFile) -> list[dict]:
    return [{"type": "image", "file": file.pk, "sha256": file.sha256}]


def show(task, file: MediaFile) -> Response:
    return Response.objects.create(
        prompt=task.prompt, content=shown(file), content_hash=content_hash(shown(file), file.pk)
    )


def elsewhere(deed: Callable[[], object]) -> Future:
    """The deed on a connection of its own; the future has what came of it."""

    def do() -> object:
        try:
            return deed()
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    future = pool.submit(do)
    pool.shutdown(wait=False)
    return future


@pytest.mark.django_db(transaction=True)
def test_row_bytes_and_audit(make_project, add_file, media_folder) -> None:
    project = make_project()
    file = add_file(project, PNG, "a.png")
    path, number = media_folder / file.key, file.pk
    delete_media(file=file, actor=project.created_by)
    assert not MediaFile.objects.exists()
    assert not path.exists()
    event = AuditEvent.objects.get(action="media.deleted")
    assert (event.object_id, event.actor) == (number, project.created_by)
    assert event.detail == {"name": "a.png", "sha256": file.sha256}
    with pytest.raises(MediaFile.DoesNotExist):
        delete_media(file=MediaFile(pk=number), actor=project.created_by)
    assert add_file(project, PNG, "a.png").pk != number
    assert path.read_bytes() == PNG


@pytest.mark.django_db(transaction=True)
def test_bytes_survive_a_transaction_taken_back_and_other_projects(
    make_project, add_file, media_folder
) -> None:
    project, other = make_project(), make_project()
    file, same = add_file(project, PNG, "a.png"), add_file(other, PNG, "a.png")
    with transaction.atomic():
        delete_media(file=MediaFile.objects.get(pk=file.pk), actor=project.created_by)
        transaction.set_rollback(True)
    assert MediaFile.objects.filter(pk=file.pk).exists()
    assert (media_folder / file.key).read_bytes() == PNG
    delete_media(file=file, actor=project.created_by)
    assert (media_folder / same.key).read_bytes() == PNG
    assert not (media_folder / file.key).exists()


@pytest.mark.django_db
def test_what_shows_a_file_is_named(make_project, make_pair_tasks, add_file) -> None:
    project = make_project()
    file = add_file(project, PNG, "a.png")
    first, second = make_pair_tasks(project, 2)
    response = show(first, file)
    conversation = [{"role": "user", "content": [*shown(file), *shown(file)]}]
    type(second.prompt).objects.filter(pk=second.prompt_id).update(metadata={"kept": 1})
    prompt = type(first.prompt).objects.create(
        project=project, conversation=conversation, content_hash="p", split_bucket=1
    )
    with pytest.raises(MediaInUse, match=r"'a.png' is shown by 2 prompts or responses") as refused:
        delete_media(file=file, actor=project.created_by)
    found = [(use.prompt_id, use.response_id, use.task_id) for use in refused.value.uses]
    assert found == [(first.prompt_id, response.pk, first.pk), (prompt.pk, None, None)]
    assert not AuditEvent.objects.filter(action="media.deleted").exists()


@pytest.mark.django_db
def test_the_database_itself_keeps_a_shown_file(make_project, make_pair_tasks, add_file) -> None:
    project, other = make_project(), make_project()
    file, foreign = add_file(project, PNG, "a.png"), add_file(other, PNG, "a.png")
    [task] = make_pair_tasks(project, 1)
    show(task, file)
    with pytest.raises(IntegrityError, match="media_use_file"), transaction.atomic():
        MediaFile.objects.filter(pk=file.pk)._raw_delete("default")
    with pytest.raises(IntegrityError, match="of another project"), transaction.atomic():
        show(task, foreign)
    with pytest.raises(IntegrityError, match="media_use_file"), transaction.atomic():
        show(task, MediaFile(pk=file.pk + 1000, sha256="0" * 64))
    assert MediaUse.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_being_shown_is_waited_for(make_project, make_pair_tasks, add_file) -> None:
    project = make_project()
    file = add_file(project, PNG, "a.png")
    [task] = make_pair_tasks(project, 1)
    with transaction.atomic():
        show(task, file)
        deed = elsewhere(lambda: delete_media(file=file, actor=project.created_by))
        wait_until(somebody_waits_for_a_lock)
    assert isinstance(deed.exception(PATIENCE), MediaInUse)
    assert MediaFile.objects.filter(pk=file.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_being_deleted_is_not_shown(make_project, make_pair_tasks, add_file) -> None:
    project = make_project()
    file = add_file(project, PNG, "a.png")
    [task] = make_pair_tasks(project, 1)
    with transaction.atomic():
        delete_media(file=MediaFile.objects.get(pk=file.pk), actor=project.created_by)
        deed = elsewhere(lambda: show(task, file))
        wait_until(somebody_waits_for_a_lock)
    assert isinstance(deed.exception(PATIENCE), IntegrityError)
    assert "media_use_file" in str(deed.exception())


@pytest.mark.django_db(transaction=True)
def test_bytes_sent_again_meanwhile_stay(make_project, add_file, media_folder, monkeypatch) -> None:
    """The upload found the old bytes and kept them; only then does the deletion commit."""
    project = make_project()
    file = add_file(project, PNG, "a.png")
    keep, kept, go_on = media_storage().keep, threading.Event(), threading.Event()

    def keep_and_wait(key, stream) -> None:
        keep(key, stream)
        kept.set()
        assert go_on.wait(PATIENCE)

    monkeypatch.setattr(media_storage(), "keep", keep_and_wait)
    sent = elsewhere(
        lambda: add_media(
            project=project, actor=project.created_by, stream=io.BytesIO(PNG), name="a.png"
        )
    )
    assert kept.wait(PATIENCE)
    gone = elsewhere(lambda: delete_media(file=file, actor=project.created_by))
    wait_until(lambda: not MediaFile.objects.filter(pk=file.pk).exists())
    wait_until(somebody_waits_for_a_lock)
    go_on.set()
    assert (sent.exception(PATIENCE), gone.exception(PATIENCE)) == (None, None)
    again = MediaFile.objects.get()
    assert again.pk != file.pk
    assert (media_folder / again.key).read_bytes() == PNG
