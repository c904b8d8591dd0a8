// The page: it listens to the lab, and tells its parts.

import {Charts} from "./charts.js";
import {Controls} from "./controls.js";
import {byId, say} from "./dom.js";
import {tellRuns, tellSettings, tellStakes, tellSteps, tellWorkers} from "./facts.js";
import {LifePanel} from "./life.js";
import {Runs} from "./runs.js";
import {Stream} from "./stream.js";
import {Totals} from "./totals.js";
import {Way} from "./way.js";
import {clock} from "./words.js";

/** @typedef {import("./types.js").Greeting} Greeting */
/** @typedef {import("./types.js").Sample} Sample */

/** While the lab is away, time goes on this often, in ms. */
const TICK_MS = 1_000;

class Page {
  constructor() {
    this.charts = new Charts(byId("charts"));
    this.life = new LifePanel(byId("life"));
    this.way = new Way(byId("way"), write => void this.life.show(write));
    this.controls = new Controls();
    this.runs = new Runs();
    this.totals = new Totals();
    this.opened = Date.now() / 1000;
    /** @type {Greeting | null} */
    this.greeting = null;
    /** The lab's clock minus ours, in s. */
    this.ahead = 0;
    /** Since when the lab has not answered, in s of its clock. @type {number | null} */
    this.since = Date.now() / 1000;
    this.alive = false;
    for (const choice of document.querySelectorAll("input[name=span]")) {
      choice.addEventListener("change", () => this.#spanned(/** @type {HTMLInputElement} */ (choice)));
    }
    this.#settings({});
    tellRuns([]);
    this.#silence(null);
    setInterval(() => this.#tick(), TICK_MS);
    this.stream = new Stream("/live/stream", {
      hello: greeting => this.#hello(greeting),
      sample: sample => this.#sample(sample),
      mark: mark => { this.runs.add(mark); this.#told(); },
      settings: settings => this.#settings(settings),
      alive: alive => this.#alive(alive),
    });
  }

  get now() {
    return Date.now() / 1000 + this.ahead;
  }

  /** @param {HTMLInputElement} choice */
  #spanned(choice) {
    this.charts.span = Number(choice.value);
    this.charts.show(this.now, this.since);
  }

  /** @param {Greeting} greeting */
  #hello(greeting) {
    this.greeting = greeting;
    say(byId("lab"), greeting.lab);
    say(byId("runtime"), greeting.runtime);
    document.title = `${greeting.lab}: write-behind lab`;
    this.charts.history.clear();
    for (const sample of greeting.history) this.charts.history.add(sample);
    this.totals.begin(greeting.history);
    this.runs.begin(greeting.marks, greeting.runs);
    this.#settings(greeting.settings);
    this.#told();
  }

  /** @param {Record<string, unknown>} settings */
  #settings(settings) {
    tellSettings(settings);
    const {greeting} = this;
    if (greeting === null) return;
    greeting.settings = settings;
    greeting.max_pending = Number(settings.max_pending ?? greeting.max_pending);
    const delay = settings.write_coalescing_enabled ? settings.coalescing_window_ms : settings.flush_interval_ms;
    greeting.window_ms = Number(delay ?? greeting.window_ms);
    this.charts.limits(greeting);
    this.controls.show(greeting.control, settings);
  }

  #told() {
    this.charts.marks(this.runs.marks);
    tellRuns(this.runs.newest(this.now));
    this.way.lostAtLeast(this.runs.lostSince(this.opened + this.ahead));
    tellSteps(this.runs.marks);
  }

  /** @param {Sample} sample */
  #sample(sample) {
    this.ahead = sample.at - Date.now() / 1000;
    this.charts.history.add(sample);
    this.totals.add(sample);
    this.charts.show(sample.at, null);
    const {history} = this.charts;
    this.way.figures(sample, {accepted: history.latest("rates", "accepted"), persisted: history.latest("rates", "persisted")}, this.totals);
    this.way.writes(sample.products);
    const control = this.greeting?.control ?? false;
    tellStakes(sample, undefined, control);
    tellWorkers(sample, control);
    this.controls.see(sample);
  }

  /** @param {boolean} alive */
  #alive(alive) {
    this.alive = alive;
    document.body.classList.toggle("away", !alive);
    this.since = alive ? null : this.charts.history.last?.at ?? this.now;
    this.controls.show(alive && (this.greeting?.control ?? false), this.greeting?.settings ?? {});
    if (!alive) this.#silence(this.since);
    else {
      say(byId("connection"), "live");
      this.#settings(this.greeting?.settings ?? {});
    }
  }

  /**
   * Nothing that was known is shown as if it still held.
   * @param {number | null} since In s; null if the lab has not answered at all.
   */
  #silence(since) {
    document.body.classList.add("away");
    say(byId("connection"), since === null ? "connecting …" : `not answering since ${clock(since)}`);
    tellStakes(null, since ?? undefined);
    tellWorkers(null);
    tellSettings({});
    this.way.figures(null, {accepted: null, persisted: null}, this.totals);
    this.way.writes([]);
  }

  #tick() {
    if (!this.alive) this.charts.show(this.now, this.since);
  }
}

new Page();
