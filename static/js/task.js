/* Tasks as they come from the server: HTML of one task each; and whether one may go back. */

import { load } from "./questions.js";
import { setProblem, text } from "./status.js";

/** The element of a task, not yet in the page, with all that it runs on; null for none, and
    when what it runs on is out of reach. */
export async function parse(html) {
  if (!html) return null;
  const template = document.createElement("template");
  template.innerHTML = html;
  const task = template.content.querySelector("#task");
  try {
    await load(task);
  } catch (error) {
    if (error instanceof TypeError) return null; // Offline before this kind was ever shown.
    throw error;
  }
  return task;
}

/** The task after the one shown, leased ahead; null when there is none or no connection. */
export async function fetchNext(url, shown) {
  try {
    const address = `${url}?beside=${shown.dataset.seat}`;
    const answer = await fetch(address, { credentials: "same-origin" });
    return answer.status === 200 && !answer.redirected ? await parse(await answer.text()) : null;
  } catch (error) {
    if (error instanceof TypeError) return null; // Offline, as the status line says in time.
    throw error;
  }
}

/** Whether the task may be sent; else it says what is missing. */
export function isComplete(task) {
  const wrong = task.questions.problem();
  if (wrong) {
    if (task.querySelectorAll("[data-about]").length > 1) task.questions.goTo(wrong.question);
    return setProblem(task, wrong.message);
  }
  const least = Number(task.dataset.rationaleMin);
  const { rationale } = task.querySelector("#answer").elements;
  if (rationale.value.trim().length < least) {
    rationale.focus();
    return setProblem(task, text("tooShort", { least }));
  }
  return setProblem(task, "");
}
