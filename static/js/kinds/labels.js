/* Labels: buttons, or a list that folds and can be searched; once, or under every response. */

import { Confidence } from "./confidence.js";
import { Choices } from "./choices.js";
import { allResponses } from "./rows.js";

export function mount(root, page) {
  const confidence = new Confidence(page);
  const isOfTask = page.settings.scope === "task";
  const all = isOfTask ? [ofTask(page)] : allResponses(page).map((response) => underResponse(page, response));
  let current = all[0];

  for (const choices of all) {
    for (const sign of ["focusin", "pointerdown"]) choices.element.addEventListener(sign, () => follow(choices));
    choices.response?.element.addEventListener("focus", () => follow(choices));
  }
  follow(current);

  function follow(choices) {
    current = choices;
    if (all.length > 1) for (const each of all) each.element.toggleAttribute("data-current", each === choices);
  }

  /** Those of the responses asked about. */
  function asked() {
    const ids = page.responses.map(({ id }) => id);
    return isOfTask ? all : all.filter(({ response }) => ids.includes(response.id));
  }

  /** To the next response without labels; false when none is left behind this one. */
  function advance() {
    const list = asked();
    const to = list.slice(list.indexOf(current) + 1).find((choices) => choices.labels === null);
    if (!to) return false;
    follow(to);
    to.focus();
    return true;
  }

  /** Of single labels, one key answers. */
  function choose(key) {
    if (!current.choose(key) || page.settings.multiple || current.problem()) return;
    const isLast = !advance();
    if (isLast && asked().every((choices) => !choices.problem()) && !confidence.isMissing) page.complete();
  }

  const digits = Array.from("0123456789", (digit) => [digit, () => choose(digit)]);
  return {
    keys: {
      ...Object.fromEntries(digits),
      ...confidence.keys,
      "/": () => current.search(),
      ArrowUp: () => current.move(-1),
      ArrowDown: () => current.move(1),
      ArrowLeft: () => current.move(-1),
      ArrowRight: () => current.move(1),
    },
    problem() {
      const unsure = confidence.problem();
      const wrong = asked().filter((choices) => {
        const message = choices.problem();
        choices.mark(message ?? "");
        return message;
      });
      if (wrong.length) {
        follow(wrong[0]);
        wrong[0].focus();
      }
      return [...wrong.map((choices) => choices.problem()), unsure].filter(Boolean);
    },
    value() {
      const list = asked().filter((choices) => choices.labels !== null);
      if (!list.length && !confidence.value.confidence) return null;
      const labels = isOfTask
        ? list.map((choices) => ["labels", choices.labels])
        : [["responses", Object.fromEntries(list.map((choices) => [choices.response.id, choices.labels]))]];
      return { ...Object.fromEntries(labels), ...confidence.value };
    },
    advance,
    focus() {
      const list = asked();
      const to = list.find((choices) => choices.labels === null) ?? list[0];
      follow(to);
      to.focus();
    },
  };
}

function ofTask(page) {
  const place = [page.places.bar, page.places.side].find((each) => each?.querySelector("[data-labels]"));
  return new Choices(place.querySelector("[data-labels]"), page);
}

function underResponse(page, response) {
  return new Choices(response.place.querySelector("[data-labels]"), page, response);
}
