/* Nothing left: send what still waits, and ask now and then, ever more rarely, whether a task came
   back. */

import { tellOfOthers, tidy } from "./kept.js";
import { singleKeys } from "./preferences.js";
import { Outbox } from "./outbox.js";

const { user, workUrl } = document.querySelector("[data-user]").dataset;
const page = document.querySelector("[data-poll]");
const LONGEST_MS = 5 * 60_000;
let pause = 20_000;

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch(page.dataset.nextUrl, { credentials: "same-origin" });
      if (answer.status === 200 && !answer.redirected) {
        location.assign(page.dataset.workUrl);
        return;
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // TypeError: offline; ask again later.
    }
    pause = Math.min(pause * 1.5, LONGEST_MS);
  }
  setTimeout(look, pause);
}

if (page) setTimeout(look, pause);

addEventListener("keydown", (event) => {
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat;
  if (event.key === "u" && plain && singleKeys()) document.querySelector("[data-undo]")?.click();
});

tidy(user);
tellOfOthers(user);
const outbox = new Outbox(user, { taken: () => location.replace(workUrl), refused, stuck: () => {} });
if (outbox.entries.length) outbox.flush();

function refused(_entry, _status, detail) {
  const place = document.querySelector("[data-refused]");
  place.textContent = detail;
  place.hidden = false;
}
