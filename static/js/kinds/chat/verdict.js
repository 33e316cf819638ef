/* What is said about one turn, or about the whole: a preference, ratings, or both. */

export class Verdict {
  #asked;

  /** `asked` is "none", "preference", "rating" or "both". */
  constructor(element, asked) {
    this.element = element;
    this.#asked = asked;
  }

  get number() {
    return Number(this.element.dataset.turn);
  }

  get isBusy() {
    return Boolean(this.element.querySelector("[aria-busy=true]"));
  }

  /** Whose replies the turn has. */
  get letters() {
    return [...this.element.querySelectorAll("[data-reply][data-stands]")].map((reply) => reply.dataset.letter);
  }

  /** Offer what can be said of these models; what cannot be said is not sent either. */
  show(letters, isOpen) {
    const place = this.element.querySelector("[data-verdict]") ?? this.element;
    const wantsPreference = letters.length > 1;
    for (const option of this.#options) {
      const { letter } = option.dataset;
      offer(option, isOpen && wantsPreference && (!letter || letters.includes(letter)));
    }
    for (const rating of this.#ratings) offer(rating, isOpen && letters.includes(rating.dataset.rating));
    this.#preference?.toggleAttribute("hidden", !wantsPreference);
    if (place !== this.element || "final" in place.dataset) place.hidden = !isOpen || !this.#isAsked;
    this.#offered.forEach((option, index) => {
      option.querySelector("kbd").textContent = index + 1;
    });
  }

  /** Whether all is said that is asked. */
  get isComplete() {
    const value = this.value ?? {};
    const isPreferred = !this.#offered.length || Boolean(value.preference);
    return isPreferred && this.#ratings.filter(isOffered).every((rating) => ratingOf(rating) !== null);
  }

  /** As it is stored; null while nothing is said. */
  get value() {
    const value = {};
    const checked = this.#offered.map((option) => option.querySelector("input")).find((input) => input.checked);
    if (checked) {
      const [verdict, preferred] = checked.value.split(":");
      value.preference = preferred ? { verdict, preferred } : { verdict };
    }
    for (const rating of this.#ratings.filter(isOffered)) {
      const given = ratingOf(rating);
      if (given === null) continue;
      const { criterion } = rating.dataset;
      value.ratings ??= {};
      const ratings = criterion === undefined ? value.ratings : (value.ratings[criterion] ??= {});
      ratings[rating.dataset.rating] = given;
    }
    return Object.keys(value).length ? value : null;
  }

  choose(n) {
    const input = this.#offered[n - 1]?.querySelector("input");
    if (!input) return;
    input.focus({ preventScroll: true });
    if (input.checked) return;
    input.checked = true;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** To the first thing that is not said yet. */
  focus() {
    const open = this.#ratings.filter(isOffered).find((rating) => ratingOf(rating) === null);
    const place = this.value?.preference || !this.#offered.length ? open : this.#offered[0];
    const input = place?.querySelector("input");
    input?.focus({ preventScroll: true });
    input?.scrollIntoView({ block: "center" });
  }

  get #isAsked() {
    return this.#offered.length > 0 || this.#ratings.some(isOffered);
  }

  get #preference() {
    return this.element.querySelector("[data-preference]");
  }

  get #options() {
    return [...(this.#preference?.querySelectorAll(".option") ?? [])];
  }

  get #offered() {
    return this.#options.filter(isOffered);
  }

  get #ratings() {
    return this.#asked === "none" ? [] : [...this.element.querySelectorAll("[data-rating]")];
  }
}

function offer(element, isOn) {
  element.hidden = !isOn;
  for (const input of element.querySelectorAll("input")) input.disabled = !isOn;
}

function isOffered(element) {
  return !element.hidden;
}

function ratingOf(element) {
  const number = element.querySelector("[type=number]");
  if (number) return number.value && number.checkValidity() ? Number(number.value) : null;
  const checked = element.querySelector(":checked");
  return checked ? Number(checked.value) : null;
}
