// The lab in words: what is at stake, the workers, the settings, the runs.

import {byId, element, say, table} from "./dom.js";
import {breaks, clock, counted, day, duration, figure, losses, OUTCOMES, plain, stakes} from "./words.js";

/** @typedef {import("./types.js").Sample} Sample */
/** @typedef {import("./types.js").Run} Run */

/** Figures of a run that say most, in this order. */
const FIGURES = ["acknowledged", "persisted", "superseded", "dead_lettered", "pending", "lost", "lost_products"];
const MOST_FIGURES = 6;
const MOST_STEPS = 16;
/** Others are left out where they are 0. */
const ALWAYS = new Set(["acknowledged", "persisted", "lost"]);

/**
 * What would be lost now, and what is wrong.
 * @param {Sample | null} sample Null if the lab does not answer.
 * @param {number} [since] Since when it does not, in s.
 * @param {boolean} [control] Whether the page has buttons.
 */
export function tellStakes(sample, since, control = false) {
  const [before, count, after] = sample !== null ? stakes(sample.exposed) : ["What is at stake ", "is not known",
    since ? `: the lab has not answered since ${clock(since)}.` : "."];
  say(byId("stakes-before"), before);
  say(byId("stakes-count"), count);
  say(byId("stakes-after"), after);
  const writes = sample?.exposed?.writes ?? null;
  byId("stakes").className = writes === null ? "unknown" : writes > 0 ? "some" : "none";
  const troubles = sample === null ? [] : [
    sample.redis ? "" : "Redis does not answer.", sample.postgres ? "" : "PostgreSQL does not answer.",
    plain(sample.trouble, control)];
  const trouble = byId("trouble");
  say(trouble, troubles.filter(Boolean).join(" "));
  trouble.hidden = trouble.textContent === "";
}

/**
 * The workers, and the dead letters.
 * @param {Sample | null} sample
 * @param {boolean} [control] Whether the page has buttons.
 */
export function tellWorkers(sample, control = false) {
  const letters = sample?.dead_letters ?? null;
  say(byId("dead"), sample === null ? "–" : letters === null ? "not known" : letters === 0 ? "none" : counted(letters, "dead letter"));
  byId("dead").classList.toggle("bad", (letters ?? 0) > 0);
  const rows = (sample?.workers ?? []).map(worker => {
    const since = worker.for_ms >= 1000 ? ` for ${duration(worker.for_ms / 1000)}` : "";
    return [`${worker.state}${since}`, plain(worker.reason, control), worker.name, worker.state];
  });
  const place = byId("workers");
  const text = JSON.stringify(rows);
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  place.replaceChildren(...rows.map(([said, reason, name, state]) => element("li", {class: state},
    element("b", {}, said), element("span", {class: "soft"}, name), ...reason ? [reason] : [])));
  if (rows.length === 0) {
    place.append(element("li", {}, sample === null ? "–" : sample.redis ? "none is running" : "not known"));
  }
}

/** @param {Record<string, unknown>} settings */
export function tellSettings(settings) {
  byId("settings").replaceChildren(...Object.entries(settings).map(([name, value]) =>
    element("div", {}, element("dt", {}, name.toUpperCase()), element("dd", {}, shown(value)))));
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === "number" && Number.isInteger(value) ? value.toLocaleString("en") : String(value);
}

/** @param {Run[]} runs The newest first. */
export function tellRuns(runs) {
  tellLosses(runs[0] ?? null);
  tellLast(runs.find(run => run.ended_at) ?? null);
  tellRunning(runs.find(run => !run.ended_at && !run.silent) ?? null);
  const rows = runs.map(run => [run.scenario, day(run.started_at),
    run.ended_at ? duration(run.ended_at - run.started_at) : "–",
    run.ended_at ? OUTCOMES[run.outcome ?? ""] ?? "Ended" : run.silent ? "no end was told" : "under way", figure(run.figures?.acknowledged), figure(run.figures?.lost)]);
  byId("runs").replaceChildren(rows.length === 0
    ? element("p", {class: "soft"}, "None yet. In a terminal: ", element("code", {}, "labctl demo data-loss"))
    : table("The newest runs", ["scenario", "started", "took", "outcome", "acknowledged", "lost"], rows));
}

/**
 * What the newest run has lost, until the next one begins: that nothing is at stake now is half of the truth.
 * @param {Run | null} run
 */
function tellLosses(run) {
  const place = byId("losses");
  const lost = run?.ended_at ? run.figures?.lost ?? 0 : 0;
  place.hidden = lost === 0;
  say(place, lost === 0 || run === null ? "" : losses(lost, run.scenario, run.ended_at ?? 0));
}

/** @param {Run | null} run */
function tellLast(run) {
  const place = byId("verdict");
  place.className = run?.outcome ?? "";
  if (run === null) {
    place.replaceChildren(element("p", {class: "soft"}, "No run has ended yet."));
    return;
  }
  const known = run.figures ?? {};
  const names = [...new Set([...FIGURES, ...Object.keys(known)])].filter(name => known[name] || name in known && ALWAYS.has(name));
  place.replaceChildren(
    element("p", {class: "outcome"}, OUTCOMES[run.outcome ?? ""] ?? "Ended"),
    element("p", {}, run.detail || run.label || run.scenario),
    element("dl", {class: "fates"}, ...names.slice(0, MOST_FIGURES).map(name => element("div", {class: name === "lost" && known[name] ? "loss" : ""},
      element("dt", {}, name.replaceAll("_", " ")), element("dd", {}, figure(known[name]))))),
    element("p", {class: "soft"}, `${run.scenario}, ${day(run.ended_at ?? run.started_at)}`));
}

/**
 * The steps and faults of the newest run, for bands too narrow for more than a number.
 * @param {import("./types.js").Mark[]} marks In order of time.
 */
export function tellSteps(marks) {
  const run = marks.findLast(mark => mark.kind === "step")?.run;
  const told = marks.filter(mark => mark.run === run && (mark.kind === "step" || mark.kind === "fault"));
  byId("steps").replaceChildren(...told.length > MOST_STEPS ? [element("li", {}, "…")] : [],
    ...told.slice(-MOST_STEPS).map(mark => mark.kind === "fault"
      ? element("li", {class: breaks(mark.label) ? "bad" : "fault"}, `▼ ${mark.label}`)
      : element("li", {}, element("b", {}, `${mark.number ?? "·"}`), ` ${mark.label}`)));
}

/** @param {Run | null} run */
function tellRunning(run) {
  const place = byId("running");
  place.hidden = run === null;
  if (run !== null) say(place, `Under way: ${run.label || run.scenario}`);
}
