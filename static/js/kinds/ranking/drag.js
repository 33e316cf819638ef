/* Dragging and pressing chips by mouse, pen or finger. A press is told by the pointer: after a quick
   drag a browser may take the next tap for the end of a fling, and then sends no click. */

const START_PX = 6;

/**
 * `chips` can be dragged inside the element `within`. `aim(chip, x, y)` marks where it would fall and gives the spot, or null;
 * `drop(chip, spot)` is called at the end, with null where it falls nowhere; `press(chip)` when it
 * was not moved at all.
 */
export function drag(chips, options) {
  for (const chip of chips) new Drag(chip, options);
}

class Drag {
  #chip;
  #within;
  #aim;
  #drop;
  #press;
  #from = null; // Where the pointer went down, and how far the chip may go from there.
  #isMoving = false;
  #isDone = false; // The click that follows says nothing new.

  constructor(chip, { within, aim, drop, press }) {
    this.#chip = chip;
    this.#within = within;
    this.#aim = aim;
    this.#drop = drop;
    this.#press = press;
    chip.addEventListener("pointerdown", (event) => this.#begin(event));
    chip.addEventListener("pointermove", (event) => this.#move(event));
    chip.addEventListener("pointerup", (event) => this.#end(event));
    chip.addEventListener("pointercancel", () => this.#stop());
    chip.addEventListener("click", () => this.#click());
    // The click made of a touch would fall on whatever lies there by then.
    chip.addEventListener("touchend", (event) => event.preventDefault(), { passive: false });
    chip.addEventListener("keydown", (event) => event.key === "Escape" && this.#stop());
    chip.addEventListener("dragstart", (event) => event.preventDefault());
  }

  #begin(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    this.#isDone = false;
    const [box, room] = [this.#chip.getBoundingClientRect(), this.#within.getBoundingClientRect()];
    this.#from = {
      x: event.clientX,
      y: event.clientY,
      across: [room.left - box.left, room.right - box.right],
      down: [room.top - box.top, room.bottom - box.bottom],
    };
    this.#chip.setPointerCapture(event.pointerId);
  }

  #move(event) {
    if (!this.#from) return;
    const [x, y] = [event.clientX - this.#from.x, event.clientY - this.#from.y];
    if (!this.#isMoving && Math.hypot(x, y) < START_PX) return;
    this.#isMoving = true;
    this.#chip.toggleAttribute("data-dragged", true);
    this.#chip.style.translate = `${clamp(x, this.#from.across)}px ${clamp(y, this.#from.down)}px`;
    this.#aim(this.#chip, event.clientX, event.clientY);
  }

  #end(event) {
    if (!this.#from) return;
    const wasMoving = this.#isMoving;
    const spot = wasMoving ? this.#aim(this.#chip, event.clientX, event.clientY) : null;
    this.#stop();
    if (wasMoving) this.#drop(this.#chip, spot);
    else this.#press(this.#chip);
  }

  /** Screen readers may click without a pointer. */
  #click() {
    if (!this.#isDone) this.#press(this.#chip);
    this.#isDone = false;
  }

  #stop() {
    this.#isDone = this.#from !== null;
    this.#from = null;
    this.#isMoving = false;
    this.#chip.removeAttribute("data-dragged");
    this.#chip.style.removeProperty("translate");
    this.#aim(this.#chip, Number.NaN, Number.NaN);
  }
}

function clamp(length, [least, most]) {
  return Math.max(least, Math.min(most, length));
}
