// What runs have told: their marks, and what follows from them. Pure.

/** @typedef {import("./types.js").Mark} Mark */
/** @typedef {import("./types.js").Run} Run */

const MOST_MARKS = 2_000;
const MOST_RUNS = 20;
/** Of a run that began so long ago, and of which nothing was heard lately, no end is expected any more, in s. */
const SILENT_S = 1_800;

export class Runs {
  constructor() {
    /** @type {Mark[]} */
    this.marks = [];
    /** @type {Map<string, Run>} */
    this.runs = new Map();
  }

  /**
   * Forget what was known: the lab tells everything anew.
   * @param {Mark[]} marks
   * @param {Run[]} runs
   */
  begin(marks, runs) {
    this.marks = [...marks].sort((one, other) => one.at - other.at);
    this.runs = new Map(runs.map(run => [run.run, {...run}]));
  }

  /** @param {Mark} mark */
  add(mark) {
    let place = this.marks.length;
    while (place > 0 && this.marks[place - 1].at > mark.at) place--;
    this.marks.splice(place, 0, mark);
    if (this.marks.length > MOST_MARKS) this.marks.shift();
    this.#tell(mark);
  }

  /** @param {Mark} mark */
  #tell(mark) {
    const known = this.runs.get(mark.run);
    if (mark.kind === "run" && !known) {
      this.runs.set(mark.run, {run: mark.run, scenario: mark.scenario, started_at: mark.at, label: mark.label, detail: mark.detail});
    }
    if (mark.kind !== "end") return;
    const run = known ?? {run: mark.run, scenario: mark.scenario, started_at: mark.at};
    run.ended_at = mark.at;
    run.outcome = mark.outcome;
    run.figures = mark.figures;
    if (mark.label && mark.label !== mark.outcome) run.label = mark.label;
    run.detail = mark.detail || run.detail;
    this.runs.set(mark.run, run);
  }

  /**
   * How many acknowledged writes were lost in the runs that ended since.
   * @param {number} since Unix time, in s.
   */
  lostSince(since) {
    return [...this.runs.values()].filter(run => (run.ended_at ?? 0) >= since)
      .reduce((sum, run) => sum + (run.figures?.lost ?? 0), 0);
  }

  /**
   * The newest runs, newest first.
   * @param {number} now Unix time, in s.
   * @returns {Run[]}
   */
  newest(now) {
    return [...this.runs.values()]
      .sort((one, other) => other.started_at - one.started_at)
      .slice(0, MOST_RUNS)
      .map(run => run.ended_at || now - this.#heard(run) < SILENT_S ? run : {...run, silent: true});
  }

  /**
   * When the run told something last, as far as its marks are still known.
   * @param {Run} run
   */
  #heard(run) {
    return this.marks.findLast(mark => mark.run === run.run)?.at ?? run.started_at;
  }
}
