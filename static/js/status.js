/* What the page says about itself: saved or not, notices, announcements to screen readers. */

const texts = document.querySelector("[data-texts]").dataset;
const line = document.querySelector("[data-status]");
const notice = document.querySelector("[data-notice]");
const announcer = document.querySelector("[data-announce]");

/** A text of the page by name, with {fields} filled in. */
export function text(name, fields = {}) {
  return Object.entries(fields).reduce(
    (filled, [field, value]) => filled.replace(`{${field}}`, value),
    texts[name],
  );
}

/** The small line: "saving", "saved", "kept" or "offline"; nothing without a name. */
export function setStatus(name = "", { isTrouble = ["kept", "offline"].includes(name) } = {}) {
  line.textContent = name ? texts[name] : "";
  line.dataset.kind = isTrouble ? "trouble" : "";
}

/** A message above the task, with the way to log in on wish; empty takes it away. */
export function setNotice(message = "", { login = false } = {}) {
  notice.querySelector("[data-said]").textContent = message;
  notice.querySelector("[data-login]").hidden = !login;
  notice.hidden = !message;
}

/** How many tasks one has done, so many more or fewer. */
export function count(change) {
  const place = document.querySelector("[data-done]");
  place.textContent = Number(place.textContent) + change;
}

/** How far the project is, in per cent: as the server last counted, but no less than one has done.
    Nothing in an arena, which has no end. */
export function setShare(counted) {
  const bar = document.querySelector("[data-share]");
  if (!bar) return;
  const done = Number(document.querySelector("[data-done]").textContent);
  const total = Number(bar.dataset.total);
  const own = done && total ? Math.max(1, Math.floor((100 * done) / total)) : 0;
  const percent = Math.max(counted, Math.min(own, 100));
  bar.value = percent;
  document.querySelector("[data-percent]").textContent = `${percent} %`;
}

export function announce(message) {
  announcer.textContent = message;
}

/** Show at the foot of the task what is wrong, or nothing with ""; whether all is well. */
export function setProblem(task, message) {
  const place = task.querySelector(".problem");
  place.textContent = message;
  place.hidden = !message;
  return !message;
}
