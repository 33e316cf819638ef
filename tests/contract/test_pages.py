"""What pages can do, programs can do: each page that takes a POST, and its REST operation."""

from collections.abc import Callable, Iterator
from typing import Any

from django.urls import URLResolver, get_resolver

from annotate.api.docs import openapi_document

METHODS = ("post", "put", "patch", "delete")
READING = {"GET", "HEAD", "OPTIONS"}
NOT_PAGES = ("api/", "admin/")

# By the name of the page's address: the operations that do the same.
DONE_BY = {
    "accept_gold": "set_gold",
    "add_member": "add_member",
    "amend_answer": "review_judgement",
    "answer_practice": "answer_practice",
    "archive_project": "archive_project",
    "ask_again": "ask_member_again",
    "begin_practice": "begin_practice",
    "begin_second_look": "start_second_look",
    "cancel_board": "cancel_board_run",
    "cancel_evaluation": "cancel_evaluation",
    "cancel_factors": "cancel_factor_report",
    "cancel_features": "cancel_features",
    "cancel_fit": "cancel_policy_fit",
    "cancel_import": "cancel_import",
    "cancel_judge_run": "cancel_judge_run",
    "cancel_loop": "cancel_loop",
    "cancel_pass": "cancel_routing",
    "cancel_preferences": "cancel_preference_features",
    "cancel_principles": "cancel_judge_run",
    "cancel_quality": "cancel_quality",
    "cancel_ranking": "cancel_ranking",
    "cancel_run": "cancel_training_run",
    "cancel_second_look": "cancel_second_look",
    "cancel_simulation": "cancel_simulation",
    "change_gold": "change_gold",
    "change_panel": "change_panel_study",
    "change_role": "change_member",
    "change_state": "change_project",
    "chat_models": "add_chat_model",
    "comparisons": "set_comparison_plan",
    "compute_board": "compute_board",
    "compute_factors": "compute_factors",
    "compute_features": "start_features",
    "compute_quality": "compute_quality",
    "consent": "give_consent save_own_profile",
    "count_simulated": "set_people_counted",
    "create_invitation": "create_invitation",
    "create_loop": "create_loop",
    "create_panel": "create_panel_study",
    "create_project": "create_project",
    "create_project_token": "create_project_token",
    "create_snapshot": "create_snapshot",
    "create_team": "create_team",
    "create_token": "create_own_token",
    "criteria": "save_criterion",
    "decide_answer": "review_judgement",
    "decide_chosen": "review_judgements",
    "delete_evaluation_set": "delete_evaluation_set",
    "delete_media": "delete_media",
    "delete_schedule": "delete_schedule",
    "delete_team": "delete_team",
    "delete_webhook": "delete_webhook",
    "discussion": "add_note",
    "draft_criteria": "start_judge_run",
    "edit_loop": "change_loop",
    "edit_member": "change_member",
    "end_norming": "end_norming_session",
    "end_old_webhook_secret": "end_old_webhook_secret",
    "evaluation_set": "start_evaluation",
    "evaluations": "add_evaluation_set",
    "extend_sample": "draw_sample",
    "find_preferences": "find_preference_features",
    "find_principles": "start_judge_run",
    "go_on_loop": "go_on_loop",
    "grade_output": "grade_output",
    "imports": "import_file",
    "judge": "set_judge_limits",
    "judges": "save_judge",
    "known_answer": "set_gold",
    "let_in": "let_member_in",
    "media": "upload_media",
    "move_criterion": "set_criterion_state",
    "norming_sessions": "start_norming_session",
    "open_experts_tasks": "open_tasks_of_experts",
    "open_panel": "change_panel_study",
    "overrule_guard": "overrule_loop_guard",
    "pause_loop": "pause_loop",
    "pause_member": "pause_member",
    "policies": "fit_policy",
    "preview_import": "import_file",
    "promote": "promote_model_version",
    "promote_policy": "promote_routing_policy",
    "prompt_tags": "correct_prompt_tags",
    "publish_board": "publish_board",
    "rank_now": "start_ranking",
    "read_mentions": "read_mentions",
    "release_participant": "release_participant",
    "remove_member": "remove_member",
    "remove_pay_rate": "remove_pay_rate",
    "rename_team": "rename_team",
    "renew_lease": "renew_seat",
    "replay_deliveries": "replay_webhook_deliveries",
    "resume_loop": "resume_loop",
    "resume_member": "resume_member",
    "retire_chat_model": "retire_chat_model",
    "retire_gold": "retire_gold",
    "revise_judgement": "revise_judgement",
    "revoke_invitation": "revoke_invitation",
    "revoke_project_token": "revoke_project_token",
    "revoke_token": "revoke_own_token",
    "roll_back": "roll_back_model",
    "roll_back_loop": "roll_back_loop",
    "rotate_webhook_secret": "rotate_webhook_secret",
    "routing": "save_routing_policy",
    "save_draft": "save_draft",
    "save_length": "save_judge",
    "save_prices": "set_label_prices",
    "save_principles": "save_judge",
    "save_tagger": "choose_tagger",
    "schedule": "change_schedule",
    "schedule_dpo": "create_schedule",
    "schedule_reward_model": "create_schedule",
    "second_looks": "start_second_look",
    "selection": "choose_selection",
    "send_media": "upload_media",
    "set_check_rules": "change_rules",
    "set_consent": "set_consent",
    "set_limit_rules": "change_rules",
    "set_pay_rate": "set_pay_rate",
    "set_practice_rules": "change_rules",
    "set_questions": "set_profile_questions",
    "settings": "change_project",
    "shadow_policy": "shadow_routing_policy",
    "signals": "set_signal_rules",
    "simulator": "start_simulation",
    "skip_seat": "skip_seat",
    "start_alignment": "start_judge_run",
    "start_dpo": "start_training_run",
    "start_judge": "start_judge_run",
    "start_judge_test": "test_judge",
    "start_pass": "start_routing",
    "start_reward_model": "start_training_run",
    "stop_routing": "retire_routing_policy",
    "stop_selection": "stop_selection",
    "submit_judgement": "submit_judgement",
    "switch_webhook": "change_webhook",
    "take_back_second_look": "take_back_second_look",
    "test_webhook": "test_webhook",
    "training_limits": "change_training_limits",
    "try_model": "try_chat_model",
    "webhook": "change_webhook",
    "webhooks": "create_webhook",
    "withdraw_consent": "withdraw_consent",
    "withdraw_tags": "withdraw_prompt_tags",
}
# What programs are not to do, and why.
PEOPLE_ALONE = {
    "login": "makes a session; programs have tokens",
    "logout": "ends a session",
    "change_language": "of the pages",
    "change_password": "asks for the old one, which no program should hold",
    "delete_account": "asks for name and password, which no program should hold",
    "create_account": "shows a password to be handed on; programs send invitations",
    "join": "a person takes the invitation up, in a new session or an account",
    "leave_to_join": "changes the session's account",
    "panel_entry": "a participant comes in by the panel's link",
    "leave_panel": "a participant goes back to the panel",
    "preview_form": "draws the form, which is HTML",
    "answer_preview": "shows what the drawn form would send",
    "preview_project_form": "draws the form, which is HTML",
    "answer_project_preview": "shows what the drawn form would send",
    "send_message": "a conversation is held by a person, who must see it",
    "chat_reply": "streams into the conversation's page",
    "stop_reply": "is of the conversation's page",
}


def test_each_page_that_changes_something_names_its_operation() -> None:
    pages = {name for name, view in _pages(get_resolver()) if _takes_post(view)}
    assert len(pages) > 150
    assert set(DONE_BY) & set(PEOPLE_ALONE) == set()
    unnamed = pages - set(DONE_BY) - set(PEOPLE_ALONE)
    assert not unnamed, "name the REST operation in DONE_BY, or why there is none in PEOPLE_ALONE"
    assert set(DONE_BY) | set(PEOPLE_ALONE) == pages  # no page is left that is there no more


def test_each_operation_that_is_named_is_there() -> None:
    there = {
        operation["operationId"]
        for item in openapi_document()["paths"].values()
        for method, operation in item.items()
        if method in METHODS
    }
    named = {one for names in DONE_BY.values() for one in names.split()}
    assert len(named) > 110
    assert named <= there


def _pages(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for one in resolver.url_patterns:
        path = before + str(one.pattern)
        if path.startswith(NOT_PAGES):
            continue
        if isinstance(one, URLResolver):
            yield from _pages(one, path)
        else:
            yield str(one.name), one.callback


def _takes_post(view: Any) -> bool:
    """As its require_http_methods says, under other decorators; without one it takes all."""
    while view is not None:
        names = getattr(getattr(view, "__code__", None), "co_freevars", ())
        if "request_method_list" in names:
            allowed = view.__closure__[names.index("request_method_list")].cell_contents
            return bool(set(allowed) - READING)
        view = getattr(view, "__wrapped__", None)
    return True
