import pytest

from annotate.services.people.panels import create_study
from tests.annotate.pages.panels.participants import BACK


@pytest.fixture
def project(make_project, make_user, make_pair_tasks):
    project = make_project(make_user("olga"), name="Answers")
    make_pair_tasks(project, 3)
    return project


@pytest.fixture
def study(project):
    return create_study(
        project=project, actor=project.created_by, name="Pairs", tasks_each=2, return_url=BACK
    )
