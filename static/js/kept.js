/* What this browser keeps between pages: answers on their way and drafts, of each account apart. */

const OUTBOX = "tandem:outbox:";
const DRAFT = "tandem:draft:";
const DRAFT_DAYS = 30; // Nobody came back to it in that time.

export const outboxName = (user) => OUTBOX + user;

/** `key` is that of the task, or of the answer that is being changed. */
export const draftName = (user, key) => `${DRAFT}${user}:${key}`;

/** Write it down; false if this browser's store is full. */
export function keep(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch (error) {
    if (error.name !== "QuotaExceededError") throw error;
    return false;
  }
}

/** The answers under a name of an outbox. */
export function waiting(name) {
  return JSON.parse(localStorage.getItem(name) ?? "[]");
}

/** Say on the page whether answers of other accounts than `user` wait here. */
export function tellOfOthers(user) {
  const others = names(OUTBOX).filter((name) => name !== outboxName(user));
  document.querySelector("[data-others-wait]").hidden = !others.some((name) => waiting(name).length);
}

/** Forget drafts of no more use: of changes that the page says were made, and old ones. */
export function tidy(user) {
  for (const message of document.querySelectorAll(".messages [data-about]")) {
    localStorage.removeItem(draftName(user, message.dataset.about));
  }
  const oldest = Date.now() - DRAFT_DAYS * 86_400_000;
  for (const name of names(DRAFT)) {
    if (JSON.parse(localStorage.getItem(name)).saved_at < oldest) localStorage.removeItem(name);
  }
}

function names(prefix) {
  return Object.keys(localStorage).filter((name) => name.startsWith(prefix));
}
