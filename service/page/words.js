// Figures and sentences. Pure.

const INTEGER = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const COMPACT = new Intl.NumberFormat("en", {notation: "compact", maximumSignificantDigits: 3});
const CLOCK = new Intl.DateTimeFormat("en-GB", {hour: "2-digit", minute: "2-digit", second: "2-digit"});
const DAY = new Intl.DateTimeFormat("en-GB", {day: "numeric", month: "short", hour: "2-digit", minute: "2-digit"});

/** @param {number} value */
const digitsOf = value => {
  const size = Math.abs(value);
  return Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : 2;
};

/**
 * A figure with as many digits as a reader needs; "–" if it is not known.
 * @param {number | null | undefined} value
 */
export function figure(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const digits = digitsOf(value);
  return digits === 0 ? INTEGER.format(value) : value.toFixed(digits);
}

/**
 * A figure for narrow places: "282K".
 * @param {number | null | undefined} value
 */
export function short(value) {
  return typeof value === "number" && value >= 10_000 ? COMPACT.format(value) : figure(value);
}

/** @param {number | null} value */
export const perSecond = value => value === null ? "" : `${short(Math.round(value))}/s`;

/**
 * "1 write", "31 writes".
 * @param {number} count
 * @param {string} noun
 */
export function counted(count, noun) {
  return `${INTEGER.format(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * The time of day.
 * @param {number} at Unix time, in s.
 */
export const clock = at => CLOCK.format(at * 1000);

/**
 * Day and time.
 * @param {number} at Unix time, in s.
 */
export const day = at => DAY.format(at * 1000);

/**
 * A duration in the unit that suits it.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
}

/**
 * What would be lost, as a sentence in three parts. The middle one matters most.
 * @param {import("./types.js").Exposed | null} exposed
 * @returns {[string, string, string]}
 */
export function stakes(exposed) {
  if (exposed === null) return ["What only Redis has ", "is not known", ": Redis does not answer."];
  if (exposed.writes === 0) return ["If Redis died now, ", "nothing", " would be lost."];
  const those = `${counted(exposed.writes, "acknowledged write")}`;
  return [
    "If Redis died now, ",
    those,
    ` of ${counted(exposed.products, "product")} would be lost: the last ${duration(exposed.seconds)}.`,
  ];
}

/**
 * What a run has lost.
 * @param {number} lost
 * @param {string} scenario
 * @param {number} at When it ended: Unix time, in s.
 */
export function losses(lost, scenario, at) {
  const when = Date.now() / 1000 - at < 43_200 ? `at ${clock(at)}` : `on ${day(at)}`;
  return `${counted(lost, "acknowledged write")} ${lost === 1 ? "was" : "were"} lost in ${scenario}, ${when}.`;
}

/**
 * A sentence that was written for a terminal.
 * @param {string} text
 * @param {boolean} control Whether the page has buttons.
 */
export function plain(text, control) {
  const told = control ? text.replace("`rq resume` lets it go on", "the button Resume flushing lets it go on") : text;
  return told.replaceAll("`", "");
}

/**
 * Whether a fault destroys what Redis holds.
 * @param {string} label
 */
export const breaks = label => /flushall|redis:\s*kill/i.test(label);

/**
 * A version is a time in µs; its last digits tell two of a product apart.
 * @param {number | null} version
 */
export const brief = version => version === null ? "" : version > 1e12 ? `…${String(version).slice(-6)}` : String(version);

/** @type {Record<string, string>} */
export const OUTCOMES = {
  expected: "As expected",
  unexpected: "Not as expected",
  inconclusive: "Inconclusive",
  interrupted: "Interrupted",
};
