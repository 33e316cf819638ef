"""The managers' page of media."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from annotate.models import MediaFile
from tests.annotate.media import making

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_folder")]
PNG = making.picture()


@pytest.fixture
def project(make_project, client):
    project = make_project()
    client.force_login(project.created_by)
    return project


def page(client, project, query: str = "", **headers) -> str:
    answer = client.get(reverse("media", args=[project.pk]) + query, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_project_says_what_to_do(client, project) -> None:
    html = page(client, project)
    assert "No media yet" in html
    assert 'accept=".apng,.avif,' in html


def test_files_are_shown_with_what_is_known(client, project, add_file) -> None:
    image = add_file(project, PNG, 'cats/<b>"1".png')
    add_file(project, making.tone(0.5), "a.wav")
    add_file(project, making.film(), "a.webm")
    html = page(client, project)
    assert "cats/&lt;b&gt;&quot;1&quot;.png" in html
    assert "<b>" not in html.split('id="media-list"')[1].split("</ul>")[0]
    assert "64 × 48" in html
    assert "0.5 s" in html
    assert image.sha256 in html
    assert html.count("<video ") == html.count("<audio ") == 1
    address = f"/media/{project.pk}/{image.sha256}/%3Cb%3E%221%22.png"
    assert f'src="{address}"' in html
    assert client.get(address).getvalue() == PNG


def test_the_list_is_filtered_and_paged(client, project, add_file, monkeypatch) -> None:
    monkeypatch.setattr("annotate.pages.media.FILES_A_PAGE", 2)
    for number in range(1, 4):
        add_file(project, making.picture("PNG", 9, number + 9), f"cat{number}.png")
    add_file(project, making.tone(0.1), "song.wav")
    first = page(client, project)
    assert "song.wav" in first
    assert "cat3.png" in first
    assert "cat2.png" not in first
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert "cat2.png" in page(client, project, older.replace("&amp;", "&"))
    assert "cat1.png" not in page(client, project, "?name=CAT3")
    assert "song.wav" not in page(client, project, "?kind=image")
    assert "No file fits" in page(client, project, "?kind=video")
    for odd in ("?before=x", "?before=-1", "?kind=x", "?name=%00", f"?before={'9' * 30}"):
        assert "cat3.png" in page(client, project, odd)
    fragment = page(client, project, HX_Request="true")
    assert fragment.lstrip().startswith('<div id="media-list"')


def test_queries_do_not_grow_with_files(
    client,
    project,
    add_file,
    django_assert_max_num_queries,
) -> None:
    for number in range(10):
        add_file(project, making.picture("PNG", 9, number + 9), f"{number}.png")
    with django_assert_max_num_queries(6):
        page(client, project)


def test_without_scripts_several_files_go_in_at_once(client, project) -> None:
    files = [
        SimpleUploadedFile("a.png", PNG, "image/png"),
        SimpleUploadedFile("evil.png", b"<script>", "image/png"),
        SimpleUploadedFile("b.wav", making.tone(0.1), "audio/wav"),
    ]
    answer = client.post(reverse("media", args=[project.pk]), {"file": files}, follow=True)
    html = answer.content.decode()
    assert "2 files are here." in html
    assert "&#x27;evil.png&#x27; is HTML" in html
    assert MediaFile.objects.count() == 2
    nothing = client.post(reverse("media", args=[project.pk]), follow=True)
    assert "Choose one or more files first" in nothing.content.decode()


@pytest.mark.parametrize(("role", "status"), [("reviewer", 403), ("annotator", 403), (None, 404)])
def test_only_managers_upload(client, project, make_user, add_member, role, status) -> None:
    user = make_user("who")
    if role:
        add_member(project, user, role)
    client.force_login(user)
    upload = SimpleUploadedFile("a.png", PNG, "image/png")
    assert client.post(reverse("media", args=[project.pk]), {"file": upload}).status_code == status
    assert not MediaFile.objects.exists()
