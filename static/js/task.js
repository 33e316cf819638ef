/* Tasks as they come from the server: HTML of one task each; and whether one may go back. */

import { load } from "./questions.js";
import { setProblem, text } from "./status.js";

/** The element of a task, not yet in the page, with all that it runs on; null for none, and
    when what it runs on is out of reach. */
export async function parse(html) {
  if (!html) return null;
  const template = document.createElement("template");
  template.innerHTML = html;
  // A template's own document plays nothing: what was made in it fails for good (Chromium).
  const task = document.importNode(template.content, true).querySelector("#task");
  try {
    await load(task);
  } catch (error) {
    if (error instanceof TypeError) return null; // Offline before this kind was ever shown.
    throw error;
  }
  return task;
}

/** The version of the form that a task is asked under; empty where the project has none. */
export function formOf(task) {
  return task.querySelector("#answer").elements.form.value;
}

/** The task after the one shown, leased ahead; null when there is none or no connection. */
export async function fetchNext(url, shown) {
  try {
    const address = `${url}?beside=${shown.dataset.seat}&seen=${formOf(shown)}`;
    const answer = await fetch(address, { credentials: "same-origin" });
    return answer.status === 200 && !answer.redirected ? await parse(await answer.text()) : null;
  } catch (error) {
    if (error instanceof TypeError) return null; // Offline, as the status line says in time.
    throw error;
  }
}

/** Whether the task may be sent; else it says what is missing, all of it at its place. */
export function isComplete(task) {
  const least = Number(task.dataset.rationaleMin);
  const { rationale } = task.querySelector("#answer").elements;
  const isShort = rationale.value.trim().length < least;
  rationale.setAttribute("aria-invalid", isShort);
  if (isShort) rationale.focus();
  const problems = task.questions.problems();
  if (problems.length) task.questions.goToProblem(problems[0].question);
  const messages = problems.map(({ message }) => message);
  if (isShort) messages.push(text("tooShort", { least }));
  const [first = "", ...more] = messages;
  return setProblem(task, more.length ? text("more", { first, count: more.length }) : first);
}

/** Show what the server has refused: [{at, reason}], each where the page has a place for it. */
export function showWrong(task, wrong) {
  const places = [...task.querySelectorAll("[data-at]")];
  const said = places.map((place) => {
    const names = place.dataset.at.split(" ");
    const isIn = (a, b) => `${a}.`.startsWith(`${b}.`);
    const here = wrong.filter(({ at }) => names.some((name) => isIn(at, name) || isIn(name, at)));
    place.textContent = here.map(({ reason }) => reason).join(" ");
    place.hidden = !here.length;
    place.closest("[data-row]")?.toggleAttribute("data-invalid", here.length > 0);
    return here.length ? place : null;
  });
  const first = said.find(Boolean);
  (first?.closest("[data-row]") ?? first)?.scrollIntoView({ block: "nearest" });
}
