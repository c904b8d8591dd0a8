// The lab's events. Reconnects for as long as the page is open, and says when the lab does not answer.

/** Samples come twice a second; a lab that is silent for so long is not answering, in ms. */
const SILENT_MS = 3_000;
/** Between two attempts, in ms. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;
/** A connection that stays silent for so long is given up, in ms. */
const HOPELESS_MS = 10_000;

/**
 * @typedef {object} Listener
 * @property {(greeting: import("./types.js").Greeting) => void} hello
 * @property {(sample: import("./types.js").Sample) => void} sample
 * @property {(mark: import("./types.js").Mark) => void} mark
 * @property {(settings: Record<string, unknown>) => void} settings
 * @property {(alive: boolean) => void} alive Called when that changes.
 */

export class Stream {
  /**
   * @param {string} address
   * @param {Listener} listener
   */
  constructor(address, listener) {
    this.address = address;
    this.listener = listener;
    this.wait = FIRST_WAIT_MS;
    this.alive = false;
    this.heard = performance.now();
    /** @type {EventSource | null} */
    this.source = null;
    this.#connect();
    setInterval(() => this.#check(), 500);
  }

  #connect() {
    const source = new EventSource(this.address);
    this.source = source;
    this.heard = performance.now();
    const {hello, sample, mark, settings} = this.listener;
    this.#on(source, "hello", hello, () => { this.wait = FIRST_WAIT_MS; });
    this.#on(source, "sample", sample);
    this.#on(source, "mark", mark);
    this.#on(source, "settings", settings);
    source.addEventListener("error", () => this.#reconnect(source));
  }

  /**
   * @param {EventSource} source
   * @param {string} name
   * @param {(content: any) => void} take
   * @param {() => void} [then]
   */
  #on(source, name, take, then) {
    source.addEventListener(name, event => {
      this.heard = performance.now();
      take(JSON.parse(event.data));
      then?.();
      if (name === "sample") this.#become(true);
    });
  }

  /** @param {EventSource} source */
  #reconnect(source) {
    if (source !== this.source) return;
    source.close();
    this.source = null;
    this.#become(false);
    setTimeout(() => this.#connect(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
  }

  #check() {
    const silent = performance.now() - this.heard;
    if (silent > SILENT_MS) this.#become(false);
    if (silent > HOPELESS_MS && this.source !== null) this.#reconnect(this.source);
  }

  /** @param {boolean} alive */
  #become(alive) {
    if (alive === this.alive) return;
    this.alive = alive;
    this.listener.alive(alive);
  }
}
