/* Similarity: one row of answers, and a mark at the response to compare with. */

import { Confidence } from "./confidence.js";
import { Row } from "./rows.js";

export function mount(root, page) {
  const element = root.querySelector(".similarity");
  const row = new Row(element, null);
  const confidence = new Confidence(page);
  const scale = [...element.querySelectorAll(".scale input")];
  markAnchor(page, element.dataset.anchor);

  function choose(key) {
    row.choose(key);
    if (!confidence.isMissing) page.complete();
  }

  function problem() {
    return row.problem() ?? (scale.some((input) => input.checked) ? confidence.problem() : page.text("choose"));
  }

  return {
    keys: {
      ...Object.fromEntries(scale.map(({ dataset: { key } }) => [key, () => choose(key)])),
      ...confidence.keys,
      ArrowLeft: () => row.moveAlong(-1),
      ArrowRight: () => row.moveAlong(1),
    },
    problem,
    value() {
      const [verdict, closer] = scale.find((input) => input.checked)?.value.split(":") ?? [];
      const value = { ...(verdict ? { verdict } : {}), ...(closer ? { closer: Number(closer) } : {}), ...confidence.value };
      return Object.keys(value).length ? value : null;
    },
    focus: () => (scale.find((input) => input.checked) ?? scale[0])?.focus(),
  };
}

function markAnchor(page, letter) {
  if (!letter) return;
  const mark = document.createElement("span");
  mark.className = "badge accent";
  mark.textContent = page.text("anchor");
  page.task.querySelector(`#letter-${letter}`).append(" ", mark);
}
