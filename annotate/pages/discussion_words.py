"""A task's discussions as pages show them."""

from dataclasses import dataclass, field

from annotate.models import Judgement, Note, Task, User
from annotate.pages.review_words import author_words, person_words
from annotate.review.mentions import Part, parts
from annotate.services.review.discussions import names_of, notes_for, reviews


@dataclass(frozen=True)
class ShownNote:
    row: Note
    who: str
    parts: list[Part]


@dataclass
class Thread:
    """`about` is the id of the answer as it was first given, None for the task; `whose` it is."""

    about: int | None
    whose: str = ""
    notes: list[ShownNote] = field(default_factory=list)

    @property
    def is_resolved(self) -> bool:
        deeds = [one.row.deed for one in self.notes if one.row.deed != Note.Deed.SAID]
        return bool(deeds) and deeds[-1] == Note.Deed.RESOLVED


def threads_of(task: Task, reader: User) -> list[Thread]:
    """The task's discussion, then one for each of its answers that the reader may speak about.

    Five queries.
    """
    names = names_of(task.project)
    firsts = Judgement.objects.filter(task=task, supersedes=None).order_by("pk")
    if not reviews(task.project, reader):
        firsts = firsts.filter(annotator=reader)
    threads = {None: Thread(None)}
    for row in firsts.select_related("annotator", "judge"):
        threads[row.pk] = Thread(row.pk, author_words(task.project, row, reader))
    for note in notes_for(task, reader):
        shown = ShownNote(
            note, person_words(task.project, note.author, reader), parts(note.text, names)
        )
        threads[note.judgement_id].notes.append(shown)
    return list(threads.values())
