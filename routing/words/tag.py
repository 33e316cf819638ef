"""The tags of prompts in the reader's words; programs read their English names."""

from django.utils.functional import lazy
from django.utils.translation import pgettext_lazy


def tag_word(name: str) -> str:
    """Of a tag ("safety: low") or of one answer ("low"); as it is where it is no tag."""
    return ": ".join(str(WORDS.get(part, part)) for part in name.split(": "))


tag_word_later = lazy(tag_word, str)

WORDS = {
    "agriculture": pgettext_lazy("tag of a prompt", "agriculture"),
    "anthropology": pgettext_lazy("tag of a prompt", "anthropology"),
    "architecture": pgettext_lazy("tag of a prompt", "architecture"),
    "art": pgettext_lazy("tag of a prompt", "art"),
    "astronomy": pgettext_lazy("tag of a prompt", "astronomy"),
    "biology": pgettext_lazy("tag of a prompt", "biology"),
    "business": pgettext_lazy("tag of a prompt", "business"),
    "chemistry": pgettext_lazy("tag of a prompt", "chemistry"),
    "climate": pgettext_lazy("tag of a prompt", "climate"),
    "computer science": pgettext_lazy("tag of a prompt", "computer science"),
    "cooking": pgettext_lazy("tag of a prompt", "cooking"),
    "cybersecurity": pgettext_lazy("tag of a prompt", "cybersecurity"),
    "economics": pgettext_lazy("tag of a prompt", "economics"),
    "education": pgettext_lazy("tag of a prompt", "education"),
    "electrical engineering": pgettext_lazy("tag of a prompt", "electrical engineering"),
    "employment": pgettext_lazy("tag of a prompt", "employment"),
    "engineering": pgettext_lazy("tag of a prompt", "engineering"),
    "ethics": pgettext_lazy("tag of a prompt", "ethics"),
    "fashion": pgettext_lazy("tag of a prompt", "fashion"),
    "film and television": pgettext_lazy("tag of a prompt", "film and television"),
    "finance": pgettext_lazy("tag of a prompt", "finance"),
    "games": pgettext_lazy("tag of a prompt", "games"),
    "geography": pgettext_lazy("tag of a prompt", "geography"),
    "government": pgettext_lazy("tag of a prompt", "government"),
    "health": pgettext_lazy("tag of a prompt", "health"),
    "history": pgettext_lazy("tag of a prompt", "history"),
    "humour": pgettext_lazy("tag of a prompt", "humour"),
    "journalism": pgettext_lazy("tag of a prompt", "journalism"),
    "law": pgettext_lazy("tag of a prompt", "law"),
    "linguistics": pgettext_lazy("tag of a prompt", "linguistics"),
    "literature": pgettext_lazy("tag of a prompt", "literature"),
    "management": pgettext_lazy("tag of a prompt", "management"),
    "marketing": pgettext_lazy("tag of a prompt", "marketing"),
    "mathematics": pgettext_lazy("tag of a prompt", "mathematics"),
    "medicine": pgettext_lazy("tag of a prompt", "medicine"),
    "military": pgettext_lazy("tag of a prompt", "military"),
    "music": pgettext_lazy("tag of a prompt", "music"),
    "philosophy": pgettext_lazy("tag of a prompt", "philosophy"),
    "physics": pgettext_lazy("tag of a prompt", "physics"),
    "programming": pgettext_lazy("tag of a prompt", "programming"),
    "psychology": pgettext_lazy("tag of a prompt", "psychology"),
    "religion": pgettext_lazy("tag of a prompt", "religion"),
    "sociology": pgettext_lazy("tag of a prompt", "sociology"),
    "sports": pgettext_lazy("tag of a prompt", "sports"),
    "statistics": pgettext_lazy("tag of a prompt", "statistics"),
    "travel": pgettext_lazy("tag of a prompt", "travel"),
    "subject": pgettext_lazy("tag of a prompt", "subject"),
    "expertise": pgettext_lazy("tag of a prompt", "expertise"),
    "open-endedness": pgettext_lazy("tag of a prompt", "open-endedness"),
    "safety": pgettext_lazy("tag of a prompt", "safety"),
    "complexity": pgettext_lazy("tag of a prompt", "complexity"),
    "English": pgettext_lazy("tag of a prompt", "English"),
    "material": pgettext_lazy("tag of a prompt", "material"),
    "format": pgettext_lazy("tag of a prompt", "format"),
    "general": pgettext_lazy("tag of a prompt", "general"),
    "basic domain": pgettext_lazy("tag of a prompt", "basic domain"),
    "expert domain": pgettext_lazy("tag of a prompt", "expert domain"),
    "no": pgettext_lazy("tag of a prompt", "no"),
    "low": pgettext_lazy("tag of a prompt", "low"),
    "moderate": pgettext_lazy("tag of a prompt", "moderate"),
    "high": pgettext_lazy("tag of a prompt", "high"),
    "safe": pgettext_lazy("tag of a prompt", "safe"),
    "simple": pgettext_lazy("tag of a prompt", "simple"),
    "complex": pgettext_lazy("tag of a prompt", "complex"),
}
