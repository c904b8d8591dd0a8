// One write's life, as a waterfall: what the API's traces tell of it.

import {byId, element} from "./dom.js";
import {brief, clock, counted, duration} from "./words.js";

/** @typedef {import("./types.js").LifeWrite} LifeWrite */
/** @typedef {{label: string, start: number, end: number, kind: string}} Stretch In µs. */

const MOST_WRITES = 6;
/** Traces arrive some seconds after what they tell of: so often, and after so many ms, they are read again. */
const MOST_READS = 6;
const READ_AGAIN_MS = 1_500;
/** What may still become something else. */
const UNSETTLED = new Set(["accepted", "in flight", "retrying", "unknown"]);
const UNTRACED = "None of its writes was traced. labctl traces all writes of a demo, and 1 in 100 of a load.";

/**
 * The stretches of a write's life, as far as they are known.
 * @param {LifeWrite} write
 * @param {LifeWrite[]} all The product's writes.
 * @returns {Stretch[]}
 */
export function stretches(write, all) {
  const newer = all.find(each => each.version !== null && each.version === write.superseded_by);
  const left = write.claimed_at_us ?? newer?.acknowledged_at_us ?? null;
  /** @type {[string, number | null, number | null, string][]} */
  const known = [
    ["request", write.sent_at_us ?? write.received_at_us, write.acknowledged_at_us, "request"],
    [newer && write.claimed_at_us === null ? "in Redis, until replaced" : "in Redis alone", write.acknowledged_at_us, left, "waiting"],
    ["flush", write.claimed_at_us, write.committed_at_us, "flush"],
  ];
  return known.flatMap(([label, start, end, kind]) =>
    start === null || end === null ? [] : [{label, start, end, kind}]);
}

/**
 * The chosen write first, then the others, newest first.
 * @param {LifeWrite[]} writes
 * @param {number} chosen Its version.
 */
export function inOrder(writes, chosen) {
  /** A version is a time in µs; what was refused has none. @param {LifeWrite} write */
  const order = write => write.version === chosen ? Infinity : write.version ?? write.received_at_us ?? 0;
  return writes.toSorted((one, other) => order(other) - order(one) || 0);
}

/**
 * Where the product is now.
 * @param {import("./types.js").Life} life
 */
function present({now, unread = []}) {
  const redis = unread.includes("redis") ? "what Redis has is not known"
    : now.pending_version ? `Redis alone has version ${brief(Number(now.pending_version))}` : "nothing of it waits in Redis";
  const row = unread.includes("postgres") ? "what PostgreSQL has is not known"
    : now.row_version ? `PostgreSQL has version ${brief(Number(now.row_version))}${now.row_deleted ? ", deleted" : ""}`
      : "PostgreSQL does not have it";
  return `Now: ${redis}; ${row}${now.dead_lettered ? "; it is among the dead letters" : ""}.`;
}

/**
 * Bars to scale.
 * @param {Stretch[]} rows
 */
function waterfall(rows) {
  const start = Math.min(...rows.map(row => row.start));
  const whole = Math.max(...rows.map(row => row.end)) - start || 1;
  return element("ol", {class: "waterfall"}, ...rows.map(row => {
    const bar = element("i", {class: row.kind});
    bar.style.marginLeft = `${Math.min(99.5, 100 * (row.start - start) / whole)}%`;
    bar.style.width = `${Math.max(0.5, 100 * (row.end - row.start) / whole)}%`;
    return element("li", {}, element("span", {class: "what"}, row.label),
      element("span", {class: "bar", "aria-hidden": "true"}, bar),
      element("span", {class: "n"}, duration((row.end - row.start) / 1e6)));
  }));
}

export class LifePanel {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.title = element("h3", {tabindex: "-1"});
    this.content = element("div");
    this.asked = 0;
    const close = element("button", {type: "button"}, "Close");
    close.addEventListener("click", () => this.close());
    place.append(element("div", {class: "bar-of-title"}, this.title, close), this.content);
    place.addEventListener("keydown", event => event.key === "Escape" && this.close());
    /** @type {Element | null} */
    this.from = null;
  }

  close() {
    this.place.hidden = true;
    this.asked++;
    const back = this.from instanceof HTMLElement && this.from.isConnected ? this.from : byId("way");
    back.focus();
  }

  /**
   * Show the life of a write's product.
   * @param {import("./types.js").Write} write
   */
  async show(write) {
    const opens = this.place.hidden || this.place.dataset.product !== write.id;
    this.place.dataset.product = write.id;
    if (opens) {
      this.from = document.activeElement;
      this.place.hidden = false;
      this.title.textContent = write.id;
      this.content.replaceChildren(element("p", {class: "soft"}, "Reading its traces …"));
      this.title.focus();
    }
    const asked = ++this.asked;
    for (let count = 0; count < MOST_READS; count++) {
      /** @type {import("./types.js").Life | string} */
      const life = await read(`/products/${encodeURIComponent(write.id)}/life`);
      if (asked !== this.asked) return;
      this.content.replaceChildren(...this.#told(write, life));
      if (typeof life === "string" || !life.writes.some(each => UNSETTLED.has(each.outcome))) return;
      await new Promise(done => setTimeout(done, READ_AGAIN_MS));
      if (asked !== this.asked) return;
    }
  }

  /**
   * @param {import("./types.js").Write} write
   * @param {import("./types.js").Life | string} life A sentence if it is not known.
   */
  #told(write, life) {
    const state = element("p", {}, `Version ${brief(write.version)}: `, element("b", {}, write.state), `, seen at ${clock(write.since)}.`);
    if (typeof life === "string") return [state, element("p", {class: "soft"}, life)];
    const newest = inOrder(life.writes, write.version).slice(0, MOST_WRITES);
    if (newest.length === 0) return [state, element("p", {class: "soft"}, UNTRACED)];
    const more = life.writes.length - newest.length;
    const untraced = newest[0].version === write.version ? [] : [element("p", {class: "soft"}, "This version was not traced.")];
    return [state, ...untraced, element("p", {class: "soft"}, present(life)), ...newest.map(each => this.#written(each, life.writes)),
      ...more > 0 ? [element("p", {class: "soft"}, `And ${counted(more, "other traced write")}.`)] : []];
  }

  /**
   * @param {LifeWrite} write
   * @param {LifeWrite[]} all
   */
  #written(write, all) {
    const rows = stretches(write, all);
    const replaced = write.superseded_by ? ` by ${brief(write.superseded_by)}` : "";
    const began = write.sent_at_us ?? write.received_at_us ?? write.acknowledged_at_us;
    const spans = element("div");
    const more = element("button", {type: "button"}, "All spans");
    more.addEventListener("click", async () => {
      more.disabled = true;
      spans.replaceChildren(...await readTrace(write.trace_id));
    });
    return element("section", {class: "written", "aria-label": `${write.operation} ${write.version ?? ""}`},
      element("p", {}, element("b", {}, `${write.operation} ${brief(write.version)}`), ` ${write.outcome}${replaced}`,
        began === null ? "" : element("span", {class: "soft"}, ` at ${clock(began / 1e6)}`),
        write.worker ? element("span", {class: "soft"}, ` by ${write.worker}`) : ""),
      ...write.error ? [element("p", {class: "bad"}, write.error)] : [],
      ...rows.length ? [waterfall(rows)] : [],
      ...write.trace_id ? [more, spans] : []);
  }
}

/** @param {string} id */
async function readTrace(id) {
  /** @type {import("./types.js").Trace | string} */
  const trace = await read(`/traces/${encodeURIComponent(id)}`);
  if (typeof trace === "string") return [element("p", {class: "soft"}, trace)];
  const spans = [...trace.spans, ...trace.linked];
  if (spans.length === 0) return [element("p", {class: "soft"}, "The trace has no spans yet.")];
  return [waterfall(spans.map(span => ({
    label: `${span.service}: ${span.name}`, start: span.start_us, end: span.end_us,
    kind: span.status === "error" ? "failed" : "span",
  })))];
}

/**
 * The answer, or why there is none.
 * @param {string} address
 * @returns {Promise<any>}
 */
async function read(address) {
  try {
    const answer = await fetch(address);
    if (answer.ok) return await answer.json();
    if (answer.status === 404) return "The lab knows nothing of it (any more).";
    const problem = await answer.json().catch(() => ({}));
    return problem.detail ?? `The lab answered with status ${answer.status}.`;
  } catch {
    return "The lab did not answer.";
  }
}
