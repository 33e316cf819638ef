"""An item's answers on their way into tasks, by responses and annotator, and what is left."""

from annotate.interchange.records import ImportedAnswer, ImportedLabel


class Part:
    """An answer on its way into a task, and the labels that it was made of, if any."""

    __slots__ = ("answer", "labels", "source")

    def __init__(
        self,
        answer: ImportedAnswer,
        labels: tuple[ImportedLabel, ...],
        source: ImportedAnswer | None,
    ) -> None:
        self.answer, self.labels, self.source = answer, labels, source or answer


class Gathered:
    """An item's answers by responses and annotator, and what is left."""

    def __init__(self) -> None:
        self.groups: list[tuple[tuple[int, ...], str | None, dict[str, Part]]] = []
        self.left_labels: list[ImportedLabel] = []
        self.left_answers: list[ImportedAnswer] = []

    def add(
        self,
        positions: tuple[int, ...],
        annotator: str | None,
        question: str,
        answer: ImportedAnswer,
        *labels: ImportedLabel,
        source: ImportedAnswer | None = None,
    ) -> None:
        """Beside the author's answers to other questions about the same responses. `source` is
        what the file says where that is not the answer itself.
        """
        part = Part(answer, labels, source)
        for places, author, parts in self.groups:
            if (places, author) == (positions, annotator) and question not in parts:
                parts[question] = part
                return
        self.groups.append((positions, annotator, {question: part}))

    def leave(self, part: Part) -> None:
        if part.labels:
            self.left_labels.extend(part.labels)
        else:
            self.left_answers.append(part.source)
