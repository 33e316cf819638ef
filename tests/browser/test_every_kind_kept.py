"""Whatever the kind: a closed tab, a lost connection and a double click lose and double nothing."""

import pytest
from playwright.sync_api import expect

from annotate.models import Judgement
from tests.browser.asked import LANDED, Asked
from tests.browser.contents import last_value
from tests.browser.desk import counted, open_desk, question


@pytest.mark.parametrize("asked", LANDED, ids=lambda asked: asked.name)
def test_an_answer_arrives_once(open_browser, chat_server, ada, asked: Asked) -> None:
    page = open_browser(ada)
    project = asked.project(ada, chat_server)
    open_desk(page, project)
    first = question(page)
    asked.answer(page)
    page.close()

    page = page.context.new_page()
    open_desk(page, project)
    assert question(page) == first
    page.context.set_offline(True)
    page.get_by_role("button", name="Submit").dblclick()
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    expect(page.locator(".problem")).to_be_hidden()
    assert not Judgement.objects.exists()
    page.context.set_offline(False)
    expect(page.locator("[data-status]")).to_have_text("Saved")
    counted(page, 1)
    assert Judgement.objects.count() == 1
    assert last_value()
