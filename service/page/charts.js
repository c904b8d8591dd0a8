// All charts: they share the cursor, the time axis and its bands, and are drawn one a frame.

import {bandsOf} from "./bands.js";
import {Chart} from "./chart.js";
import {History} from "./history.js";
import {SPECS} from "./specs.js";

const SYNC = "time";

export class Charts {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.history = new History(SPECS);
    this.span = 60;
    this.charts = SPECS.map(spec => new Chart(spec, place, at => this.charts.forEach(chart => chart.pointAt(at))));
    /** @type {Set<Chart>} */
    this.due = new Set();
    /** @type {Set<Chart>} Charts on the screen. */
    this.seen = new Set();
    this.now = 0;
    /** @type {number | null} */
    this.away = null;
    /** @type {import("./types.js").Band[]} */
    this.bands = [];
    this.sync = uPlot.sync(SYNC);
    this.#watch();
    this.redraw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  #watch() {
    const owner = new Map(this.charts.map(chart => [/** @type {Element} */ (chart.canvas), chart]));
    /** @param {Element} target */
    const chartOf = target => /** @type {Chart} */ (owner.get(target));
    const sights = new IntersectionObserver(entries => {
      for (const entry of entries) {
        const chart = chartOf(entry.target);
        if (entry.isIntersecting) this.seen.add(chart);
        else this.seen.delete(chart);
      }
      this.#ask();
    }, {rootMargin: "200px"});
    const sizes = new ResizeObserver(entries => entries.forEach(entry => chartOf(entry.target).resize()));
    for (const canvas of owner.keys()) {
      sights.observe(canvas);
      sizes.observe(canvas);
    }
  }

  /** Draw all of them anew, for example in other colours. */
  redraw() {
    for (const chart of this.charts) chart.draw(this.sync);
    this.#ask();
  }

  /** @param {import("./types.js").Greeting} greeting */
  limits(greeting) {
    for (const chart of this.charts) chart.threshold = chart.spec.threshold?.(greeting) ?? null;
    this.#ask();
  }

  /** @param {import("./types.js").Mark[]} marks In order of time. */
  marks(marks) {
    this.bands = bandsOf(marks);
    this.#ask();
  }

  /**
   * Show the time up to now.
   * @param {number} now Unix time of the lab, in s.
   * @param {number | null} away Since when the lab has not answered, in s.
   */
  show(now, away) {
    this.now = now;
    this.away = away;
    this.#ask();
  }

  #ask() {
    if (this.due.size === 0) requestAnimationFrame(() => this.#next());
    this.charts.forEach(chart => this.due.add(chart));
  }

  /** One chart a frame: so no frame takes long. */
  #next() {
    const chart = [...this.due].find(each => this.seen.has(each));
    if (chart === undefined) {
      this.due.clear();
      return;
    }
    this.due.delete(chart);
    if (this.now > 0) this.#draw(chart);
    if (this.due.size > 0) requestAnimationFrame(() => this.#next());
  }

  /** @param {Chart} chart */
  #draw(chart) {
    chart.bands = this.away === null ? this.bands
      : [...this.bands, {kind: "away", start: this.away, end: Infinity, label: "no answer", odd: false, run: ""}];
    chart.live = this.away === null;
    chart.show(this.history.of(chart.spec.key), {min: this.now - this.span, max: this.now});
  }
}
