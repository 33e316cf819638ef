/* Live chat: sends messages, shows replies as they come, asks for a verdict before the next turn. */

import { Confidence } from "./confidence.js";
import { Verdict } from "./chat/verdict.js";
import { Lost, Refused, listen, post, watch } from "./chat/stream.js";

const GAP = 12; // px between what is shown and the edge
const NEAR = 80; // px within which the page still follows the newest turn

export function mount(root, page) {
  const chat = new Chat(page.places.side.querySelector("[data-chat]"), page);
  const confidence = new Confidence(page);
  const digits = Array.from("123456789", (digit) => [digit, () => chat.choose(Number(digit))]);
  return {
    keys: {
      ...Object.fromEntries(digits),
      ...confidence.keys,
      m: () => chat.focus(),
      x: () => chat.press("[data-stop]"),
      t: () => chat.press("[data-retry]"),
    },
    problem: () => chat.problems(confidence),
    value: () => chat.value(confidence.value),
    focus: () => chat.focus(),
  };
}

class Chat {
  #root;
  #page;
  #turns;
  #message;
  #wrong;
  #final;
  #isSending = false;

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    this.#turns = root.querySelector("[data-turns]");
    this.#message = root.querySelector("[data-message]");
    this.#wrong = root.querySelector("[data-wrong]");
    const final = root.querySelector("[data-final]");
    this.#final = final && new Verdict(final, page.settings.final);
    root.addEventListener("click", (event) => this.#clicked(event.target));
    root.addEventListener("input", () => this.#update());
    this.#message?.addEventListener("keydown", (event) => this.#typed(event));
    for (const reply of root.querySelectorAll("[data-reply]")) this.#resume(reply);
    this.#update();
    this.#scroll();
  }

  focus() {
    (this.#message ?? this.#root.querySelector("[data-reply]"))?.focus();
  }

  /** Press every button of a sort that is in sight. */
  press(selector) {
    for (const button of this.#root.querySelectorAll(`${selector}:not([hidden], [disabled])`)) button.click();
  }

  /** The n-th answer of the verdict at hand: the one with the focus, else the last turn's. */
  choose(n) {
    const verdict = this.#final?.element.contains(document.activeElement) ? this.#final : this.#verdicts.at(-1);
    verdict?.choose(n);
  }

  /** What keeps the conversation from being sent; whether all of it is judged is told together. */
  problems(confidence) {
    const early = this.#early();
    if (early) return [early];
    const unsure = confidence.problem();
    const text = (...given) => this.#page.text(...given);
    const open = this.#verdicts.filter((turn) => !turn.isComplete);
    const isFinalOpen = this.#final && !this.#final.isComplete;
    const first = open[0] ?? (isFinalOpen ? this.#final : null);
    first?.focus();
    const judge = open.map((turn) => text("judge", { turn: turn.number + 1 }));
    return [...judge, isFinalOpen && text("final"), unsure].filter(Boolean);
  }

  /** Why it cannot be judged yet, or null. */
  #early() {
    const turns = this.#verdicts;
    const { min_turns: least } = this.#page.settings;
    const text = (...given) => this.#page.text(...given);
    if (!turns.length) return text("begin");
    if (this.#isBusy) return text("wait");
    if (this.#message?.value.trim()) return text("unsent");
    const replied = turns.filter((turn) => turn.letters.length).length;
    if (!replied) return text("none");
    return replied < least ? text("more", { count: least }) : null;
  }

  value(more) {
    const turns = this.#verdicts.map((turn) => [turn.number, turn.value]).filter(([, value]) => value);
    const final = this.#final?.value;
    const value = { ...more };
    if (turns.length) value.turns = Object.fromEntries(turns);
    if (final) value.final = final;
    if (!Object.keys(value).length) return null;
    return { session: Number(this.#page.field().value), ...value };
  }

  get #verdicts() {
    return [...this.#turns.querySelectorAll("[data-turn]")].map(
      (turn) => new Verdict(turn, this.#page.settings.turn),
    );
  }

  get #account() {
    return this.#root.closest("[data-account]").dataset.account;
  }

  get #isBusy() {
    return Boolean(this.#turns.querySelector("[aria-busy=true]"));
  }

  /** Show what can be judged, and whether one may write. */
  #update() {
    const turns = this.#verdicts;
    const { min_turns: least, max_turns: most } = this.#page.settings;
    for (const turn of turns) turn.show(turn.letters, !turn.isBusy);
    const letters = [...new Set(turns.flatMap((turn) => turn.letters))].sort();
    const replied = turns.filter((turn) => turn.letters.length).length;
    this.#final?.show(letters, replied >= least && !this.#isBusy);
    const send = this.#root.querySelector("[data-send]");
    if (!send) return;
    const isFull = turns.length >= most;
    this.#message.disabled = isFull;
    send.disabled = isFull || this.#isSending;
    if (isFull) this.#complain(this.#page.text("over", { count: most }));
  }

  async #send() {
    const message = this.#message.value;
    const turns = this.#verdicts;
    const last = turns.at(-1);
    if (this.#isSending || !message.trim()) return this.focus();
    if (this.#isBusy) return this.#complain(this.#page.text("wait"));
    if (last && !last.isComplete) {
      last.focus();
      return this.#complain(this.#page.text("judge", { turn: turns.length }));
    }
    this.#isSending = true;
    this.#complain("");
    this.#update();
    try {
      const verdict = JSON.stringify(last?.value ?? null);
      const form = this.#root.closest("form").elements.form.value;
      const body = new URLSearchParams({ message, number: turns.length, verdict, form });
      const answer = await (await post(this.#root.dataset.sendUrl, this.#account, body)).json();
      this.#page.field().value = answer.session;
      for (const retry of this.#turns.querySelectorAll("[data-retry]")) retry.hidden = true; // The last turn's alone.
      this.#turns.append(elementOf(answer.html));
      this.#message.value = "";
      this.#page.changed();
      for (const reply of this.#turns.lastElementChild.querySelectorAll("[data-reply]")) this.#resume(reply);
      this.#scroll();
    } catch (error) {
      if (error instanceof Refused) this.#complain(error.message);
      else if (error instanceof Lost) this.#complain(this.#page.text("offline"));
      else throw error;
    } finally {
      this.#isSending = false;
      this.#update();
    }
  }

  /** Begin a reply that nobody has begun; watch one that another request began. */
  #resume(reply) {
    if (reply.dataset.state === "waiting") return this.#ask(reply);
    if (reply.dataset.state === "streaming") return this.#watch(reply);
  }

  async #ask(reply) {
    const written = this.#begin(reply);
    try {
      const html = await listen(reply.dataset.url, this.#account, (text) => {
        const isAtNewest = this.#isAtNewest;
        written.append(text);
        if (isAtNewest) this.#scroll();
      });
      this.#end(reply, html);
    } catch (error) {
      if (error instanceof Refused) this.#fail(reply, error.message);
      else if (error instanceof Lost) this.#watch(reply);
      else throw error;
    }
  }

  /** The reply's text so far is the server's from here on. */
  async #watch(reply) {
    let shown = reply;
    const seen = (html) => {
      const now = elementOf(html);
      if (now.dataset.state !== "streaming") {
        this.#end(shown, html);
        return true;
      }
      shown.querySelector("[data-written]").textContent = now.querySelector("[data-written]").textContent;
      return false;
    };
    try {
      await watch(reply.dataset.url, seen);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#fail(shown, this.#page.text("lost")); // It never reached the server.
    }
  }

  #begin(reply) {
    reply.dataset.state = "streaming";
    reply.ariaBusy = "true";
    reply.querySelector("[data-said]").textContent = this.#page.text("writing");
    reply.querySelector("[data-failure]").hidden = true;
    const stop = reply.querySelector("[data-stop]");
    stop.hidden = stop.disabled = false;
    const written = reply.querySelector("[data-written]");
    written.textContent = "";
    this.#update();
    return written;
  }

  #end(reply, html) {
    const isAtNewest = this.#isAtNewest;
    const hadFocus = reply.contains(document.activeElement);
    const ended = elementOf(html);
    reply.replaceWith(ended);
    if (hadFocus) ended.focus({ preventScroll: true });
    const { letter } = ended.dataset;
    this.#page.announce(this.#page.text("stands" in ended.dataset ? "replied" : "failed", { letter }));
    this.#update();
    this.#page.changed();
    if (isAtNewest) this.#scroll();
  }

  #fail(reply, message) {
    const isAtNewest = this.#isAtNewest;
    reply.dataset.state = "failed";
    reply.ariaBusy = "false";
    reply.querySelector("[data-said]").textContent = "";
    reply.querySelector("[data-stop]").hidden = true;
    reply.querySelector("[data-why]").textContent = message;
    reply.querySelector("[data-failure]").hidden = false;
    reply.querySelector("[data-retry]").hidden = false;
    this.#update();
    if (isAtNewest) this.#scroll();
  }

  async #stop(reply) {
    reply.querySelector("[data-stop]").disabled = true;
    reply.querySelector("[data-said]").textContent = this.#page.text("stopping");
    try {
      await post(reply.dataset.stopUrl, this.#account);
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Lost)) throw error;
      reply.querySelector("[data-stop]").disabled = false;
      this.#complain(error instanceof Lost ? this.#page.text("lost") : error.message);
    }
  }

  #clicked(target) {
    const reply = target.closest("[data-reply]");
    if (target.closest("[data-send]")) this.#send();
    else if (target.closest("[data-retry]")) this.#ask(reply);
    else if (target.closest("[data-stop]")) this.#stop(reply);
  }

  #typed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    this.#send();
  }

  #complain(message) {
    if (!this.#wrong) return;
    this.#wrong.textContent = message;
    this.#wrong.hidden = !message;
  }

  /** The element that scrolls: the panel, or on narrow screens the page. */
  get #scroller() {
    const panel = this.#root.closest(".side");
    return panel.scrollHeight > panel.clientHeight + 1 ? panel : document.scrollingElement;
  }

  /** How far down shows the newest turn and the message box; never past the beginning of the turn. */
  get #newest() {
    const scroller = this.#scroller;
    const edge = scroller === document.scrollingElement ? 0 : scroller.getBoundingClientRect().top;
    const down = (place) => place + scroller.scrollTop - edge;
    const begin = down(this.#turns.lastElementChild.getBoundingClientRect().top) - GAP;
    const foot = this.#root.querySelector("[data-composer]") ?? this.#turns;
    const end = down(foot.getBoundingClientRect().bottom) + GAP + this.#covered;
    const most = scroller.scrollHeight - scroller.clientHeight;
    return Math.max(0, Math.min(begin, end - scroller.clientHeight, most));
  }

  /** How much of the page's foot lies under the bar, where that sticks to it. */
  get #covered() {
    if (this.#scroller !== document.scrollingElement) return 0;
    const bar = this.#root.closest("form").querySelector(".bar");
    return bar && getComputedStyle(bar).position === "sticky" ? bar.offsetHeight : 0;
  }

  /** False once somebody scrolled elsewhere, say on to the whole conversation. */
  get #isAtNewest() {
    return this.#hasTurns && Math.abs(this.#scroller.scrollTop - this.#newest) < NEAR;
  }

  get #hasTurns() {
    return this.#turns.children.length > 0;
  }

  #scroll() {
    if (this.#hasTurns) this.#scroller.scrollTop = this.#newest;
  }
}

function elementOf(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
}
