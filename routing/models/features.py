"""What routing knows of tasks: specifications of features, tags of prompts, scores of pairs."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models import Job, Judge, Project, Prompt, Response, Task

PERSON = "person"  # the tagger of a correction
MODEL = "model "  # taggers that are judges are called by their judge's id


class TextEncoder(models.Model):
    """An encoder that texts were read with, down to its weights: another name for the same weights
    is another row, and so are other weights under the same name.
    """

    name = models.CharField(max_length=300)
    weights = models.CharField(max_length=300, help_text="A hash of its files, or its id.")
    width = models.PositiveIntegerField(help_text="Numbers of an embedding.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "weights"], name="text_encoder_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class ResponseEmbedding(models.Model):
    """The mean token embedding of a response, read once by each encoder."""

    encoder = models.ForeignKey(
        TextEncoder, on_delete=models.CASCADE, related_name="embeddings", db_index=False
    )
    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="embeddings")
    values = models.BinaryField(help_text="float16, the lowest byte first.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["encoder", "response"], name="response_embedding_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"response {self.response_id} by {self.encoder}"


class FeatureSpecification(models.Model):
    """The edges that part scores into tags, frozen from a reference pool. Never changed: what was
    decided under it means the same for ever.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="feature_specs")
    version = models.PositiveIntegerField()
    body = models.JSONField(help_text="As routing.features.spec.FeatureSpec writes it.")
    pool = models.PositiveIntegerField(help_text="Tasks that the edges were taken from.")
    encoder = models.ForeignKey(
        TextEncoder,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="specifications",
        db_index=False,
        help_text="Empty: without embeddings; three scores are unknown.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="feature_spec_unique"),
            models.CheckConstraint(name="feature_spec_pool_range", condition=Q(pool__gte=1)),
        ]

    def __str__(self) -> str:
        return f"features v{self.version}"


class PromptTagging(models.Model):
    """What a tagger, or the person who corrected it, says of a prompt. A correction stands above
    every tagger's answer, and a new tagger's answer beside the old one's.
    """

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="taggings")
    tagger = models.CharField(max_length=60)
    answer = models.JSONField(help_text="The questions of routing.features.tagger, answered.")
    corrected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prompt", "tagger"], name="prompt_tagging_unique"),
            models.CheckConstraint(
                name="prompt_tagging_person_known",
                condition=Q(tagger=PERSON, corrected_by__isnull=False)
                | ~Q(tagger=PERSON) & Q(corrected_by=None),
            ),
        ]

    def __str__(self) -> str:
        return f"tags of prompt {self.prompt_id} by {self.tagger}"


class TaggerChoice(models.Model):
    """Who tags a project's prompts: a judge, or the rules where there is no row."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="tagger_choice")
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="+", db_index=False)

    def __str__(self) -> str:
        return f"{self.judge} tags"

    @property
    def tagger(self) -> str:
        """The name under which its answers are kept."""
        return model_tagger(self.judge_id)


def model_tagger(judge_id: int) -> str:
    return f"{MODEL}{judge_id}"


class TagCorrection(models.Model):
    """One deed of a person on a prompt's tags: a correction, or its withdrawal (no answer).
    Append-only; the correction that counts now stands in PromptTagging.
    """

    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="tag_corrections")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"correction {self.pk} of prompt {self.prompt_id}"


class InstanceFeatures(models.Model):
    """The nine scores of one task under a specification, computed once; null: unknown."""

    spec = models.ForeignKey(
        FeatureSpecification, on_delete=models.CASCADE, related_name="instances", db_index=False
    )
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="routing_features")
    scores = ArrayField(models.FloatField(null=True))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["spec", "task"], name="instance_features_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.spec} of task {self.task_id}"


class FeatureRun(Job):
    """Features of all tasks of a project that have none under the specification yet."""

    task_name = "routing.tasks.run_features"
    queue = "serving"  # whose workers can read texts with an encoder

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="feature_runs")
    spec = models.ForeignKey(FeatureSpecification, on_delete=models.CASCADE, related_name="runs")
    rows_per_second = models.FloatField(null=True, help_text=_("Of the whole run."))

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            models.UniqueConstraint(
                fields=["project"],
                name="featurerun_one_at_a_time",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"feature run {self.pk}"
