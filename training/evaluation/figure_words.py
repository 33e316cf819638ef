"""The names that a model card gives to figures, for the catalogues. Pure."""

from collections.abc import Callable

from annotate.wording import Told, translatable

KNOWN = frozenset(
    (
        # Of pairs and their sources.
        translatable("rows"),
        translatable("ties"),
        translatable("accuracy"),
        translatable("accuracy by source"),
        translatable("person"),
        translatable("judge"),
        translatable("imported"),
        translatable("log loss"),
        translatable("log loss before temperature"),
        translatable("ece"),
        translatable("ece before temperature"),
        translatable("temperature"),
        translatable("length only accuracy"),
        translatable("length only slope"),
        translatable("length correlation"),
        translatable("against length only"),
        translatable("only a"),
        translatable("only b"),
        translatable("p value"),
        # Of heads that know who judged, and of lists.
        translatable("accuracy without person"),
        translatable("log loss without person"),
        translatable("ece without person"),
        translatable("temperature without person"),
        translatable("lists"),
        translatable("mean list length"),
        translatable("list loss"),
        translatable("kendall tau"),
        # Of ensembles, of heads that know who judged, and of ratings.
        translatable("accuracy of mean"),
        translatable("mean deviation of gap"),
        translatable("people"),
        translatable("rows of known people"),
        translatable("by criterion"),
        translatable("squared error"),
        translatable("squared error of mean"),
        # Of segments.
        translatable("by category"),
        translatable("wrong"),
        translatable("majority accuracy"),
        translatable("precision"),
        translatable("recall"),
        translatable("f1"),
        translatable("f1 of always wrong"),
        translatable("auc"),
        translatable("pair accuracy"),
        # Of policies.
        translatable("reward accuracy"),
        translatable("reward margin"),
        translatable("reference accuracy"),
        translatable("logp chosen"),
        translatable("logp chosen reference"),
        translatable("logp chosen change"),
        translatable("logp rejected change"),
        translatable("drift"),
        translatable("prompts"),
        translatable("kl"),
        translatable("kl standard error"),
        translatable("kl per token"),
        translatable("mean tokens"),
        translatable("mean tokens reference"),
        translatable("win rate"),
        translatable("win rate by"),
        translatable("win rate failure"),
        # Of policies that learn from votes and from more than responses to one prompt.
        translatable("votes"),
        translatable("good"),
        translatable("bad"),
        translatable("logp good change"),
        translatable("logp bad change"),
        translatable("separation"),
        translatable("feedback"),
        translatable("criticised"),
        translatable("critique contrast"),
        translatable("critique contrast reference"),
        translatable("phrase accuracy"),
        translatable("phrase accuracy reference"),
        translatable("phrase contrast"),
        translatable("reasons"),
        translatable("logp reasons change"),
        translatable("kept responses"),
        translatable("logp kept change"),
        translatable("joint pairs"),
        translatable("joint accuracy"),
        translatable("joint margin"),
        translatable("margin others agree"),
        translatable("margin others disagree"),
        translatable("weighted accuracy"),
    )
)


def figure_words(name: str, say: Callable[[Told], str]) -> str:
    """Of a name in the metrics; as it is, with blanks, where the catalogues lack it."""
    words = name.replace("_", " ")
    return say(Told(words)) if words in KNOWN else words
