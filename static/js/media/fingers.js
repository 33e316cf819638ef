/* The mouse and fingers on an enlarged image: one moves it, two zoom it at their middle and carry
   it along, two quick taps (or clicks) enlarge it there or fit it again. */

const TAP_MS = 300;
const TAP_SLOP = 24; // pixels that a finger may wander, or two taps lie apart

/** Calls `zoom(factor, point)`, `move(x, y)` and `toggle(point)`; answers what lets all go. */
export function listen(stage, { zoom, move, toggle }) {
  const pointers = new Map();
  let begun = null; // of a single finger, while it may still become a tap
  let tapped = null;
  let isTouch = false;

  /** Of the first two pointers: their middle and how far they are apart. */
  function grip() {
    const [one, other] = pointers.values();
    return {
      clientX: (one.clientX + other.clientX) / 2,
      clientY: (one.clientY + other.clientY) / 2,
      span: Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY),
    };
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    isTouch = event.pointerType === "touch";
    begun = pointers.size === 1 ? event : null;
  });

  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    if (pointers.size === 1) {
      pointers.set(event.pointerId, event);
      move(event.clientX - before.clientX, event.clientY - before.clientY);
      return;
    }
    const old = grip();
    pointers.set(event.pointerId, event);
    const now = grip();
    if (old.span > 0 && now.span > 0) zoom(now.span / old.span, old);
    move(now.clientX - old.clientX, now.clientY - old.clientY);
  });

  stage.addEventListener("pointerup", (event) => {
    pointers.delete(event.pointerId);
    const isTap = isTouch && begun?.pointerId === event.pointerId && isNear(begun, event);
    begun = null;
    if (isTap && tapped && isNear(tapped, event)) {
      tapped = null;
      toggle(event);
    } else {
      tapped = isTap ? event : null;
    }
  });

  stage.addEventListener("pointercancel", (event) => {
    pointers.delete(event.pointerId);
    begun = tapped = null;
  });

  stage.addEventListener("dblclick", (event) => {
    if (!isTouch) toggle(event); // Some browsers make one of two taps, some do not.
  });

  return () => {
    pointers.clear();
    begun = tapped = null;
  };
}

function isNear(one, other) {
  const distance = Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  return distance <= TAP_SLOP && other.timeStamp - one.timeStamp <= TAP_MS;
}
