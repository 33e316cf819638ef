/* Keeps the seats of this page while somebody works at it. */

import { signed } from "./outbox.js";
import { setNotice, text } from "./status.js";

export class Lease {
  #activity;
  #tasks;

  /** `tasks()` gives the task shown and the one laid ready; either may be null. */
  constructor(seconds, activity, tasks) {
    this.#activity = activity;
    this.#tasks = tasks;
    setInterval(() => this.#renew(), Math.max(3, Number(seconds) / 3) * 1000);
  }

  async #renew() {
    if (!this.#activity.isActive) return;
    const [shown] = this.#tasks();
    for (const task of this.#tasks()) {
      if (!task?.dataset.renewUrl) continue;
      const status = await this.#post(task);
      if (status === 409 && task === shown) setNotice(text("leaseLost"));
    }
  }

  async #post({ dataset: { renewUrl, account } }) {
    try {
      const headers = { Accept: "application/json", ...signed(account) };
      const answer = await fetch(renewUrl, { method: "POST", headers, credentials: "same-origin" });
      return answer.status;
    } catch {
      return 0; // Offline: the outbox says so when it matters, and late answers are kept.
    }
  }
}
