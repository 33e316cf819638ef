"""The demo project: our own prompts and responses, imported the way anybody's are."""

import io
import json
from itertools import groupby

from annotate.demo.content import DemoPrompt, load_demo_prompts
from annotate.models import Project, Prompt, User
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.projects import create_project

GUIDELINES = """\
Choose the response that would help the person who asked more.

1. **Right beats pleasant.** A wrong answer loses, however friendly it is.
2. **To the point.** Flattery, filler and needless hedging make a response worse.
3. **Complete enough.** A refusal of a harmless request, or half an answer, loses.
4. **Easy to use.** Steps as a list, figures in a table, code in a block, where that helps.

Length by itself is neither good nor bad. If you truly cannot choose, say that they tie; if
neither is of any use, say that both are bad. Skip what you cannot read.
"""


def make_demo_project(*, owner: User, name: str = "Demo: helpful answers", **fields) -> Project:
    """A project with every pair of the demo content's responses as a task.

    `fields` override the demo's own settings (see annotate/services/projects.py). Raises
    RuntimeError if a row of our own content is refused, with the first reason.
    """
    settings = {
        "description": "Four fictional assistants answer everyday, technical and foreign-language"
        " questions. Which answer is better?",
        "guidelines": GUIDELINES,
        "overlap": 2,
        "order": Project.Order.RANDOM,
        "test_percent": 25,
        "seed": 7,
    }
    project = create_project(actor=owner, name=name, **{**settings, **fields})
    prompts = load_demo_prompts()
    report = import_stream(
        project=project,
        actor=owner,
        stream=io.BytesIO(as_jsonl(prompts)),
        format="responses",
        options=ImportOptions(labels="tasks"),
    )
    if report.errors:
        raise RuntimeError(f"the demo content was refused: {report.errors[0]}")
    _set_taxonomy(project, prompts)
    return project


def as_jsonl(prompts: list[DemoPrompt]) -> bytes:
    """The content in the generic prompt + responses format (docs/formats.md)."""
    rows = (
        {
            "id": prompt.id,
            "system": prompt.system,
            "language": prompt.language,
            "prompt": [{"role": t.role, "content": t.content} for t in prompt.conversation],
            "responses": [
                {"text": r.text, "generator": r.generator, "version": r.generator_version}
                for r in prompt.responses
            ],
        }
        for prompt in prompts
    )
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def _set_taxonomy(project: Project, prompts: list[DemoPrompt]) -> None:
    by_path = sorted(prompts, key=lambda prompt: prompt.taxonomy)
    for taxonomy, group in groupby(by_path, key=lambda prompt: prompt.taxonomy):
        ids = [prompt.id for prompt in group]
        Prompt.objects.filter(project=project, external_id__in=ids).update(taxonomy=taxonomy)
