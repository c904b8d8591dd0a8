// The steps and faults of runs as parts of the time axis. Pure, but for the drawing at the end.

/** Height of a row of labels above a plot, in px. */
export const ROW = 16;
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
 * Draw bands behind a plot, and their labels above it: steps in the first row, faults in the second.
 * @param {uPlot} plot
 * @param {import("./types.js").Band[]} bands
 * @param {(name: string) => string} colour
 */
export function drawBands(plot, bands, colour) {
  const {ctx, bbox} = plot;
  const {min = 0, max = 0} = plot.scales.x;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  let taken = bbox.left;
  /** Where runs begin that have had no room for a label. @type {Map<string, number>} */
  const unnamed = new Map();
  for (const band of bands) {
    if (band.end < min || band.start > max) continue;
    const left = plot.valToPos(Math.max(band.start, min), "x", true);
    const right = plot.valToPos(Math.min(band.end, max), "x", true);
    const width = Math.max(right - left, 2 * ratio);
    const step = band.kind === "step";
    const top = step ? bbox.top - 2 * ROW * ratio : bbox.top;
    if (!step || band.odd) {
      ctx.fillStyle = colour(step ? "--band" : band.kind === "fault" ? "--fault" : "--away");
      ctx.fillRect(left, top, width, bbox.top + bbox.height - top);
    }
    ctx.fillStyle = colour(step ? "--line" : band.kind === "fault" ? "--bad" : "--soft");
    if (band.start >= min) ctx.fillRect(left, top, ratio, bbox.top + bbox.height - top);
    ctx.fillStyle = colour(band.kind === "fault" ? "--bad" : "--soft");
    if (step) {
      const text = fitted(ctx, band.label, width - 7 * ratio);
      ctx.fillText(text, left + 4 * ratio, bbox.top - 1.5 * ROW * ratio);
      if (text) unnamed.set(band.run, NaN);
      else if (!unnamed.has(band.run)) unnamed.set(band.run, left);
    } else {
      taken = drawFault(plot, band.label, left, taken);
    }
  }
  // Short runs are named as a whole.
  ctx.fillStyle = colour("--soft");
  ctx.textAlign = "right";
  for (const [run, left] of unnamed) {
    const name = run.replace(TIME, "");
    if (left - ctx.measureText(name).width > bbox.left) ctx.fillText(name, left - 4 * ratio, bbox.top - 1.5 * ROW * ratio);
  }
  ctx.restore();
}

/**
 * Draw a label to the right of its line; to the left if there is more room.
 * @param {uPlot} plot
 * @param {string} label
 * @param {number} left Where its line is.
 * @param {number} taken Up to where there are labels already.
 * @returns {number} Up to where there are labels now.
 */
function drawFault({ctx, bbox}, label, left, taken) {
  const gap = 8 * devicePixelRatio;
  const whole = ctx.measureText(`▼ ${label}`).width;
  const right = bbox.left + bbox.width;
  const fits = Math.max(left, taken) + whole <= right;
  const before = !fits && left - whole >= taken;
  const from = before ? left - whole : Math.max(left, taken);
  const text = fitted(ctx, before ? `${label} ▼` : `▼ ${label}`, right - from);
  ctx.fillText(text, from, bbox.top - 0.5 * ROW * devicePixelRatio);
  return text ? from + ctx.measureText(text).width + gap : taken;
}
