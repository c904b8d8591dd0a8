// One chart: a figure with its legend, a keyboard cursor, and a table behind it.

import {drawBands, ROW, ROWS} from "./bands.js";
import {colour, drawing, element, say, table} from "./dom.js";
import {clock, figure} from "./words.js";

const HEIGHT = 170;
/** Of each line: colours alone would not tell them apart. */
const DASHES = [[], [7, 3], [2, 3]];
/** A threshold is drawn if the lines come so near to it; otherwise only its value is told. */
const NEAR = 0.2;
const TABLE_ROWS = 30;
const MOVES = new Map(Object.entries(
  {ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity}));

export class Chart {
  /**
   * @param {import("./types.js").ChartSpec} spec
   * @param {HTMLElement} place
   * @param {(at: number | null) => void} point Called with the moment that the keyboard's cursor is at, in s; null
   *     if there is none any more.
   */
  constructor(spec, place, point) {
    this.point = point;
    this.spec = spec;
    /** @type {import("./types.js").Columns} */
    this.columns = [[]];
    /** @type {import("./types.js").Band[]} */
    this.bands = [];
    /** @type {{value: number, label: string} | null} */
    this.threshold = null;
    this.span = {min: 0, max: 1};
    /** Whether the newest values are those of now. */
    this.live = false;
    /** @type {number | null} The moment that the keyboard's cursor is at. */
    this.at = null;
    /** @type {uPlot | null} */
    this.plot = null;
    this.values = spec.lines.map(() => element("b"));
    this.noted = element("span", {class: "threshold"});
    this.canvas = element("div", {
      class: "chart", id: `chart-${spec.key}`, tabindex: "0", role: "application", "aria-roledescription": "chart",
      "aria-label": `${spec.title}, ${spec.unit}. Arrow keys move from point to point.`,
    });
    this.said = element("p", {class: "unseen", id: `chart-${spec.key}-said`, "aria-live": "polite"});
    this.behind = element("div", {class: "scroll", tabindex: "0", role: "group", "aria-label": `${spec.title} as a table`});
    place.append(this.#figure());
    this.canvas.addEventListener("keydown", event => this.#move(event));
    this.canvas.addEventListener("blur", () => this.#leave());
  }

  #figure() {
    const {spec} = this;
    const caption = element("figcaption", {},
      element("h3", {}, spec.title, " ", element("span", {class: "unit"}, spec.unit), this.noted),
      element("p", {class: "soft"}, spec.caption));
    const legend = element("ul", {class: "legend"}, ...spec.lines.map((line, index) =>
      element("li", {}, sampleOf(index), `${line.label} `, this.values[index])));
    const again = element("button", {type: "button"}, "Read again");
    again.addEventListener("click", () => this.#fillTable());
    const details = element("details", {}, element("summary", {}, "Table"), again, this.behind);
    details.addEventListener("toggle", () => details.open && this.#fillTable());
    return element("figure", {}, caption, legend, this.canvas, this.said, details);
  }

  /** @param {uPlot.SyncPubSub} sync Charts with the same one share their cursor. */
  draw(sync) {
    this.plot?.destroy();
    const font = "11px system-ui, sans-serif";
    // Before the first sample there is no time to show.
    /** @param {uPlot} _ @param {number[]} splits */
    const filter = (_, splits) => this.span.max > 1 ? splits : splits.map(() => null);
    const axis = {stroke: colour("--soft"), font, filter, grid: {stroke: colour("--grid"), width: 1, filter},
      ticks: {show: false}, gap: 6};
    this.plot = new uPlot({
      width: this.#width(), height: HEIGHT + ROWS * ROW, padding: [ROWS * ROW + 4, 12, 0, 0],
      legend: {show: false},
      cursor: {sync: {key: sync.key, scales: ["x", null]}, drag: {x: false, y: false}, points: {size: 7}},
      scales: {x: {time: false, range: () => [this.span.min, this.span.max]}, y: {range: (_, __, max) => [0, this.#top(max)]}},
      axes: [
        {...axis, size: 24, space: 80, incrs: [2, 5, 10, 15, 30, 60, 120, 180, 300],
          values: (_, splits) => splits.map(at => at === null ? null : clock(at))},
        {...axis, size: 46, space: 34, values: (_, splits) => splits.map(value => value === null ? null : compact(value))},
      ],
      series: [{}, ...this.spec.lines.map((line, index) => ({
        label: line.label, stroke: colour(`--s${index + 1}`), width: 1.75, dash: DASHES[index],
        fill: index === 0 ? colour("--fill") : undefined, spanGaps: false, points: {show: false},
      }))],
      hooks: {
        drawClear: [plot => drawBands(plot, this.bands, colour)],
        draw: [plot => this.#drawThreshold(plot)],
        setCursor: [() => this.#tellValues()],
      },
    }, /** @type {uPlot.AlignedData} */ (this.columns), this.canvas);
    sync.sub(this.plot);
  }

  /**
   * Show this.
   * @param {import("./types.js").Columns} columns
   * @param {{min: number, max: number}} span
   */
  show(columns, span) {
    this.columns = columns;
    this.span = span;
    this.plot?.setData(/** @type {uPlot.AlignedData} */ (columns), true);
    if (this.at !== null) this.pointAt(this.at);
    this.#tellValues();
  }

  /** @param {number | null} at Where the keyboard's cursor is, in this chart or in another one. */
  pointAt(at) {
    this.at = at;
    const {plot} = this;
    plot?.setCursor(at === null || at < this.span.min ? {left: -10, top: -10} : {left: plot.valToPos(at, "x"), top: 20});
  }

  resize() {
    const width = this.#width();
    if (this.plot !== null && this.plot.width !== width) this.plot.setSize({width, height: this.plot.height});
  }

  #width() {
    return Math.max(200, this.canvas.clientWidth);
  }

  /** @param {number | null} max */
  #top(max) {
    const highest = max ?? 0;
    const near = this.threshold !== null && highest >= this.threshold.value * NEAR;
    return Math.max(1, highest * 1.12, near ? (this.threshold?.value ?? 0) * 1.12 : 0);
  }

  /** @param {uPlot} plot */
  #drawThreshold(plot) {
    const {threshold} = this;
    const drawn = threshold !== null && threshold.value <= (plot.scales.y.max ?? 0);
    say(this.noted, threshold === null ? "" : `${drawn ? "┄┄ " : ""}${threshold.label} ${figure(threshold.value)}`);
    if (threshold === null || !drawn) return;
    const {ctx, bbox} = plot;
    const y = plot.valToPos(threshold.value, "y", true);
    ctx.save();
    ctx.strokeStyle = colour("--unsure");
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }

  /** The legend: what is under the cursor, else the newest values if they still hold. */
  #tellValues() {
    const index = this.plot?.cursor.idx ?? null;
    const at = index ?? (this.live ? this.columns[0].length - 1 : -1);
    this.values.forEach((value, line) => say(value, figure(this.columns[line + 1]?.[at])));
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const move = MOVES.get(event.key);
    if (event.key === "Escape") this.#leave();
    if (move === undefined || this.plot === null) return;
    event.preventDefault();
    const times = /** @type {number[]} */ (this.columns[0]);
    const first = times.findIndex(at => at >= this.span.min);
    if (first < 0) {
      say(this.said, "no points");
      return;
    }
    const from = this.at === null ? times.length - (move > 0 ? 1 : 0) : nearest(times, this.at);
    const index = Math.min(Math.max(from + move, first), times.length - 1);
    const at = times[index];
    this.point(at);
    const values = this.spec.lines.map((line, column) => `${line.label} ${figure(this.columns[column + 1][index])}`);
    const band = this.bands.findLast(each => each.start <= at && at < each.end);
    say(this.said, `${clock(at)}: ${values.join(", ")} ${this.spec.unit}${band ? `. ${band.kind} ${band.label}` : ""}`);
    this.said.classList.remove("unseen");
  }

  #leave() {
    this.said.classList.add("unseen");
    this.point(null);
  }

  #fillTable() {
    const times = /** @type {number[]} */ (this.columns[0]);
    const first = Math.max(0, times.findIndex(at => at >= this.span.min));
    const every = Math.max(1, Math.ceil((times.length - first) / TABLE_ROWS));
    const rows = [];
    for (let index = times.length - 1; index >= first; index -= every) {
      rows.push([clock(times[index]), ...this.columns.slice(1).map(column => figure(column[index]))]);
    }
    const caption = `${this.spec.title}, ${this.spec.unit}; newest first${every > 1 ? `, one point in ${every}` : ""}`;
    this.behind.replaceChildren(table(caption, ["time", ...this.spec.lines.map(line => line.label)], rows));
  }
}

/** @param {number} index */
function sampleOf(index) {
  return drawing("svg", {width: 22, height: 8, "aria-hidden": "true", class: `line s${index + 1}`},
    drawing("line", {x1: 0, y1: 4, x2: 22, y2: 4, "stroke-dasharray": DASHES[index].join(" ") || "none"}));
}

/**
 * @param {number[]} times
 * @param {number} at
 */
function nearest(times, at) {
  const after = times.findIndex(each => each >= at);
  return after < 0 ? times.length - 1 : after;
}

/** @param {number} value */
function compact(value) {
  return value.toLocaleString("en", {notation: "compact", maximumSignificantDigits: 3});
}
