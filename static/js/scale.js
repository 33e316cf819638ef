/* The answer scale of the form: choosing by digit, moving along it, saying what is wrong. */

import { text } from "./status.js";

export function chosen(form) {
  return form.elements.answer.value;
}

/** Whether the task's form may be sent; else it says what is missing. */
export function isComplete(task) {
  const form = task.querySelector("#answer");
  const least = Number(task.dataset.rationaleMin);
  if (!chosen(form)) return setProblem(form, text("choose"));
  if (form.elements.rationale.value.trim().length < least) {
    form.elements.rationale.focus();
    return setProblem(form, text("tooShort", { least }));
  }
  return setProblem(form, "");
}

/** Choose by the digit on the button; false if there is no such button. */
export function choose(task, key) {
  const input = task.querySelector(`[name=answer][data-key="${key}"]`);
  if (input) check(input);
  return Boolean(input);
}

/** One step to A (-1) or B (1); from nothing, to the middle. */
export function moveAlong(task, step) {
  const inputs = [...task.querySelectorAll(".scale [name=answer]")];
  const current = inputs.findIndex((input) => input.checked);
  const middle = (inputs.length - 1) / 2;
  const next = current < 0 ? (step < 0 ? Math.floor(middle) : Math.ceil(middle)) : current + step;
  const input = inputs[Math.max(0, Math.min(inputs.length - 1, next))];
  check(input);
}

function check(input) {
  input.focus();
  if (input.checked) return;
  input.checked = true;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Show what is wrong, or nothing with ""; returns whether all is well. */
export function setProblem(form, message) {
  const place = form.querySelector(".problem");
  place.textContent = message;
  place.hidden = !message;
  return !message;
}
