"""training/PAPERS.md tells the truth: files that hold the formula, configurations that are taken,
and no method or paper of the code is left out.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings

from training.losses.registry import DIVERGENCES, POLICY_LOSSES
from training.recipes.config import OBJECTIVE_DATA, PEOPLE_AS, RewardModelConfig
from training.recipes.dpo_config import PAIRS_FROM, DpoConfig

ROOT = Path(settings.BASE_DIR)
TRAINING = ROOT / "training"
ARXIV = re.compile(r"\b\d{4}\.\d{4,5}\b")
CODE = re.compile(r"`([^`]+)`")
CONFIGS = (RewardModelConfig, DpoConfig)
NO_FIELD = {"density_ratio", "guards.diversity_drop", "guards.gap"}  # a judge's kind, the loop's


class Row(NamedTuple):
    method: str
    paper: str
    files: list[str]
    configuration: str
    held_to: str

    @property
    def codes(self) -> list[str]:
        return CODE.findall(self.configuration)


def rows() -> list[Row]:
    text = (TRAINING / "PAPERS.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    table = lines[1 : next(n for n, line in enumerate(lines) if n and line.startswith("| model"))]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table]
    return [Row(one[0], one[1], CODE.findall(one[2]), *one[3:]) for one in cells]


ROWS = rows()


def values_of(code: str) -> dict[str, Any]:
    """What a configuration names: `beta` and `beta=…` without a value, `"apo_down"` as a loss."""
    if code.startswith('"'):
        return {"loss": ast.literal_eval(code)}
    call = re.fullmatch(r"\w+\((.*)\)", code)
    inside = (call[1] if call else code).replace("…", "...")
    if "=" not in inside:
        return {inside: ...}
    parsed = ast.parse(f"f({inside})", mode="eval").body
    assert isinstance(parsed, ast.Call)
    return {str(one.arg): ast.literal_eval(one.value) for one in parsed.keywords}


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def losses() -> list[tuple[Path, ast.FunctionDef]]:
    files = sorted((TRAINING / "losses").glob("*.py"))
    return [(path, one) for path in files for one in functions(path)]


@pytest.mark.parametrize("row", ROWS, ids=[f"{n} {row.method}" for n, row in enumerate(ROWS)])
def test_every_row_names_a_paper_files_and_a_reference_value(row: Row) -> None:
    assert re.search(r"\b(1[89]|20)\d\d\b", row.paper), "a year"
    assert row.files
    for name in row.files:
        assert (TRAINING / name).is_file() or (ROOT / name).is_file(), name
    assert len(row.held_to) >= 5


@pytest.mark.parametrize("row", ROWS, ids=[f"{n} {row.method}" for n, row in enumerate(ROWS)])
def test_every_configuration_is_taken(row: Row) -> None:
    known = {config: {one.name for one in fields(config)} for config in CONFIGS}
    for code in row.codes:
        if code in NO_FIELD or row.configuration.endswith(f"column `{code}`"):
            continue
        wanted = values_of(code)
        takers = [config for config in CONFIGS if wanted.keys() <= known[config]]
        assert takers, f"{code}: no configuration has {sorted(wanted)}"
        if ... not in wanted.values():
            for config in takers:
                made = config(**_with_what_it_needs(config, wanted))
                assert all(getattr(made, name) == value for name, value in wanted.items())


def _with_what_it_needs(config: type, wanted: dict[str, Any]) -> dict[str, Any]:
    """Fields without which the others mean nothing."""
    if config is DpoConfig:
        lists = {"loss": "plackett_luce"} if "ranking_depth" in wanted else {}
        return {"base_model": "model", **lists, **wanted}
    people = {"objective": "personal"} if "people_as" in wanted else {}
    lists = {"objective": "plackett_luce"} if "ranking_depth" in wanted else {}
    return {**people, **lists, **wanted}


def test_no_method_is_left_out() -> None:
    named: dict[str, set[Any]] = {}
    for row in ROWS:
        for code in row.codes:
            for name, value in values_of(code).items() if code not in NO_FIELD else ():
                named.setdefault(name, set()).add(value)
    assert named["loss"] >= POLICY_LOSSES.keys()
    assert named["objective"] >= OBJECTIVE_DATA.keys() - {"bradley_terry"}
    assert named["method"] >= {"frozen", "finetune"}  # bradley_terry's two
    assert named["people_as"] >= set(PEOPLE_AS)
    assert named["pairs_from"] >= set(PAIRS_FROM) - {"people"}
    [divergence] = [row for row in ROWS if "divergence=…" in row.configuration]
    assert len(DIVERGENCES) == 1 + len(re.findall(r"KL|Jensen|α", divergence.method))


def test_every_paper_that_the_code_names_has_a_row() -> None:
    told = {number for row in ROWS for number in ARXIV.findall(row.paper)}
    named = {
        number: path
        for path in TRAINING.rglob("*.py")
        for number in re.findall(r"arXiv:? ?(\d{4}\.\d{4,5})", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 45
    assert {number: path for number, path in named.items() if number not in told} == {}


def test_every_loss_says_where_it_is_from_and_its_row_names_the_file() -> None:
    found = [(path, one) for path, one in losses() if one.name.endswith("_loss")]
    assert len(found) > 35
    for path, one in found:
        text = ast.get_docstring(one) or ""
        numbers = ARXIV.findall(text)
        assert numbers or "Source: as `" in text or re.search(r"\b(19|20)\d\d\b", text), one.name
        mine = {
            number
            for row in ROWS
            if f"losses/{path.name}" in row.files
            for number in ARXIV.findall(row.paper)
        }
        assert not numbers or mine & set(numbers), f"{one.name} of {path.name}"


def test_every_function_of_the_losses_is_tried_by_name() -> None:
    tests = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "tests" / "training").rglob("test_*.py")
        if path != Path(__file__)
    )
    found = {one.name for _, one in losses()}
    assert len(found) > 45
    assert found - set(re.findall(r"\w+", tests)) == set()
