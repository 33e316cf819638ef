/* Seconds of work on a task: counted while the page is visible, has focus and is being used. */

const IDLE_AFTER_MS = 60_000;
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "touchstart"];

export class Activity {
  #seconds = 0;
  #shownAt = performance.now();
  #lastTick = performance.now();
  #lastSign = performance.now();

  constructor() {
    for (const sign of SIGNS) {
      addEventListener(sign, () => this.#sign(), { capture: true, passive: true });
    }
    for (const change of ["focus", "blur", "visibilitychange"]) {
      addEventListener(change, () => this.#tick(), { capture: true });
    }
    setInterval(() => this.#tick(), 1000);
  }

  /** Begin a task, which may have been worked on before. */
  start(seconds = 0) {
    this.#seconds = seconds;
    this.#shownAt = this.#lastTick = this.#lastSign = performance.now();
  }

  get seconds() {
    this.#tick();
    return this.#seconds;
  }

  /** Seconds since the task came into view, at work or not. */
  get shownFor() {
    return (performance.now() - this.#shownAt) / 1000;
  }

  get isActive() {
    return !document.hidden && performance.now() - this.#lastSign < IDLE_AFTER_MS;
  }

  #sign() {
    this.#tick();
    this.#lastSign = performance.now();
  }

  #tick() {
    const now = performance.now();
    if (this.isActive && document.hasFocus()) this.#seconds += (now - this.#lastTick) / 1000;
    this.#lastTick = now;
  }
}
