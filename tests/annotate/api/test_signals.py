"""Signals over REST."""

import json

import pytest

pytestmark = pytest.mark.django_db
TEXT = {"prompt": "Why?", "completion": "So.", "generator": "bot", "generator_version": "3"}


def test_sent_listed_counted_and_exported(make_project, caller, refused, add_member):
    project = make_project()
    owner = caller(project.created_by.username)
    path = f"projects/{project.pk}/signals/"
    rows = [
        {"key": "1", "type": "love", **TEXT, "end_user": "zoe"},
        {"key": "2", "type": "thumbs_down", **TEXT, "generator_version": "4"},
        {"key": "3", "type": "love"},
    ]
    sent = owner.post(path, {"signals": rows}).json()
    assert (sent["created"], sent["known"]) == (2, 0)
    assert [(one["index"], one["field"]) for one in sent["errors"]] == [(2, "prompt")]
    assert owner.post(path, {"signals": rows[:2]}).json()["known"] == 2
    found = owner.get(f"{path}?model_version=4").json()["results"]
    assert [one["key"] for one in found] == ["2"]
    assert "zoe" not in owner.get(path).content.decode()
    summary = owner.get(f"{path}summary/").json()
    assert [one["share"] for one in summary["versions"]] == [1.0, 0.0]
    changed = owner.patch(f"{path}summary/", {"noise": {"love": 0.1}, "keep_days": 9}).json()
    assert changed["keep_days"] == 9
    stream = owner.get(f"{path}export/?type=love")
    [line] = b"".join(stream.streaming_content).splitlines()
    row = json.loads(line)
    assert (row["label"], row["noise"], row["model_version"]) == (True, 0.1, "3")
    assert row["completion"] == [{"role": "assistant", "content": "So."}]
    refused(owner.get(f"{path}?type=applause"), 400, "type")
    refused(owner.get(f"{path}export/?colour=red"), 400, "colour")
    refused(owner.post(path, {"signals": []}), 400, "signals")
    refused(owner.patch(f"{path}summary/", {"noise": {"love": 1}}), 400, "noise.love")
    ann = caller("ann")
    refused(ann.get(path), 404)
    add_member(project, ann.user, "annotator")
    refused(ann.post(path, {"signals": rows}), 403)
