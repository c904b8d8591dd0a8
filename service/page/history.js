// The last 15 minutes, as columns that charts can draw. Pure.

/** How far back the page looks, in s. */
export const KEPT_S = 900;
/** Without a sample for so long, a line is broken, in s. */
const GAP_S = 3;
/** Samples may come so much out of order, in s. One that is older still comes from a clock that was set back. */
const DISORDER_S = 2;
/** Rates are taken over at least so long, in s: single batches would make them jump. */
const RATE_S = 1;

/** @typedef {import("./types.js").Sample} Sample */

/**
 * How much a total grew per second; null if that is not known, or if the total began anew.
 * @param {"accepted" | "coalesced" | "persisted"} total
 * @returns {(sample: Sample, before: Sample | null) => number | null}
 */
export const rateOf = total => (sample, before) => {
  const [now, then] = [sample[total], before?.[total] ?? null];
  if (before === null || now === null || then === null || now < then) return null;
  return (now - then) / (sample.at - before.at);
};

/** Samples, and one set of columns for each chart. */
export class History {
  /** @param {import("./types.js").ChartSpec[]} specs */
  constructor(specs) {
    this.specs = specs;
    /** @type {Sample[]} */
    this.samples = [];
    /** @type {Map<string, import("./types.js").Columns>} */
    this.columns = new Map();
    this.clear();
  }

  clear() {
    this.samples = [];
    for (const spec of this.specs) this.columns.set(spec.key, [[], ...spec.lines.map(() => [])]);
  }

  /** @param {string} key */
  of(key) {
    return /** @type {import("./types.js").Columns} */ (this.columns.get(key));
  }

  /**
   * The newest value of a line; null if it is not known.
   * @param {string} key
   * @param {string} label
   */
  latest(key, label) {
    const line = this.specs.find(spec => spec.key === key)?.lines.findIndex(each => each.label === label) ?? -1;
    return this.of(key)[line + 1]?.at(-1) ?? null;
  }

  get last() {
    return this.samples.at(-1) ?? null;
  }

  /**
   * Samples that are not newer than the last one are left out. If the lab's clock was set back, all is begun anew.
   * @param {Sample} sample
   */
  add(sample) {
    if (this.last !== null && this.last.at - sample.at > DISORDER_S) this.clear();
    const last = this.last;
    if (last !== null && sample.at <= last.at) return;
    const gap = last !== null && sample.at - last.at > GAP_S;
    if (gap) this.#append(last.at + 0.001, () => null);
    this.samples.push(sample);
    const before = gap ? null : this.#before(sample.at - RATE_S);
    this.#append(sample.at, line => line.values(sample, before));
    this.#forget(sample.at - KEPT_S);
  }

  /** @param {number} at */
  #before(at) {
    let index = this.samples.length - 2;
    if (index < 0) return null;
    while (index > 0 && this.samples[index].at > at && this.#near(index)) index--;
    return this.samples[index];
  }

  /**
   * Whether no sample is missing before this one.
   * @param {number} index
   */
  #near(index) {
    return this.samples[index].at - this.samples[index - 1].at <= GAP_S;
  }

  /**
   * @param {number} at
   * @param {(line: import("./types.js").Line) => number | null} value
   */
  #append(at, value) {
    for (const spec of this.specs) {
      const [times, ...columns] = this.of(spec.key);
      times.push(at);
      spec.lines.forEach((line, index) => columns[index].push(value(line)));
    }
  }

  /** @param {number} oldest */
  #forget(oldest) {
    const gone = this.samples.findIndex(sample => sample.at >= oldest);
    // Seldom, since moving long arrays costs.
    if (gone < 60) return;
    this.samples.splice(0, gone);
    for (const columns of this.columns.values()) {
      const count = columns[0].findIndex(at => at !== null && at >= oldest);
      for (const column of columns) column.splice(0, count);
    }
  }
}
