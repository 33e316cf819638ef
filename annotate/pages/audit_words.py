"""The audit trail in the reader's words; what has none here is shown as it is kept.

REST and programs read the names: project.created, `before`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from annotate.interchange.registry import FORMATS
from annotate.models import Membership, Project, Review

DEEDS: dict[str, str | Promise] = {
    "board.cancel_asked": _("Leaderboard: cancelling asked for"),
    "board.published": _("Leaderboard published"),
    "board.queued": _("Leaderboard asked for"),
    "chat_model.added": _("Chat model added"),
    "chat_model.retired": _("Chat model retired"),
    "consent.changed": _("Text of the consent changed"),
    "consent.ended": _("Consent no longer asked for"),
    "consent.given": _("Consent given"),
    "consent.withdrawn": _("Consent withdrawn"),
    "gold.changed": _("Known answer changed"),
    "gold.retired": _("Known answer not used any more"),
    "gold.set": _("Known answer set"),
    "task.skills_set": _("Skills that a task asks for changed"),
    "discussion.reopened": _("Discussion opened again"),
    "discussion.resolved": _("Discussion resolved"),
    "comparisons.plan_set": _("Comparison plan changed"),
    "import.cancel_asked": _("Import: cancelling asked for"),
    "import.finished": _("Import finished"),
    "import.queued": _("Import asked for"),
    "invitation.created": _("Invitation made"),
    "invitation.revoked": _("Invitation revoked"),
    "panel.changed": _("Study of a panel changed"),
    "panel.created": _("Study of a panel made"),
    "panel.ended": _("Participation ended"),
    "panel.entered": _("Came in by a panel"),
    "identity.connected": _("Account connected with a provider"),
    "identity.signed_in": _("Signed in through a provider"),
    "identity.disconnected": _("Account disconnected from a provider"),
    "judge.cancel_asked": _("Judge’s run: cancelling asked for"),
    "judge.criterion_accepted": _("Criterion accepted"),
    "judge.criterion_retired": _("Criterion retired"),
    "judge.criterion_saved": _("Criterion saved"),
    "judge.limits_set": _("Judge’s limits set"),
    "judge.output_graded": _("Output graded"),
    "judge.run_queued": _("Judge’s run asked for"),
    "judge.sample_drawn": _("Outputs drawn for grading"),
    "judge.saved": _("Judge saved"),
    "judge.test_queued": _("Judge’s test asked for"),
    "judgement.reviewed": _("Judgement reviewed"),
    "judgement.revised": _("Judgement revised"),
    "media.added": _("Media file added"),
    "media.deleted": _("Media file deleted"),
    "media.named": _("Media file given a name"),
    "member.added": _("Member added"),
    "member.asked_again": _("Member asked for training and quiz again"),
    "member.changed": _("Member changed"),
    "member.joined": _("Member came by an invitation"),
    "member.let_in": _("Member taken as qualified"),
    "member.paused": _("Member paused"),
    "member.removed": _("Member removed"),
    "member.resumed": _("Member goes on"),
    "member.role_changed": _("Role of a member changed"),
    "member.simulated": _("Simulated member added"),
    "norming.ended": _("Norming session ended"),
    "norming.started": _("Norming session started"),
    "password.changed": _("Password changed"),
    "profile.answers_expired": _("Answers on themselves deleted: their last day is over"),
    "profile.questions_set": _("Questions on themselves set"),
    "pay.removed": _("Rate of pay removed"),
    "pay.set": _("Rate of pay set"),
    "preference_features.cancel_asked": _("Features of preferences: asked to stop"),
    "preference_features.queued": _("Features of preferences asked for"),
    "project.archived": _("Project archived"),
    "project.created": _("Project created"),
    "project.updated": _("Project changed"),
    "factors.cancel_asked": _("Factor report: cancelling asked for"),
    "factors.queued": _("Factor report asked for"),
    "quality.cancel_asked": _("Quality report: cancelling asked for"),
    "quality.queued": _("Quality report asked for"),
    "quiz.ended": _("Try at the quiz ended"),
    "routing.cancel_asked": _("Routing: cancelling asked for"),
    "routing.features_queued": _("Signals asked for"),
    "routing.fit_queued": _("Fit of a policy asked for"),
    "routing.people_counted": _("Simulated people counted, or left out"),
    "routing.policy_fitted": _("Routing policy fitted"),
    "routing.policy_in_shadow": _("Routing policy put into shadow"),
    "routing.policy_promoted": _("Routing policy put in force"),
    "routing.policy_retired": _("Routing policy retired"),
    "routing.policy_saved": _("Routing policy saved"),
    "routing.prices_set": _("Prices of labels set"),
    "routing.ranking_queued": _("Order of tasks asked for"),
    "routing.opened_to_everybody": _("Tasks for experts alone given to everybody"),
    "routing.run_queued": _("Pass of routing asked for"),
    "routing.second_look_done": _("Second look finished"),
    "routing.second_look_queued": _("Second look asked for"),
    "routing.second_look_taken_back": _("Second look taken back"),
    "routing.simulation_queued": _("Simulation asked for"),
    "routing.strategy_chosen": _("Order of tasks chosen"),
    "routing.tagger_chosen": _("Tagger chosen"),
    "routing.tags_corrected": _("Tags corrected"),
    "routing.tags_correction_withdrawn": _("Correction of tags withdrawn"),
    "rules.changed": _("Rules of work changed"),
    "seats.released": _("Tasks in hand given to others"),
    "signals.rules_set": _("Rules for signals changed"),
    "snapshot.created": _("Snapshot taken"),
    "team.created": _("Team made"),
    "team.deleted": _("Team dissolved"),
    "team.renamed": _("Team renamed"),
    "token.issued": _("API token issued"),
    "token.revoked": _("API token revoked"),
    "training.evaluation_queued": _("Evaluation asked for"),
    "training.evaluation_set_added": _("Evaluation set added"),
    "training.evaluation_set_deleted": _("Evaluation set deleted"),
    "training.limits_saved": _("Limits of training saved"),
    "training.loop_cancelled": _("Loop cancelled"),
    "training.loop_changed": _("Loop changed"),
    "training.loop_created": _("Loop begun"),
    "training.loop_guard_overruled": _("Loop: guard overruled"),
    "training.loop_paused": _("Loop paused"),
    "training.loop_resumed": _("Loop resumed"),
    "training.loop_rolled_back": _("Loop rolled back"),
    "training.loop_round_began": _("Loop: round began"),
    "training.loop_round_ended": _("Loop: round ended"),
    "training.loop_stopped": _("Loop stopped by a guard"),
    "training.loop_version_kept_out": _("Loop: version kept out of service"),
    "training.loop_went_on": _("Loop went on"),
    "training.matchmaking_queued": _("Matches of models asked for"),
    "training.model_promoted": _("Model put into service"),
    "training.model_registered": _("Model registered"),
    "training.model_rolled_back": _("Model rolled back"),
    "training.run_cancelled": _("Training run cancelled"),
    "training.run_queued": _("Training run asked for"),
    "training.sampling_queued": _("Sampling asked for"),
    "training.schedule_changed": _("Schedule changed"),
    "training.schedule_created": _("Schedule created"),
    "training.schedule_deleted": _("Schedule deleted"),
    "training.schedule_failed": _("Schedule could not start its run"),
    "user.created": _("Account created"),
    "user.deleted": _("Account deleted by its person"),
    "user.registered": _("Account made by an invited person"),
    "user.signed_up": _("Account made by signing in through a provider"),
    "webhook.changed": _("Webhook changed"),
    "webhook.created": _("Webhook added"),
    "webhook.deleted": _("Webhook deleted"),
    "webhook.old_secret_ended": _("Webhook: old secret ended"),
    "webhook.replayed": _("Webhook: deliveries replayed"),
    "webhook.secret_changed": _("Webhook: another secret"),
    "webhook.switched_off": _("Webhook switched off by the server"),
}

# What a deed was done to: the model's name without its app.
OBJECTS: dict[str, str | Promise] = {
    "ApiToken": _("API token"),
    "Board": _("Leaderboard"),
    "BoardRun": _("Leaderboard"),
    "FactorRun": _("Factor report"),
    "PreferenceFeatureRun": _("Features of preferences"),
    "ChatModel": _("Chat model"),
    "ConsentText": _("Consent"),
    "Criterion": pgettext_lazy("object of the audit trail", "Criterion"),
    "EvaluationRun": _("Evaluation"),
    "EvaluationSet": _("Evaluation set"),
    "FeatureRun": _("Reading of signals"),
    "ImportRun": _("Import"),
    "Invitation": _("Invitation"),
    "Judge": _("Judge"),
    "JudgeAccount": _("Judge’s account"),
    "JudgeRun": _("Judge’s run"),
    "JudgeTestRun": _("Judge’s test"),
    "Judgement": _("Judgement"),
    "LabelPrices": _("Prices of labels"),
    "Loop": _("Loop"),
    "Matchmaking": _("Matches of models"),
    "MediaFile": _("Media file"),
    "Membership": _("Member"),
    "ModelVersion": _("Model version"),
    "NormingSession": _("Norming session"),
    "PolicyFit": _("Fit of a policy"),
    "PolicySimulation": _("Simulation"),
    "PayRate": _("Rate of pay"),
    "PracticeRun": _("Quiz"),
    "Project": _("Project"),
    "Prompt": _("Prompt"),
    "ProviderIdentity": _("Identity at a provider"),
    "QualityRun": _("Quality report"),
    "RoutingPolicy": _("Routing policy"),
    "RoutingRun": _("Pass of routing"),
    "Schedule": _("Schedule"),
    "SampledOutput": _("Graded output"),
    "SamplingRun": _("Sampling"),
    "SecondLook": _("Second look"),
    "SelectionRun": _("Order of tasks"),
    "Snapshot": _("Snapshot"),
    "Team": _("Team"),
    "TrainingLimits": _("Limits of training"),
    "TrainingRun": _("Training run"),
    "User": pgettext_lazy("object of the audit trail", "User"),
    "Webhook": _("Webhook"),
}

# What is told of it. Names of settings that only programs have are shown as they are.
FIELDS: dict[str, str | Promise] = {
    "after": _("after"),
    "answers_deleted": _("answers deleted"),
    "amended": _("judgement by the reviewer"),
    "ahead": _("Open tasks to keep"),
    "anyway": _("reason to go on all the same"),
    "attempts": _("Attempts of one call"),
    "audit_share": _("share audited"),
    "base_url": _("Base URL"),
    "before": _("before"),
    "board_readers": _("Who sees published leaderboards"),
    "concurrency": _("Calls at a time"),
    "config": _("Configuration"),
    "created": _("created"),
    "cron": _("At times (cron)"),
    "decision": _("decision"),
    "description": _("Description"),
    "device_hours": _("hours of the device"),
    "domains": _("domains"),
    "drift_above": _("When what is judged drifts by more than"),
    "enabled": _("Enabled"),
    "epsilon": _("benefit of the judge (epsilon)"),
    "error": _("error"),
    "error_count": _("rows refused"),
    "events": _("Events"),
    "every_hours": _("Every so many hours"),
    "every_judgements": _("After so many new judgements"),
    "format": _("Format"),
    "gate": _("gate"),
    "gold_floor": _("Pause who has fewer right than, %"),
    "gold_floor_from": _("Over how many hidden items"),
    "gold_percent": _("Hidden items, % of what each person gets"),
    "guard": _("guard"),
    "guards": _("guards"),
    "guidelines": _("Guidelines"),
    "input_price": _("Price of a million tokens sent, $"),
    "instead": _("settled by judgement"),
    "instead_of": _("instead of version"),
    "invitation": _("Invitation"),
    "is_on": _("On"),
    "judge": _("Judge"),
    "judges": _("judges"),
    "key_name": _("Key"),
    "judgement": _("Judgement"),
    "kind": _("Kind"),
    "kind_settings": _("what is asked"),
    "labels_wanted": _("People’s labels a round"),
    "lease_seconds": _("seconds for one task"),
    "languages": _("Languages"),
    "license": _("Licence of the data"),
    "left_out": _("left out"),
    "max_uses": _("How many people may use it"),
    "model": _("Model"),
    "name": _("Name"),
    "keep_days": _("Days that they are kept"),
    "noise": _("How often they are wrong"),
    "number": _("number"),
    "on_routing": _("When people contradict the AI judge more than it expects"),
    "order": _("Order of tasks"),
    "output_price": _("Price of a million tokens answered, $"),
    "outputs": _("outputs"),
    "overlap": _("People per task"),
    "overlap_most": _("At most, where answers differ"),
    "overlap_threshold": _("Clear enough at"),
    "own_figures": _("Show annotators their own figures"),
    "parameters": _("Parameters"),
    "patience": _("Seconds for one call"),
    "people": _("people"),
    "period": _("The budget is for"),
    "policy_config": _("configuration of the policy"),
    "provider": _("Provider"),
    "purpose": _("Purpose"),
    "questions": _("Questions"),
    "quiet_from": _("quiet from"),
    "quiet_until": _("quiet until"),
    "reason": _("reason"),
    "recipe": _("recipe"),
    "requests_per_minute": _("Requests per minute"),
    "reward_config": _("configuration of the reward model"),
    "review_names": _("Reviewers see whose answer it is by"),
    "review_percent": _("Answers that need a reviewer, %"),
    "role": _("Role"),
    "round": _("round"),
    "rounds_wanted": _("Rounds"),
    "rows": _("rows"),
    "rules": _("rules"),
    "run": _("run"),
    "sampling": _("Sampling"),
    "schedule": _("Schedule"),
    "scopes": _("It may"),
    "seed": _("Seed"),
    "settings": _("settings"),
    "shows_answers": _("managers may see single answers"),
    "compares_groups": _("leaderboards by group are allowed"),
    "skills": _("Skills"),
    "skipped": _("skipped"),
    "spending_limit": _("Spending limit, $"),
    "state": _("State"),
    "strategy": _("order"),
    "supersedes": _("instead of judgement"),
    "team": _("Team"),
    "test_percent": _("Held out for evaluation, % of prompts"),
    "text": _("text"),
    "threshold": _("threshold"),
    "tier": _("Tier"),
    "time_zone": _("time zone"),
    "to_round": _("back to round"),
    "tokens_per_minute": _("Tokens per minute"),
    "unknown_reason": _("Why a version serves where the gate knows nothing"),
    "until": _("until"),
    "updated": _("updated"),
    "url": _("Address"),
    "user": _("account"),
    "version": _("Version"),
    "why": _("why"),
}


# Values that pages have words for, by field; others are shown as they are.
VALUES: dict[str, dict[str, str | Promise]] = {
    "format": {name: _(one.title) for name, one in FORMATS.items()},
    "decision": dict(Review.Decision.choices),
    "review_names": dict(Project.ReviewNames.choices),
    "role": dict(Membership.Role.choices),
    "tier": dict(Membership.Tier.choices),
    "before": dict(Membership.Role.choices),  # of a member's role
    "after": dict(Membership.Role.choices),
}


def deed_words(action: str) -> str:
    """Such as "Project created" for project.created."""
    return str(DEEDS.get(action, action))


def object_words(label: str) -> str:
    """Of a model's label, such as annotate.Project."""
    name = label.rpartition(".")[2]
    return str(OBJECTS.get(name, name))


@dataclass(frozen=True)
class Line:
    """One field of what is told; of a change also what it was before."""

    field: str
    value: Any
    is_change: bool = False
    before: Any = None


def detail_lines(detail: Mapping[str, Any]) -> list[Line]:
    """What is told of a deed; a change field by field."""
    before, after = detail.get("before"), detail.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [Line(field_words(name), value_words(name, value)) for name, value in detail.items()]
    others = {name: value for name, value in detail.items() if name not in ("before", "after")}
    changes = [
        Line(
            field_words(name),
            value_words(name, after.get(name)),
            is_change=True,
            before=value_words(name, before.get(name)),
        )
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
    return [
        *changes,
        *(Line(field_words(name), value_words(name, value)) for name, value in others.items()),
    ]


def value_words(field: str, value: Any) -> Any:
    """Of a field's value; as it is where only programs have words for it."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or None
    words = VALUES.get(field, {}).get(value) if isinstance(value, str) else None
    return value if words is None else str(words)


def field_words(name: str) -> str:
    """Of a setting; its name where only programs have one."""
    return str(FIELDS.get(name, name))
