// Totals that outlive Redis: its own ones begin anew when it loses its memory. Pure.

/** @typedef {"coalesced" | "persisted"} Total */

export class Totals {
  constructor() {
    /** When the newest sample was taken, in s. */
    this.at = 0;
    /** What Redis said last. @type {Record<Total, number | null>} */
    this.last = {coalesced: null, persisted: null};
    /** What there was in all, as far as the page was told. @type {Record<Total, number | null>} */
    this.all = {coalesced: null, persisted: null};
  }

  /**
   * What was sampled before now. After a break, the lab tells its history again: what is known is left out.
   * @param {import("./types.js").Sample[]} samples In order of time.
   */
  begin(samples) {
    const known = this.at;
    for (const sample of samples) if (sample.at > known) this.add(sample);
  }

  /** @param {import("./types.js").Sample} sample The newest one, whatever the lab's clock says. */
  add(sample) {
    this.at = sample.at;
    for (const name of /** @type {Total[]} */ (["coalesced", "persisted"])) {
      const now = sample[name];
      if (now === null) continue;
      const then = this.last[name] ?? 0;
      this.all[name] = (this.all[name] ?? 0) + (now < then ? now : now - then);
      this.last[name] = now;
    }
  }
}
