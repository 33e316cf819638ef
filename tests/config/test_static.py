"""Static files: versioned and compressed when collected, plain otherwise, never stale."""

import gzip
import os

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage, staticfiles_storage
from django.test import RequestFactory
from whitenoise.middleware import WhiteNoiseMiddleware

from config.static import STAMP, collect_if_changed, is_current

STYLE = "body { color: red; } /* padding that compresses well */\n" * 50


@pytest.fixture
def sources(settings, tmp_path):
    """A folder of sources, which alone is collected, into a folder that is not there yet."""
    folder = tmp_path / "sources"
    for name, text in {
        "css/base.css": STYLE,
        "js/work.js": 'import { one } from "./one.js";\n',
        "js/one.js": "export const one = 1;\n",
        "package/loose.js": 'import "what-the-package-does-not-carry";\n',
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    settings.STATICFILES_DIRS = [folder]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    return folder


def get(path: str):
    """What WhiteNoise answers, started anew as in a web process."""

    def nothing(request):
        raise AssertionError(f"no such static file: {request.path}")

    request = RequestFactory().get(path, headers={"Accept-Encoding": "gzip"})
    return WhiteNoiseMiddleware(nothing)(request)


def test_names_are_plain_until_something_is_collected(sources):
    assert staticfiles_storage.url("css/base.css") == "/static/css/base.css"
    assert staticfiles_storage.url("nowhere.css") == "/static/nowhere.css"
    assert b"".join(get("/static/css/base.css")).decode() == STYLE


def test_collected_files_are_versioned_and_compressed(sources, settings):
    assert collect_if_changed()
    settings.STATIC_ROOT = settings.STATIC_ROOT  # a new process: the storage is made again
    url = staticfiles_storage.url("css/base.css")
    assert url.startswith("/static/css/base.")
    assert url != "/static/css/base.css"
    answer = get(url)
    body = b"".join(answer)
    assert answer["Content-Encoding"] == "gzip"
    assert len(body) < len(STYLE) / 10
    assert gzip.decompress(body).decode() == STYLE
    assert "immutable" in answer["Cache-Control"]
    assert "immutable" not in get("/static/css/base.css")["Cache-Control"]


def test_modules_import_each_other_by_versioned_names(sources, settings):
    collect_if_changed()
    settings.STATIC_ROOT = settings.STATIC_ROOT
    name = staticfiles_storage.url("js/one.js").rpartition("/")[2]
    answer = get(staticfiles_storage.url("js/work.js"))
    body = b"".join(answer)
    if answer.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    assert f'from "./{name}"' in body.decode()
    with pytest.raises(ValueError, match="Missing staticfiles manifest entry"):
        staticfiles_storage.url("nowhere.css")


def test_a_second_time_collects_nothing(sources, settings):
    assert collect_if_changed()
    manifest = settings.STATIC_ROOT / "staticfiles.json"
    made = manifest.stat().st_mtime_ns
    assert not collect_if_changed()
    assert manifest.stat().st_mtime_ns == made


@pytest.mark.parametrize("change", ["content", "time", "new file", "removed file"])
def test_a_change_of_a_source_makes_names_plain_until_the_next_collection(
    sources, settings, change
):
    collect_if_changed()
    style = sources / "css" / "base.css"
    if change == "content":
        style.write_text("body {}")
    elif change == "time":
        os.utime(style, (1, 1))
    elif change == "new file":
        (sources / "css" / "more.css").write_text("p {}")
    else:
        (sources / "package" / "loose.js").unlink()
    settings.STATIC_ROOT = settings.STATIC_ROOT
    assert staticfiles_storage.url("css/base.css") == "/static/css/base.css"
    assert collect_if_changed()
    settings.STATIC_ROOT = settings.STATIC_ROOT
    assert staticfiles_storage.url("css/base.css") != "/static/css/base.css"


def test_a_collection_that_died_half_way_counts_for_nothing(sources, settings, monkeypatch):
    collect_if_changed()
    (sources / "css" / "base.css").write_text("body {}")

    def die(*_arguments, **_named):
        raise OSError("no space left on device")

    monkeypatch.setattr(StaticFilesStorage, "_save", die)
    with pytest.raises(OSError, match="no space"):
        collect_if_changed()
    assert not (settings.STATIC_ROOT / STAMP).exists()
    assert not is_current(settings.STATIC_ROOT)
