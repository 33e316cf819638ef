/* Tasks as they come from the server: HTML of one task each. */

/** The element of a task, not yet in the page; null for none. */
export function parse(html) {
  if (!html) return null;
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.querySelector("#task");
}

/** The task after the one shown, leased ahead; null when there is none or no connection. */
export async function fetchNext(url, shown) {
  try {
    const address = `${url}?beside=${shown.dataset.seat}`;
    const answer = await fetch(address, { credentials: "same-origin" });
    return answer.status === 200 && !answer.redirected ? parse(await answer.text()) : null;
  } catch (error) {
    if (error instanceof TypeError) return null; // Offline, as the status line says in time.
    throw error;
  }
}
