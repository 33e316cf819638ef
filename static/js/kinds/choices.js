/* One list of labels to choose from: folded, searched, walked by arrows, chosen by digits. */

const MARKS = /\p{M}/gu;

export class Choices {
  #page;
  #entries;
  #none;
  #field;
  #chosen;

  /** `response` is {id, letter, element} where the labels are those of a response. */
  constructor(element, page, response = null) {
    this.element = element;
    this.response = response;
    this.#page = page;
    this.#entries = [...element.querySelectorAll("[data-entry]")].map((each) => new Entry(each));
    this.#none = element.querySelector("[data-none]");
    this.#field = element.querySelector("[data-search]");
    this.#chosen = element.querySelector("[data-chosen]");
    element.addEventListener("input", (event) => this.#entered(event));
    element.addEventListener("keydown", (event) => this.#pressed(event));
    element.addEventListener("click", ({ target }) => this.#clicked(target));
    if (this.#field) this.#field.hidden = false;
    this.#fold();
    this.#show();
    this.#showChosen();
  }

  /** The paths chosen, [] when none applies, null when nothing is said. */
  get labels() {
    const paths = this.#entries.filter((entry) => entry.isChosen).map((entry) => entry.path);
    return paths.length || this.#none?.checked ? paths : null;
  }

  problem() {
    const { least, most } = this.element.dataset;
    const count = this.labels?.length ?? 0;
    if (count > Number(most)) return this.#page.text("most", { most, count });
    if (this.labels === null) {
      const name = this.#none ? "none" : "choose";
      return this.#page.text(name + (this.response ? "-response" : ""), { letter: this.response?.letter });
    }
    return count < Number(least) ? this.#page.text("least", { least, count }) : null;
  }

  /** Say here what is wrong; empty takes it away. */
  mark(message) {
    const place = this.element.querySelector("[data-wrong]");
    place.textContent = message;
    place.hidden = !message;
  }

  focus() {
    const entry = this.#visible.find(({ isChosen }) => isChosen) ?? this.#visible[0];
    entry?.target?.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  search() {
    this.#field?.focus();
    this.#field?.select();
  }

  /** The label with this digit, 0 for none of them; false if there is no such. */
  choose(digit) {
    const input = digit === "0" ? this.#none : this.#numbered[Number(digit) - 1]?.input;
    input?.focus({ preventScroll: true });
    input?.click();
    return Boolean(input);
  }

  /** So many lines down; from outside, to the first. */
  move(by) {
    const targets = [...this.#visible.map(({ target }) => target), this.#none].filter(Boolean);
    const at = targets.indexOf(document.activeElement);
    const to = at < 0 ? targets[0] : targets[Math.max(0, Math.min(targets.length - 1, at + by))];
    to?.focus();
  }

  get #visible() {
    return this.#entries.filter(({ element, target }) => !element.hidden && target);
  }

  get #numbered() {
    return this.#visible.filter(({ input }) => input).slice(0, 9);
  }

  #entered({ target }) {
    this.mark("");
    if (target === this.#field) return this.#show(true);
    const entry = this.#entries.find(({ input }) => input === target);
    if (target.checked) this.#exclude(entry);
    this.#showChosen();
  }

  /** None goes with no label, and a label holds all above it. */
  #exclude(entry) {
    if (this.#none && entry) this.#none.checked = false;
    for (const other of this.#entries) {
      if (other !== entry && other.isChosen && (!entry || other.isOneLineWith(entry))) other.input.checked = false;
    }
  }

  #pressed(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target === this.#field ? this.#inSearch(key) : this.#inList(key, target)) event.preventDefault();
  }

  #inSearch(key) {
    if (key === "Enter") {
      const [first] = this.#numbered;
      if (this.#field.value.trim() && first) {
        first.input.click();
        this.#page.announce(first.title);
      }
      this.#field.select();
    } else if (key === "ArrowDown") {
      this.#visible[0]?.target.focus();
    } else if (key === "Escape") {
      this.#field.value = "";
      this.#show();
      this.#visible[0]?.target.focus();
    } else {
      return false;
    }
    return true;
  }

  #inList(key, target) {
    const onwards = getComputedStyle(target).direction === "rtl" ? -1 : 1;
    const by = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -onwards, ArrowRight: onwards }[key];
    const entry = this.#entries.find((each) => each.target === target);
    if (!by || !(entry || target === this.#none)) return false;
    const isAcross = key === "ArrowLeft" || key === "ArrowRight";
    if (!isAcross || !this.#field) this.move(by);
    else if (entry?.isOpen === (by < 0)) this.#open(entry, by > 0);
    else if (by > 0) this.move(1);
    else this.#entries.findLast((each) => entry?.path.startsWith(`${each.path}/`))?.target?.focus();
    return true;
  }

  #clicked(target) {
    const entry = this.#entries.find(({ fold }) => fold && fold === target);
    if (entry) this.#open(entry, !entry.isOpen);
  }

  #open(entry, isOpen) {
    entry.isOpen = isOpen;
    this.#show();
  }

  /** A long list begins folded, but where something is chosen. */
  #fold() {
    const isFolded = "folded" in this.element.dataset;
    for (const entry of this.#entries) {
      if (!entry.fold) continue;
      entry.fold.hidden = false;
      const isNeeded = this.#entries.some((each) => each.isChosen && each.path.startsWith(`${entry.path}/`));
      entry.isOpen = !isFolded || isNeeded;
    }
  }

  /** What is found, or else what is not folded away; the first nine have digits. */
  #show(isSaid = false) {
    const words = plain(this.#field?.value ?? "").split(/\s+/).filter(Boolean);
    const closed = this.#entries.filter(({ isOpen }) => isOpen === false).map(({ path }) => `${path}/`);
    for (const { element, path, plainText, input } of this.#entries) {
      const isFound = input && words.every((word) => plainText.includes(word));
      element.hidden = words.length ? !isFound : closed.some((start) => path.startsWith(start));
    }
    this.element.toggleAttribute("data-searching", words.length > 0);
    const numbered = this.#numbered;
    for (const entry of this.#entries) entry.number = numbered.indexOf(entry) + 1;
    if (isSaid) this.#page.announce(this.#page.text("found", { count: this.#visible.length }));
  }

  #showChosen() {
    for (const entry of this.#entries) {
      const isImplied = this.#entries.some((each) => each.isChosen && each.path.startsWith(`${entry.path}/`));
      entry.element.toggleAttribute("data-implied", isImplied);
      if (entry.input) entry.input.indeterminate = isImplied;
    }
    if (!this.#chosen) return;
    const chosen = this.#entries.filter(({ isChosen }) => isChosen);
    this.#chosen.hidden = chosen.length === 0;
    this.#chosen.replaceChildren(...chosen.map((entry) => this.#remover(entry)));
  }

  /** A chosen label, which a click takes out. */
  #remover(entry) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "chosen-label", dir: "auto", textContent: entry.title });
    button.setAttribute("aria-label", this.#page.text("remove", { title: entry.title }));
    button.addEventListener("click", () => {
      entry.input.checked = false;
      this.#showChosen();
      this.#page.changed();
      this.focus();
    });
    return button;
  }
}

class Entry {
  constructor(element) {
    this.element = element;
    this.path = element.dataset.entry;
    this.input = element.querySelector("input");
    this.fold = element.querySelector("[data-fold]");
    this.title = element.querySelector(".words").textContent.trim();
    this.plainText = plain(this.title);
  }

  /** Where the keyboard stands on this line. */
  get target() {
    return this.input ?? this.fold;
  }

  get isChosen() {
    return Boolean(this.input?.checked);
  }

  /** Undefined without anything below it. */
  get isOpen() {
    return this.fold ? this.fold.getAttribute("aria-expanded") === "true" : undefined;
  }

  set isOpen(isOpen) {
    this.fold?.setAttribute("aria-expanded", isOpen);
  }

  set number(number) {
    const place = this.element.querySelector("[data-number]");
    if (place) place.textContent = number || "";
  }

  isOneLineWith({ path }) {
    return path.startsWith(`${this.path}/`) || this.path.startsWith(`${path}/`);
  }
}

/** Without case and accents. */
function plain(text) {
  return text.normalize("NFKD").replace(MARKS, "").toLowerCase();
}
