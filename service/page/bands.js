// The steps and faults of runs as parts of the time axis. Pure, but for the drawing.

import {breaks} from "./words.js";

/** Height of a row of labels above a plot, in px. */
export const ROW = 16;
/** One for steps, the others for faults: those of a demo follow each other quickly. */
export const ROWS = 4;
/** Marks tell when a fault was injected, not for how long it lasts: it is shown so wide, in s. */
const MOMENT_S = 0.75;
/** What the name of a run begins with. */
const TIME = /^\d{8}T\d{6}Z-/;

/**
 * A step lasts until the next step, or until its run ends.
 * @param {import("./types.js").Mark[]} marks In order of time.
 * @returns {import("./types.js").Band[]}
 */
export function bandsOf(marks) {
  /** @type {import("./types.js").Band[]} */
  const bands = [];
  /** @type {Map<string, import("./types.js").Band>} */
  const open = new Map();
  let steps = 0;
  for (const mark of marks) {
    if (mark.kind === "fault") {
      bands.push({kind: "fault", start: mark.at, end: mark.at + MOMENT_S, label: mark.label, odd: false, run: ""});
      continue;
    }
    const last = open.get(mark.run);
    if (last !== undefined) last.end = mark.at;
    open.delete(mark.run);
    if (mark.kind === "step") {
      const label = mark.number ? `${mark.number} ${mark.label}` : mark.label;
      /** @type {import("./types.js").Band} */
      const band = {kind: "step", start: mark.at, end: Infinity, label, odd: steps++ % 2 === 0, run: mark.run};
      bands.push(band);
      open.set(mark.run, band);
    }
  }
  return bands;
}

/**
 * The text, or as much of it as there is room for; a step's number at least.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} room
 */
function fitted(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  for (let length = text.length - 1; length > 5; length--) {
    const cut = `${text.slice(0, length).trimEnd()}…`;
    if (context.measureText(cut).width <= room) return cut;
  }
  const [head] = text.split(" ");
  return /^\d+$/.test(head) && context.measureText(head).width <= room ? head : "";
}

/**
 * Draw bands behind a plot, and their labels above it: steps in the first row, faults below.
 * @param {uPlot} plot
 * @param {import("./types.js").Band[]} bands
 * @param {(name: string) => string} colour
 */
export function drawBands(plot, bands, colour) {
  const {ctx, bbox} = plot;
  const {min = 0, max = 0} = plot.scales.x;
  const ratio = devicePixelRatio;
  const steps = bbox.top - (ROWS - 0.5) * ROW * ratio;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  /** @type {import("./types.js").Band[]} */
  const faults = [];
  /** Where runs begin that have had no room for a label. @type {Map<string, number>} */
  const unnamed = new Map();
  for (const band of bands) {
    if (band.end < min || band.start > max) continue;
    if (band.kind === "fault") {
      if (band.start >= min) faults.push(band);
      continue;
    }
    const left = plot.valToPos(Math.max(band.start, min), "x", true);
    const right = plot.valToPos(Math.min(band.end, max), "x", true);
    const width = Math.max(right - left, 2 * ratio);
    const step = band.kind === "step";
    const top = step ? bbox.top - ROWS * ROW * ratio : bbox.top;
    if (!step || band.odd) {
      ctx.fillStyle = colour(step ? "--band" : "--away");
      ctx.fillRect(left, top, width, bbox.top + bbox.height - top);
    }
    ctx.fillStyle = colour(step ? "--line" : "--soft");
    if (band.start >= min) ctx.fillRect(left, top, ratio, bbox.top + bbox.height - top);
    ctx.fillStyle = colour("--soft");
    if (step) {
      const text = fitted(ctx, band.label, width - 7 * ratio);
      ctx.fillText(text, left + 4 * ratio, steps);
      if (text) unnamed.set(band.run, NaN);
      else if (!unnamed.has(band.run)) unnamed.set(band.run, left);
    } else {
      ctx.fillText(fitted(ctx, band.label, width), left + 4 * ratio, bbox.top - 0.5 * ROW * ratio);
    }
  }
  // Short runs are named as a whole.
  ctx.fillStyle = colour("--soft");
  ctx.textAlign = "right";
  for (const [run, left] of unnamed) {
    const name = run.replace(TIME, "");
    if (left - ctx.measureText(name).width > bbox.left) ctx.fillText(name, left - 4 * ratio, steps);
  }
  ctx.textAlign = "left";
  drawFaults(plot, faults, colour);
  ctx.restore();
}

/**
 * Where the labels of faults go, so that none covers another: in the first row that has room next to its line, to
 * the right of it or, near the edge, to the left.
 * @param {{at: number, width: number}[]} labels Where each line is, and how wide its label, from left to right.
 * @param {number} right The edge.
 * @returns {{row: number, from: number, before: boolean}[]}
 */
export function staggered(labels, right) {
  const taken = Array.from({length: ROWS - 1}, () => -Infinity);
  return labels.map(({at, width}) => {
    const before = at + width > right;
    const wanted = before ? at - width : at;
    const free = taken.findIndex(end => end <= wanted);
    // Without room, it goes where it is nearest to its line.
    const row = free >= 0 ? free : taken.indexOf(Math.min(...taken));
    const from = Math.max(wanted, taken[row]);
    taken[row] = from + width;
    return {row, from, before: before && from === wanted};
  });
}

/**
 * Draw each fault as a thin line with a label of its own. What destroys data is the boldest.
 * @param {uPlot} plot
 * @param {import("./types.js").Band[]} faults
 * @param {(name: string) => string} colour
 */
function drawFaults(plot, faults, colour) {
  const {ctx, bbox} = plot;
  const ratio = devicePixelRatio;
  /** @param {import("./types.js").Band} fault */
  const dress = fault => {
    const bold = breaks(fault.label);
    ctx.font = `${bold ? "bold " : ""}${11 * ratio}px system-ui, sans-serif`;
    ctx.fillStyle = colour(bold ? "--bad" : "--unsure");
    return bold ? 2.5 * ratio : ratio;
  };
  const right = bbox.left + bbox.width;
  const labels = faults.map(fault => {
    dress(fault);
    return {at: plot.valToPos(fault.start, "x", true), width: ctx.measureText(`▼ ${fault.label}`).width + 8 * ratio};
  });
  const places = staggered(labels, right);
  faults.forEach((fault, index) => {
    const width = dress(fault);
    const {row, from, before} = places[index];
    const middle = bbox.top - (ROWS - 1.5 - row) * ROW * ratio;
    ctx.fillRect(labels[index].at - width / 2, middle, width, bbox.top + bbox.height - middle);
    const text = before ? `${fault.label} ▼` : `▼ ${fault.label}`;
    ctx.fillText(fitted(ctx, text, right - from), before ? from + 8 * ratio : from, middle);
  });
}
