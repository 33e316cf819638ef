/* The order as one sees it: chips in tiers from best to worst, and what moves them. */

import { drag } from "./drag.js";

const TIE_SHARE = 0.3; // Of a tier's width, at either end, that puts beside it and not into it.
const FAR_PX = 120; // From anything a chip can fall on: it falls back.

export class Rail {
  #root;
  #track;
  #order;
  #page;
  #onChange;
  #explain;
  #poles;
  #chips = new Map();
  #chosen;

  /** `onChange` is called after every change of the order; `explain` leads to the field that says why
   * one cannot be ranked. */
  constructor(root, order, page, { onChange, explain }) {
    this.#root = root;
    this.#track = root.querySelector(".track");
    this.#poles = [...this.#track.querySelectorAll(".pole")];
    this.#order = order;
    this.#page = page;
    this.#onChange = onChange;
    this.#explain = explain;
    for (const chip of root.querySelectorAll(".chip")) this.#chips.set(Number(chip.dataset.response), chip);
    [this.#chosen] = this.#chips.keys();
    for (const [id, chip] of this.#chips) {
      chip.addEventListener("focus", () => this.choose(id));
    }
    this.#track.addEventListener("keydown", (event) => this.#onKey(event));
    root.querySelector(".rank-moves").addEventListener("click", (event) => this.#onMove(event));
    drag(this.#chips.values(), {
      within: root.closest(".asked"),
      aim: (chip, x, y) => this.#aim(chip, x, y),
      drop: (chip, spot) => spot && this.#drop(Number(chip.dataset.response), spot),
      press: (chip) => this.press(Number(chip.dataset.response)),
    });
    root.hidden = false;
  }

  focus() {
    this.#chips.get(this.#chosen).focus();
  }

  /** One that has no place comes next in the order; any other is chosen. */
  press(id) {
    if (this.#order.open.includes(id)) this.#change(id, () => this.#order.append(id));
    this.focusOn(id);
  }

  focusOn(id) {
    this.choose(id);
    this.focus();
  }

  /** The one that moves and keys are about. */
  choose(id) {
    if (!this.#chips.has(id)) return;
    this.#chosen = id;
    for (const [each, chip] of this.#chips) {
      chip.tabIndex = each === id ? 0 : -1;
      chip.setAttribute("aria-selected", each === id);
    }
  }

  /** To its neighbour in the order. */
  step(by) {
    const ids = this.#sequence();
    const to = ids[ids.indexOf(this.#chosen) + by];
    if (to === undefined) return;
    this.focusOn(to);
    this.#page.responses.find(({ id }) => id === to)?.element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** What the buttons and keys do, by the name of the order's method. */
  move(name) {
    if (name === "accept" || name === "clear") {
      this.#order[name]();
      this.#onChange();
      this.#page.announce(this.#page.text(name === "accept" ? "order" : "cleared"));
    } else {
      this.#change(this.#chosen, () => this.#order[name](this.#chosen));
      if (name === "setApart" && this.#order.apart.includes(this.#chosen)) this.#explain(this.#chosen);
    }
  }

  /** Draw the order anew. */
  draw() {
    const held = document.activeElement;
    const apart = this.#track.querySelector(".apart");
    const tiers = this.#order.tiers.map((tier, index) => this.#tier(tier, index + 1));
    const open = this.#order.open.map((id) => this.#tier([id], null));
    const isUntouched = this.#order.isUntouched;
    const [best, worst, left] = this.#poles;
    left.hidden = isUntouched || open.length === 0;
    const inOrder = isUntouched ? [...open, worst] : [...tiers, worst, left, ...open];
    this.#track.replaceChildren(best, ...inOrder, apart, ...(isUntouched ? [left] : []));
    apart.hidden = this.#order.apart.length === 0;
    apart.append(...this.#order.apart.map((id) => this.#chips.get(id)));
    this.#root.toggleAttribute("data-untouched", isUntouched);
    this.#root.querySelector("[data-move=accept]").hidden = !isUntouched;
    this.#root.querySelector("[data-move=clear]").hidden = isUntouched;
    for (const [id, chip] of this.#chips) chip.ariaLabel = this.#name(id);
    const ids = this.#sequence();
    this.choose(ids.includes(this.#chosen) ? this.#chosen : ids[0]);
    if (held !== document.activeElement && this.#track.contains(held)) held.focus({ preventScroll: true });
  }

  /** Ids as they stand from best to worst, then those without a place, then those apart. */
  #sequence() {
    return [...this.#order.tiers.flat(), ...this.#order.open, ...this.#order.apart];
  }

  #change(id, deed) {
    deed();
    this.choose(id);
    this.#onChange();
    this.#page.announce(this.#name(id));
  }

  #tier(ids, place) {
    const tier = document.createElement("div");
    tier.className = place === null ? "tier open" : "tier";
    tier.dataset.first = ids[0];
    tier.setAttribute("role", "group");
    const words = place === null ? "chip-open" : "place";
    tier.ariaLabel = this.#page.text(words, { place, letter: this.#letter(ids[0]) });
    const number = document.createElement("span");
    number.ariaHidden = "true";
    number.className = "rank-number";
    number.textContent = place;
    tier.append(number, ...ids.map((id) => this.#chips.get(id)));
    return tier;
  }

  #name(id) {
    const letter = this.#letter(id);
    const { tiers, apart } = this.#order;
    if (apart.includes(id)) return this.#page.text("chip-apart", { letter });
    const at = tiers.findIndex((tier) => tier.includes(id));
    if (at < 0) return this.#page.text("chip-open", { letter });
    const others = tiers[at].filter((other) => other !== id).map((other) => this.#letter(other));
    const fields = { letter, place: at + 1, count: tiers.length, others: others.join(", ") };
    return this.#page.text(others.length ? "tied" : "chip", fields);
  }

  #letter(id) {
    return this.#chips.get(id).dataset.letter;
  }

  #onKey(event) {
    const id = Number(event.target.dataset.response);
    if (event.key !== " " || !id) return;
    event.preventDefault();
    this.press(id);
  }

  #onMove(event) {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    this.move(button.dataset.move);
    // Enter is to submit after a click, and to press the button again after a key.
    const isExplained = document.activeElement.matches(".rank-why input");
    if (!isExplained && (event.detail > 0 || button.hidden)) this.focus();
  }

  #aim(chip, x, y) {
    for (const marked of this.#root.querySelectorAll("[data-drop]")) marked.removeAttribute("data-drop");
    if (Number.isNaN(x)) return null;
    const apart = [...this.#root.querySelectorAll(".apart:not([hidden]), [data-move=setApart]")];
    const tiers = [...this.#track.querySelectorAll(".tier")].filter((tier) => this.#isTarget(tier, chip));
    const [nearest] = [...apart, ...tiers].sort((a, b) => distance(a, x, y) - distance(b, x, y));
    if (!nearest || distance(nearest, x, y) > FAR_PX) return null;
    const side = apart.includes(nearest) ? "apart" : this.#side(nearest, x);
    nearest.dataset.drop = side;
    return { side, other: Number(nearest.dataset.first), nearest };
  }

  /** Not those without a place once others have one, nor the chip's own tier where it is alone. */
  #isTarget(tier, chip) {
    if (tier.classList.contains("open") && !this.#order.isUntouched) return false;
    return !(tier.contains(chip) && tier.querySelectorAll(".chip").length === 1);
  }

  #side(tier, x) {
    const { left, width } = tier.getBoundingClientRect();
    const share = isRightToLeft(tier) ? 1 - (x - left) / width : (x - left) / width;
    if (!this.#order.canTie) return share < 0.5 ? "before" : "after";
    if (share < TIE_SHARE) return "before";
    return share > 1 - TIE_SHARE ? "after" : "tie";
  }

  #drop(id, { side, other, nearest }) {
    const fellows = [...nearest.querySelectorAll(".chip")].map((chip) => Number(chip.dataset.response));
    const beside = fellows.find((fellow) => fellow !== id) ?? other;
    this.#change(id, () => {
      if (side !== "apart") this.#order.moveNextTo(id, beside, side);
      else if (!this.#order.apart.includes(id)) this.#order.setApart(id);
    });
    this.focus();
  }
}

export function isRightToLeft(element) {
  return getComputedStyle(element).direction === "rtl";
}

/** From a point to the nearest edge of the element, 0 inside it. */
function distance(element, x, y) {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom));
}
