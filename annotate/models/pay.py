"""What people are paid for a project's work."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models.project import Project


class PayRate(models.Model):
    """The pay of one tier of a project's people, or of all for whom there is no rate of their tier.

    `bonus_percent` is added to the pay of whoever answered at least `bonus_share` percent of the
    hidden items of the period right, and `bonus_from` of them in all.
    """

    class Basis(models.TextChoices):
        PIECE = "piece", _("A judgement")
        HOUR = "hour", _("An hour at work")

    # Look-ups by project go through pay_rate_tier.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="pay_rates", db_index=False
    )
    tier = models.CharField(max_length=16, blank=True, help_text="Empty: everybody else.")
    basis = models.CharField(max_length=8, choices=Basis.choices)
    amount = models.DecimalField(max_digits=10, decimal_places=4)
    currency = models.CharField(max_length=3, help_text="ISO 4217, such as EUR.")
    bonus_percent = models.PositiveSmallIntegerField(default=0, help_text="Of the pay; 0: none.")
    bonus_share = models.PositiveSmallIntegerField(default=90)
    bonus_from = models.PositiveSmallIntegerField(default=10)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "tier"], name="pay_rate_tier"),
            models.CheckConstraint(
                name="pay_rate_basis_known", condition=Q(basis__in=["piece", "hour"])
            ),
            models.CheckConstraint(name="pay_rate_amount_from_zero", condition=Q(amount__gte=0)),
            models.CheckConstraint(
                name="pay_rate_bonus_range",
                condition=Q(bonus_percent__lte=1000, bonus_share__lte=100, bonus_from__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} for {self.basis} in {self.project_id}"
