"""A project whose answers are talked about."""

from tests.annotate.judged_by_many import answer


def discussed_project(make_project, make_pair_tasks, make_user, add_member):
    """Ada and bob answered the first of two tasks; carl none; rita reviews."""
    project = make_project(overlap=2)
    for name, role in [("ada", "annotator"), ("bob", "annotator"), ("carl", "annotator"),
                       ("rita", "reviewer")]:  # fmt: skip
        setattr(project, name, make_user(name))
        add_member(project, getattr(project, name), role)
    project.all = make_pair_tasks(project, 2)
    project.task = project.all[0]
    project.ours = answer(project.task, person=project.ada, side=0)
    project.theirs = answer(project.task, person=project.bob, side=1)
    return project
