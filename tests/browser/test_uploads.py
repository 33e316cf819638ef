"""Sending media files in a real browser: chosen and dropped, with their progress and refusals."""

import pytest
from playwright.sync_api import expect

from annotate.models import MediaFile
from tests.annotate.media import making

pytestmark = pytest.mark.django_db(transaction=True)


def test_files_are_uploaded_with_progress_and_reasons(open_browser, make_project, media_folder):
    project = make_project()
    page = open_browser(project.created_by)
    page.goto(f"/projects/{project.pk}/media/")
    expect(page.get_by_role("heading", name="No media yet")).to_be_visible()
    files = [
        {"name": "a.png", "mimeType": "image/png", "buffer": making.picture()},
        {"name": "b.wav", "mimeType": "audio/wav", "buffer": making.tone(0.2)},
        {"name": "evil.png", "mimeType": "image/png", "buffer": b"<svg onload=alert(1)>"},
    ]
    # What is chosen is sent at once, so that a second press would send nothing.
    expect(page.get_by_role("button", name="Upload")).to_be_hidden()
    page.get_by_label("Add images, sound and video").set_input_files(files)
    uploads = page.get_by_role("list", name="Uploads").get_by_role("listitem")
    expect(uploads).to_have_count(3)
    expect(uploads.nth(0)).to_contain_text("Uploaded")
    expect(uploads.nth(1)).to_contain_text("Uploaded")
    expect(uploads.nth(2)).to_contain_text("SVG or XML, which can carry scripts")
    expect(page.get_by_role("status")).to_have_text("2 of 3 uploaded, 1 refused.")
    expect(page.locator(".media-card")).to_have_count(2)
    page.wait_for_function("() => document.querySelector('.media-card img').naturalWidth === 64")
    assert set(MediaFile.objects.values_list("name", flat=True)) == {"a.png", "b.wav"}


def test_files_are_dropped(open_browser, make_project, media_folder) -> None:
    project = make_project()
    page = open_browser(project.created_by)
    page.goto(f"/projects/{project.pk}/media/")
    expect(page.get_by_text("Drop files or whole folders here")).to_be_visible()
    data = list(making.picture())
    page.evaluate(
        """(data) => {
          const transfer = new DataTransfer();
          for (const name of ["x.png", "y.png"]) {
            transfer.items.add(new File([new Uint8Array(data)], name, { type: "image/png" }));
          }
          const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
          document.querySelector("#upload").dispatchEvent(new DragEvent("drop", options));
        }""",
        data,
    )
    expect(page.get_by_text("Already here")).to_be_visible()
    expect(page.locator(".media-card")).to_have_count(1)
    [file] = MediaFile.objects.all()
    assert {file.name, *file.other_names} == {"x.png", "y.png"}
