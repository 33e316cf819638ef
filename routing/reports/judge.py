"""How each judge of a project stands: its account, its calls by state, what they cost."""

from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Avg, Count, Q, Sum

from annotate.models import Judge, Project
from routing.models import JudgeAccount, JudgeCall
from routing.pages.judge_forms import KINDS

NOTHING = Decimal(0)


@dataclass
class Standing:
    """One version. `account` is that of all versions of its name; it may be unsaved.

    seconds: of a call that was answered, on average; None before the first.
    """

    judge: Judge
    account: JudgeAccount
    calls: dict[str, int] = field(default_factory=lambda: dict.fromkeys(JudgeCall.State.values, 0))
    cost: Decimal = NOTHING
    is_newest: bool = False
    seconds: float | None = None

    @property
    def kind(self) -> str:
        """As the pages call it; its name where they have no word for it."""
        return str(KINDS.get(self.judge.kind, self.judge.kind))

    @property
    def cost_per_call(self) -> Decimal | None:
        """Dollars on average, failed calls among them, over those that are over."""
        over = sum(n for state, n in self.calls.items() if state != JudgeCall.State.ASKED)
        return self.cost / over if over else None


def standings(project: Project, *, with_calls: bool = True) -> list[Standing]:
    """By name, the newest version first. Three queries, whatever the number of judges.

    Two without calls and cost, which take longer the more calls there are.
    """
    accounts = {one.name: one for one in JudgeAccount.objects.filter(project=project)}
    found: dict[int, Standing] = {}
    newest: set[str] = set()
    for judge in Judge.objects.filter(project=project).order_by("name", "-version"):
        judge.project = project
        account = accounts.get(judge.name) or JudgeAccount(project=project, name=judge.name)
        found[judge.pk] = Standing(judge, account, is_newest=judge.name not in newest)
        newest.add(judge.name)
    if not with_calls:
        return list(found.values())
    rows = JudgeCall.objects.filter(judge__in=list(found)).order_by()
    took = Avg("seconds", filter=Q(state=JudgeCall.State.ANSWERED))
    counted = rows.values("judge", "state").annotate(n=Count("pk"), cost=Sum("cost"), took=took)
    for row in counted:
        standing = found[row["judge"]]
        standing.calls[row["state"]] = row["n"]
        standing.seconds = row["took"] if row["took"] is not None else standing.seconds
        standing.cost += row["cost"]
    return list(found.values())
