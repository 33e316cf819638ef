/* Pairwise preference: rows of a scale each, one by criterion and the overall one at the end. */

export function mount(root, page) {
  const rows = [page.places.side, page.places.bar]
    .flatMap((place) => (place ? [...place.querySelectorAll("[data-row]")] : []))
    .map((element) => new Row(element, page));
  let current = rows[0];
  for (const row of rows) {
    for (const sign of ["focusin", "pointerdown"]) row.element.addEventListener(sign, () => follow(row));
    row.element.addEventListener("input", () => row.mark(""));
  }

  function follow(row) {
    current = row;
    for (const each of rows) each.element.toggleAttribute("data-current", rows.length > 1 && each === row);
  }

  const choose = (key) => [
    key,
    () => current.choose(key) && current.problem() === null && page.complete(),
  ];
  const digits = Array.from("0123456789", choose);
  const reasons = Array.from("123456789", (digit) => [`Shift+${digit}`, () => current.toggleReason(digit)]);
  const sure = Array.from("qwe", choose);
  if (rows.length > 1) follow(current);

  return {
    keys: {
      ...Object.fromEntries([...digits, ...reasons, ...(page.settings.confidence ? sure : [])]),
      ArrowLeft: () => current.moveAlong(-1),
      ArrowRight: () => current.moveAlong(1),
    },
    problem() {
      for (const row of rows) row.mark(row.problem() ?? "");
      const wrong = rows.filter((row) => row.problem());
      if (rows.length > 1) wrong[0]?.focus();
      return wrong.map((row) => row.problem());
    },
    value() {
      const value = rows.at(-1).value();
      const criteria = rows.slice(0, -1).flatMap((row) => (row.isTouched ? [[row.name, row.value()]] : []));
      if (criteria.length) value.criteria = Object.fromEntries(criteria);
      return Object.keys(value).length ? value : null;
    },
    sides() {
      const { verdict, preferred } = rows.at(-1).value();
      if (verdict !== "prefer") return { chosen: [], rejected: [] };
      const others = page.responses.map(({ id }) => id).filter((id) => id !== preferred);
      return { chosen: [preferred], rejected: others };
    },
    advance() {
      const next = rows[rows.indexOf(current) + 1];
      next?.focus();
      return Boolean(next);
    },
    focus() {
      if (rows.length > 1) (rows.find((row) => row.problem()) ?? rows[0]).focus();
      else rows[0].focus();
    },
  };
}

class Row {
  #page;
  #prefix;

  constructor(element, page) {
    this.element = element;
    this.#page = page;
    this.#prefix = page.prefix + (element.dataset.below ?? "");
  }

  get name() {
    return this.element.dataset.below.split(".").at(-1);
  }

  get isTouched() {
    return Object.keys(this.value()).length > 0;
  }

  focus() {
    this.element.focus();
    this.element.scrollIntoView({ block: "nearest" });
  }

  /** Say at the row what is wrong with it; the overall one has the foot of the page for it. */
  mark(message) {
    const place = this.element.querySelector("[data-wrong]");
    if (!place) return;
    place.textContent = message;
    place.hidden = !message;
    this.element.toggleAttribute("data-invalid", Boolean(message));
  }

  problem() {
    const { verdict, confidence } = this.value();
    if (!verdict) return this.element.dataset.textChoose;
    if (this.#page.settings.confidence && !confidence) return this.element.dataset.textConfidence;
    return null;
  }

  value() {
    const value = preference(this.#checked(this.#prefix)[0]);
    const [confidence] = this.#checked(`${this.#prefix}.confidence`);
    const reasons = this.#checked(`${this.#prefix}.reasons`);
    const own = this.element.querySelector("textarea")?.value.trim();
    if (confidence) value.confidence = confidence;
    if (reasons.length) value.reasons = reasons;
    if (own) value.own_reason = own;
    return value;
  }

  /** Choose by the key on the button; false if there is no such button. */
  choose(key) {
    const input = this.element.querySelector(`[type=radio][data-key="${key}"]`);
    if (input) this.#check(input);
    return Boolean(input);
  }

  /** One step to the left (-1) or the right (1); from nothing, to the middle. */
  moveAlong(side) {
    const step = getComputedStyle(this.element).direction === "rtl" ? -side : side;
    const inputs = [...this.element.querySelectorAll(".scale input")];
    const at = inputs.findIndex((input) => input.checked);
    const middle = (inputs.length - 1) / 2;
    const next = at < 0 ? (step < 0 ? Math.floor(middle) : Math.ceil(middle)) : at + step;
    this.#check(inputs[Math.max(0, Math.min(inputs.length - 1, next))]);
  }

  toggleReason(digit) {
    this.element.querySelectorAll("[type=checkbox]")[Number(digit) - 1]?.click();
  }

  #check(input) {
    input.focus();
    if (input.checked) return;
    input.checked = true;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #checked(name) {
    const inputs = this.element.querySelectorAll(`input[name="${CSS.escape(name)}"]:checked`);
    return [...inputs].map((input) => input.value);
  }
}

/** The field's text as the answer is stored. */
function preference(answer) {
  if (!answer) return {};
  const [verdict, preferred, strength] = answer.split(":");
  if (verdict !== "prefer") return { verdict };
  return { verdict, preferred: Number(preferred), strength: Number(strength) };
}
