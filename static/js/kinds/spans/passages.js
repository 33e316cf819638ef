/* The passages beside the responses: sentences are chosen as evidence by clicking, or by arrows
   and Space. Evidence counts passages and sentences from 1, and has the title as sentence 0. */

export class Passages {
  #root;
  #sentences = [];
  #hooks;

  /** `hooks` has evidence(), which is {passage, sentences}, null, or undefined when none is taken,
     begin(), which opens what lacks sentences if anything does, isWanted(), choose(evidence, isOther)
     and text(). */
  constructor(root, hooks) {
    this.#root = root;
    this.#hooks = hooks;
    if (!root?.querySelector("[role=checkbox]")) return;
    for (const passage of root.querySelectorAll(".passage")) addTitle(passage, hooks.text("title"));
    this.#sentences = [...root.querySelectorAll("[role=checkbox]")];
    this.#sentences.forEach((sentence, index) => (sentence.tabIndex = index ? -1 : 0));
    root.addEventListener("click", ({ target }) => this.#toggle(target.closest("[role=checkbox]")));
    root.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Show what is chosen. */
  update() {
    const evidence = this.#hooks.evidence();
    for (const sentence of this.#sentences) {
      const [passage, number] = numbers(sentence);
      const isChosen = evidence?.passage === passage && evidence.sentences.includes(number);
      if (sentence.getAttribute("aria-checked") !== String(isChosen)) sentence.setAttribute("aria-checked", isChosen);
    }
    this.#root?.toggleAttribute("data-choosing", evidence !== undefined || this.#hooks.isWanted());
  }

  /** Begin at what is chosen, or at the beginning. */
  focus() {
    const chosen = this.#sentences.find((sentence) => sentence.getAttribute("aria-checked") === "true");
    const to = chosen ?? this.#sentences.find(({ tabIndex }) => tabIndex === 0);
    if (to) this.#goTo(to);
  }

  /** The evidence in words: what passage, and its sentences. */
  words({ passage, sentences }) {
    const box = this.#root.querySelectorAll(".passage")[passage - 1];
    const title = box.querySelector("summary").textContent.trim();
    const quotes = sentences.map((number) => {
      if (number === 0) return this.#hooks.text("title");
      const found = this.#sentences.find((sentence) => String(numbers(sentence)) === String([passage, number]));
      return found?.textContent.trim() ?? "";
    });
    return { title: this.#hooks.text("passage", { number: passage, title }), quotes };
  }

  /** Whether stored evidence points at sentences there are. */
  has({ passage, sentences }) {
    const known = new Set(this.#sentences.map((sentence) => String(numbers(sentence))));
    return Array.isArray(sentences) && sentences.length > 0 && sentences.every((number) => known.has(String([passage, number])));
  }

  #toggle(sentence) {
    if (!sentence || String(getSelection()).trim()) return;
    if (this.#hooks.evidence() === undefined) this.#hooks.begin();
    const evidence = this.#hooks.evidence();
    if (evidence === undefined) return;
    this.#goTo(sentence);
    const [passage, number] = numbers(sentence);
    const isOther = Boolean(evidence) && evidence.passage !== passage;
    const before = evidence && !isOther ? evidence.sentences : [];
    const sentences = before.includes(number) ? before.filter((one) => one !== number) : [...before, number];
    sentences.sort((a, b) => a - b);
    this.#hooks.choose(sentences.length ? { passage, sentences } : undefined, isOther);
  }

  #onKey(event) {
    const sentence = event.target.closest("[role=checkbox]");
    if (!sentence || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    if (event.key === " ") this.#toggle(sentence);
    else if (steps[event.key]) this.#step(sentence, steps[event.key]);
    else return;
    event.preventDefault();
  }

  #step(sentence, by) {
    const open = this.#sentences.filter((one) => one.closest("details").open);
    const to = open[open.indexOf(sentence) + by];
    if (to) this.#goTo(to);
  }

  #goTo(sentence) {
    for (const one of this.#sentences) if (one.tabIndex === 0) one.tabIndex = -1;
    sentence.tabIndex = 0;
    sentence.focus();
  }
}

/** The title too may be evidence: a box before the first sentence. */
function addTitle(passage, word) {
  const title = document.createElement("span");
  title.className = "sentence span-title";
  Object.assign(title.dataset, { passage: passage.dataset.passage, sentence: -1 });
  title.setAttribute("role", "checkbox");
  title.setAttribute("aria-checked", "false");
  title.setAttribute("aria-label", `${word}: ${passage.querySelector("summary").textContent.trim()}`);
  title.textContent = word;
  passage.querySelector("p").prepend(title, " ");
}

/** As evidence counts them. */
function numbers({ dataset }) {
  return [Number(dataset.passage) + 1, Number(dataset.sentence) + 1];
}
