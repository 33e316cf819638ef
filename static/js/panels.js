/* The responses: scrolled together on wish, swiped on narrow screens, differences marked. */

import * as diff from "./diff.js";

const STORE = "tandem:view";
const view = { differences: false, together: false, ...JSON.parse(localStorage.getItem(STORE) ?? "{}") };
let observer = null;

/** Wire the two toggles of the page's head. */
export function listen() {
  for (const button of document.querySelectorAll("[data-toggle]")) {
    const name = button.dataset.toggle;
    button.setAttribute("aria-pressed", view[name]);
    button.addEventListener("click", () => toggle(name));
  }
}

export function toggle(name) {
  view[name] = !view[name];
  localStorage.setItem(STORE, JSON.stringify(view));
  document.querySelector(`[data-toggle=${name}]`).setAttribute("aria-pressed", view[name]);
  if (name === "differences") markDifferences();
}

/** Wire the task that has just come into view. */
export function attach(task) {
  const responses = [...task.querySelectorAll(".response")];
  for (const response of responses) link(response, responses);
  for (const button of document.querySelectorAll("[data-toggle]")) {
    button.hidden = !isUseful(button.dataset.toggle, responses.length);
  }
  watchSwitch(task);
  markDifferences();
  showLastTurn(task.querySelector(".prompt"));
}

/** What is asked comes last: of turns that do not fit their place, the end is in sight, or, of a
    last one that is longer than the place, its beginning. */
function showLastTurn(prompt) {
  const last = prompt.querySelector("details[open] ~ .turn.last");
  if (!last) return;
  const [place, turn] = [prompt, last].map((one) => one.getBoundingClientRect());
  const room = prompt.scrollHeight - prompt.clientHeight - prompt.scrollTop;
  prompt.scrollTop += Math.min(room, turn.top - place.top);
}

function isUseful(name, responses) {
  return name === "differences" ? responses === 2 && diff.isSupported : responses > 1;
}

function markDifferences() {
  if (!diff.isSupported) return;
  const texts = [...document.querySelectorAll(".response .prose")];
  diff.mark(...(view.differences && texts.length === 2 ? texts : [null, null]));
}

/** The others keep the same share scrolled. Only the one under hand or focus leads. */
function link(leader, all) {
  leader.addEventListener(
    "scroll",
    () => {
      const others = all.filter((response) => response !== leader);
      const leads = leader.matches(":hover, :focus-within") && !others.some((one) => one.matches(":hover"));
      const room = leader.scrollHeight - leader.clientHeight;
      if (!view.together || !leads || room <= 0) return;
      const share = leader.scrollTop / room;
      for (const one of others) one.scrollTop = share * (one.scrollHeight - one.clientHeight);
    },
    { passive: true },
  );
}

function watchSwitch(task) {
  observer?.disconnect();
  const box = task.querySelector(".responses");
  const links = [...task.querySelectorAll(".switch a")];
  for (const link of links) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const target = task.querySelector(link.getAttribute("href")).parentElement;
      box.scrollTo({ left: target.offsetLeft - box.offsetLeft });
    });
  }
  observer = new IntersectionObserver(
    (seen) => {
      for (const { target, isIntersecting } of seen) {
        const link = links.find((candidate) => candidate.hash === `#${target.id}`);
        if (isIntersecting) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    },
    { root: box, threshold: 0.6 },
  );
  for (const response of task.querySelectorAll(".response")) observer.observe(response);
}
