/* Answers on their way. Each is written down in this browser before it is sent and struck out
   when the server has it, so that a crash or a lost connection loses nothing. Every answer
   carries a key by which the server takes it once, however often it arrives.

   Every account has a list of its own, and the server is told whose an answer is: the cookie may
   be another account's by now, and then the answer waits. */

import { keep, outboxName, waiting } from "./kept.js";

const RETRY_MS = [1000, 2000, 5000, 15_000, 30_000];

export class Outbox {
  #name;
  #user;
  #listener;
  #failures = 0;
  #timer = 0;
  #sending = null;
  #unkept = null; // The entries, while this browser's store is too full for them.

  /** `listener` has taken(entry, answer), refused(entry, status, detail), stuck(why). */
  constructor(user, listener) {
    this.#user = user;
    this.#name = outboxName(user);
    this.#listener = listener;
    addEventListener("online", () => this.flush());
    addEventListener("focus", () => this.isStuck && this.flush()); // As after logging in elsewhere.
  }

  get entries() {
    return this.#unkept ?? waiting(this.#name);
  }

  get isStuck() {
    return this.#failures > 0;
  }

  /** Put { key, url, body } in, for the next flush. */
  add(entry) {
    const others = this.entries.filter((there) => there.key !== entry.key);
    this.#write([...others, entry]);
  }

  remove(key) {
    this.#write(this.entries.filter((there) => there.key !== key));
  }

  /** Send what is there, oldest first. Calls while one is under way join it. */
  flush() {
    clearTimeout(this.#timer);
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
      if (this.entries.length && !this.#failures) this.flush();
    });
    return this.#sending;
  }

  /** One that the server fails at keeps none of the others back. */
  async #sendAll() {
    let inTrouble = false;
    for (const entry of this.entries) {
      const outcome = await this.#send(entry);
      if (outcome === "stuck") return;
      inTrouble ||= outcome === "trouble";
    }
    if (inTrouble) this.#stuck("trouble");
  }

  async #send(entry) {
    let answer;
    try {
      answer = await fetch(entry.url, {
        method: "POST",
        body: new URLSearchParams(entry.body),
        headers: { Accept: "application/json", ...signed(this.#user) },
        credentials: "same-origin",
        keepalive: entry.body.length < 50_000,
      });
    } catch {
      return this.#stuck("offline");
    }
    const isJson = answer.headers.get("Content-Type")?.includes("json");
    const said = isJson ? await answer.json() : {};
    if (said.field === "account") return this.#stuck("otherAccount");
    if (answer.redirected || answer.status === 403) return this.#stuck("signedOut");
    if (answer.status >= 500 || answer.status === 429) return "trouble";
    this.#failures = 0;
    this.remove(entry.key);
    if (answer.ok) this.#listener.taken(entry, said);
    else this.#listener.refused(entry, answer.status, { detail: answer.statusText, ...said });
    return "sent";
  }

  #stuck(why) {
    this.#listener.stuck(why);
    const pause = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    this.#timer = setTimeout(() => this.flush(), pause);
    return "stuck";
  }

  #write(entries) {
    this.#unkept = keep(this.#name, entries) ? null : entries;
  }
}

/** What says to the server that a request is this page's, and whose it is. */
export function signed(user) {
  return { "X-CSRFToken": csrfToken(), "X-Tandem-Account": user };
}

/** Of the cookie: logging in again, also in another tab, makes that of the page worthless. */
export function csrfToken() {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith("csrftoken="));
  return cookie?.slice("csrftoken=".length) ?? document.querySelector("[name=csrfmiddlewaretoken]").value;
}

/** Make a form of this page good to be sent by the browser itself. */
export function freshen(form) {
  form.elements.csrfmiddlewaretoken.value = csrfToken();
}
