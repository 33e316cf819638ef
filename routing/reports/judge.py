"""How each judge of a project stands: its account, its calls by state, what they cost."""

from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Sum

from annotate.models import Judge, Project
from routing.models import JudgeAccount, JudgeCall
from routing.pages.judge_forms import KINDS

NOTHING = Decimal(0)


@dataclass
class Standing:
    """One version. `account` is that of all versions of its name; it may be unsaved."""

    judge: Judge
    account: JudgeAccount
    calls: dict[str, int] = field(default_factory=lambda: dict.fromkeys(JudgeCall.State.values, 0))
    cost: Decimal = NOTHING
    is_newest: bool = False

    @property
    def kind(self) -> str:
        """As the pages call it; its name where they have no word for it."""
        return str(KINDS.get(self.judge.kind, self.judge.kind))


def standings(project: Project) -> list[Standing]:
    """By name, the newest version first. Three queries, whatever the number of judges."""
    accounts = {one.name: one for one in JudgeAccount.objects.filter(project=project)}
    found: dict[int, Standing] = {}
    newest: set[str] = set()
    for judge in Judge.objects.filter(project=project).order_by("name", "-version"):
        judge.project = project
        account = accounts.get(judge.name) or JudgeAccount(project=project, name=judge.name)
        found[judge.pk] = Standing(judge, account, is_newest=judge.name not in newest)
        newest.add(judge.name)
    rows = JudgeCall.objects.filter(judge__in=list(found)).order_by()
    for row in rows.values("judge", "state").annotate(n=Count("pk"), cost=Sum("cost")):
        standing = found[row["judge"]]
        standing.calls[row["state"]] = row["n"]
        standing.cost += row["cost"]
    return list(found.values())
