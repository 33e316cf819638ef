/* Ranking: best and worst by a digit each, or the whole order, put together on a rail. */

import { Order } from "./ranking/order.js";
import { Rail, isRightToLeft } from "./ranking/rail.js";

const MODES = ["best_worst", "full", "best"];

export function mount(root, page) {
  return new Ranking(root.querySelector(".ranking"), page);
}

class Ranking {
  #root;
  #page;
  #order = null;
  #rail = null;
  #leftOut = null; // The way that was chosen and cannot be offered just now.

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    const selects = [...root.querySelectorAll(".rank-place select")];
    if (selects.length) {
      const byId = new Map(selects.map((select) => [Number(select.name.split(".").at(-1)), select]));
      this.#order = new Order(byId, { ties: page.settings.allow_ties });
      this.#rail = new Rail(root.querySelector("[data-rail]"), this.#order, page, {
        onChange: () => this.#orderChanged(),
        explain: (id) => this.#reason(id).focus(),
      });
      page.task.addEventListener("focusin", ({ target }) => {
        const response = target.closest(".response");
        if (response) this.#rail.choose(Number(response.dataset.response));
      });
    }
    root.addEventListener("input", (event) => this.#onInput(event));
    root.dataset.mode = MODES.includes(this.#verdict) ? this.#verdict : this.#modes[0].value;
    this.#draw();
  }

  get keys() {
    const own = this.#mode === "full" ? this.#orderKeys() : this.#endKeys();
    const buttons = [...this.#root.querySelectorAll(".ways [data-key], .confidence [data-key]")];
    const answers = buttons.filter(({ dataset }) => dataset.key).map((input) => [input.dataset.key, () => press(input)]);
    return { ...own, ...Object.fromEntries(answers), m: () => this.#nextMode() };
  }

  /** All that is wrong, each thing said at its place; the first has the focus. One thing alone is
   * said at the foot of the page, which is next to the bar. */
  problem() {
    const wrong = this.#wrong();
    const isAlone = wrong.length === 1 && !this.#page.prefix.includes(".");
    for (const place of this.#root.querySelectorAll("[data-wrong]")) {
      const here = wrong.filter(({ below }) => place.dataset.at === this.#page.prefix + below);
      place.textContent = here.map(({ message }) => message).join(" ");
      place.hidden = isAlone || !here.length;
    }
    for (const field of this.#root.querySelectorAll(".rank-why input")) {
      field.ariaInvalid = wrong.some((one) => one.field === field) ? "true" : null;
    }
    wrong[0]?.field?.focus();
    return wrong.map(({ message }) => message);
  }

  /** The answer as it is stored; null when there is none. */
  value() {
    const verdict = this.#verdict;
    const confidence = this.#checked("confidence");
    const value = { ...this.#said(verdict), ...(confidence ? { confidence } : {}) };
    return MODES.includes(verdict) && !Object.keys(value).length ? null : { verdict, ...value };
  }

  sides() {
    const { best, worst, tiers = [] } = this.value() ?? {};
    if (tiers.length > 1) return { chosen: tiers[0], rejected: tiers.at(-1) };
    if (!best) return { chosen: [], rejected: [] };
    const others = this.#ids.filter((id) => id !== best);
    return { chosen: [best], rejected: worst ? [worst] : this.#verdict === "best" ? others : [] };
  }

  /** From the reason why one cannot be ranked back to the order, while some have no place. */
  advance() {
    if (!document.activeElement.closest(".rank-why") || !this.#order.open.length) return false;
    this.#rail.focus();
    return true;
  }

  focus() {
    if (this.#mode === "full") this.#rail.focus();
    else this.#root.querySelector(".end input:checked, .end input:not(:disabled)").focus();
  }

  /** Only the responses asked about can be placed or chosen. */
  refresh() {
    const ids = this.#ids;
    for (const place of this.#root.querySelectorAll(".option[data-response], .rank-place")) {
      const isOff = !ids.includes(Number(place.dataset.response));
      place.hidden = isOff;
      for (const field of place.querySelectorAll("input, select")) field.disabled = isOff;
    }
    this.#offer();
    this.#draw();
  }

  /** Of two responses the order is all there is to say; best and worst are offered of more. */
  #offer() {
    const isOfTwo = this.#ids.length <= 2;
    for (const input of this.#root.querySelectorAll(".ways .scale input")) {
      const isOff = isOfTwo ? input.value === "best_worst" : "ofTwo" in input.dataset;
      input.disabled = input.closest(".option").hidden = isOff;
    }
    const checked = this.#root.querySelector(".ways input:checked");
    const before = checked.disabled ? checked : this.#order?.isUntouched && this.#leftOut;
    if (before) {
      this.#leftOut = before.disabled ? before : null;
      (before.disabled ? this.#modes[0] : before).checked = true;
    }
    this.#root.dataset.mode = MODES.includes(this.#verdict) ? this.#verdict : this.#modes[0].value;
  }

  get #ids() {
    return this.#page.responses.map(({ id }) => id);
  }

  get #verdict() {
    return (this.#root.querySelector(".ways input:checked:enabled") ?? this.#modes[0]).value;
  }

  get #mode() {
    return this.#root.dataset.mode;
  }

  get #modes() {
    return [...this.#root.querySelectorAll(".ways .scale input:enabled")];
  }

  #said(verdict) {
    const best = Number(this.#checked("best"));
    const worst = Number(this.#checked("worst"));
    if (verdict === "best") return best ? { best } : {};
    if (verdict === "best_worst") return { ...(best ? { best } : {}), ...(worst ? { worst } : {}) };
    if (verdict !== "full" || this.#order.isUntouched) return {};
    const { tiers, apart } = this.#order;
    const unrankable = Object.fromEntries(apart.map((id) => [id, this.#reason(id).value]));
    return { tiers, ...(apart.length ? { unrankable } : {}) };
  }

  /** What is wrong: the message, its place below the prefix, the field that wants the focus. */
  #wrong() {
    const verdict = this.#verdict;
    const wrong = verdict === "full" ? this.#wrongOrder() : MODES.includes(verdict) ? this.#wrongEnds() : [];
    if (this.#page.settings.confidence && !this.#checked("confidence")) {
      wrong.push({ message: this.#page.text("confidence"), below: ".confidence" });
    }
    return wrong;
  }

  #wrongEnds() {
    const ends = this.#verdict === "best" ? ["best"] : ["best", "worst"];
    const open = ends.filter((name) => !this.#checked(name));
    return open.map((name) => ({
      message: this.#page.text(name),
      below: `.${name}`,
      field: this.#root.querySelector(`[data-end=${name}] input:enabled`),
    }));
  }

  #wrongOrder() {
    if (this.#order.isUntouched) return [{ message: this.#page.text("untouched"), below: ".tiers" }];
    const { open, apart } = this.#order;
    const silent = apart.filter((id) => !this.#reason(id).value.trim());
    const wrong = silent.map((id) => ({
      message: this.#page.text("reason", { letter: this.#letter(id) }),
      below: `.unrankable.${id}`,
      field: this.#reason(id),
    }));
    if (!open.length) return wrong;
    const letters = open.map((id) => this.#letter(id)).join(", ");
    return [{ message: this.#page.text("open", { letters }), below: ".tiers" }, ...wrong];
  }

  #orderKeys() {
    const rail = this.#rail;
    const forward = isRightToLeft(this.#root) ? -1 : 1;
    return {
      ...Object.fromEntries(this.#ids.map((id) => [this.#key(id), () => rail.press(id)])),
      ArrowLeft: () => rail.step(-forward),
      ArrowRight: () => rail.step(forward),
      "Shift+ArrowLeft": () => rail.move(forward > 0 ? "better" : "worse"),
      "Shift+ArrowRight": () => rail.move(forward > 0 ? "worse" : "better"),
      Backspace: () => rail.move("remove"),
      ...(this.#page.settings.allow_ties ? { t: () => rail.move("tie") } : {}),
      ...(this.#page.settings.allow_unrankable ? { x: () => rail.move("setApart") } : {}),
      ...(this.#order.isUntouched ? { y: () => rail.move("accept") } : {}),
    };
  }

  #endKeys() {
    const choose = (name, id) => () => {
      press(this.#root.querySelector(`[data-end=${name}] [value="${id}"]`));
      if (!this.#wrong().length) this.#page.complete();
    };
    const best = this.#ids.map((id) => [this.#key(id), choose("best", id)]);
    const worst = this.#ids.map((id) => [`Shift+${this.#key(id)}`, choose("worst", id)]);
    return Object.fromEntries(this.#mode === "best" ? best : [...best, ...worst]);
  }

  #nextMode() {
    const modes = this.#modes;
    press(modes[(modes.findIndex(({ value }) => value === this.#mode) + 1) % modes.length]);
  }

  #onInput({ target }) {
    if (target.closest(".ways") && MODES.includes(target.value)) this.#root.dataset.mode = target.value;
    const end = target.closest("[data-end]");
    if (end) {
      this.#backToMode();
      for (const other of this.#root.querySelectorAll(".end input:checked")) {
        if (other !== target && other.value === target.value) other.checked = false;
      }
    }
    this.#draw();
  }

  #orderChanged() {
    this.#backToMode();
    this.#draw();
    this.#page.changed();
  }

  /** Ranking again takes back that all are good, or bad. */
  #backToMode() {
    const mode = this.#modes.find(({ value }) => value === this.#mode);
    if (mode.type === "radio") mode.checked = true;
  }

  #draw() {
    this.#root.toggleAttribute("data-unranked", !MODES.includes(this.#verdict));
    this.#rail?.draw();
    const badges = this.#badges();
    for (const { id, letter, element } of this.#page.responses) {
      const link = this.#page.task.querySelector(`.switch [href="#response-${letter}"]`);
      const [words, sign] = badges.get(id) ?? [];
      setBadge(element.querySelector(".letter"), words);
      setBadge(link, sign);
    }
  }

  /** What stands beside the letters, in full and as short as it can be. */
  #badges() {
    const { best, worst, tiers = [] } = this.value() ?? {};
    const places = tiers.flatMap((tier, index) => tier.map((id) => [id, [index + 1, index + 1]]));
    const ends = [
      [best, [this.#page.text("is-best"), "▲"]],
      [worst, [this.#page.text("is-worst"), "▼"]],
    ];
    return new Map([...places, ...ends]);
  }

  #checked(name) {
    const path = CSS.escape(`${this.#page.prefix}.${name}`);
    return this.#root.querySelector(`[name="${path}"]:checked`)?.value;
  }

  #reason(id) {
    return this.#page.field(`.reason.${id}`);
  }

  #letter(id) {
    return this.#page.responses.find((response) => response.id === id).letter;
  }

  /** The digit of a response, by its letter: 1 to 9, then 0. */
  #key(id) {
    return String(("ABCDEFGHIJ".indexOf(this.#letter(id)) + 1) % 10);
  }
}

function setBadge(place, words) {
  if (words) place.dataset.place = words;
  else delete place.dataset.place;
}

/** As if it was clicked, also for one that is chosen already. */
function press(input) {
  input.focus();
  if (!input.checked) input.click();
}
