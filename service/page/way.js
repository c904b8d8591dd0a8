// A write's way, drawn: client, Redis, worker, PostgreSQL, and the newest writes on it.

import {drawing, element, say} from "./dom.js";
import {KINDS, layout, lines, PLACE_OF, standing, TOKEN} from "./geometry.js";
import {figure, perSecond, short} from "./words.js";

/** @typedef {import("./types.js").Write} Write */
/** @typedef {import("./geometry.js").Place} Place */

/** @type {Record<Place, string>} */
const TITLES = {
  client: "Client", redis: "Redis", worker: "Worker", postgres: "PostgreSQL",
  cache: "cache", pending: "pending", queue: "queue",
  coalesced: "Coalesced", lost: "Lost", retry: "Retry", dead: "Dead letters",
};
/** Each state has a sign: its colour alone would not tell it apart. @type {Record<import("./types.js").WriteState, string>} */
const SIGNS = {
  "queued": "•", "in flight": "→", "persisted": "✓", "coalesced": "≫", "retry": "↻", "dead letter": "✕", "lost": "!",
};
const MOVES = new Map(Object.entries({ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity}));

/** @param {Write} write */
const nameOf = write => `${write.id} ${write.version}`;

/** A write on its way. */
class Token {
  /** @param {Write} write */
  constructor(write) {
    this.write = write;
    this.slot = 0;
    this.button = element("button", {type: "button", class: "token", tabindex: "-1"});
  }

  get place() {
    return PLACE_OF[this.write.state];
  }

  /** @param {Write} write */
  become(write) {
    this.write = write;
    const {state, id} = write;
    this.button.dataset.state = state;
    say(this.button, SIGNS[state]);
    this.button.setAttribute("aria-label", `${id}, ${state}`);
    this.button.title = `${id}: ${state}`;
  }

  /** @param {{x: number, y: number}} where */
  stand({x, y}) {
    this.button.style.transform = `translate(${x}px, ${y}px)`;
  }
}

export class Way {
  /**
   * @param {HTMLElement} place
   * @param {(write: Write) => void} choose Called with a write that someone wants to know more of, and again
   *     when it has changed.
   */
  constructor(place, choose) {
    this.place = place;
    this.choose = choose;
    /** @type {Map<string, Token>} */
    this.tokens = new Map();
    this.chosen = "";
    /** Lost writes that were shown since the page was opened. @type {Set<string>} */
    this.lost = new Set();
    /** ... and how many verdicts have counted. */
    this.judgedLost = 0;
    /** @type {Map<Place, SVGTextElement[]>} */
    this.texts = new Map();
    this.drawing = drawing("svg", {role: "img", "aria-labelledby": "way-title way-said"});
    this.title = drawing("title", {id: "way-title"}, "From the client through Redis and the worker to PostgreSQL");
    this.said = drawing("desc", {id: "way-said"});
    this.row = element("div", {class: "tokens", role: "toolbar", "aria-label": "The newest writes"});
    this.row.addEventListener("keydown", event => this.#move(event));
    place.append(this.drawing, this.row);
    this.shape = layout(0);
    new ResizeObserver(() => this.#draw()).observe(place);
    this.#draw();
  }

  #draw() {
    const width = this.place.clientWidth;
    this.shape = layout(width);
    const {boxes, height, wide} = this.shape;
    this.place.style.height = `${height}px`;
    this.drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const arrow = drawing("marker", {id: "arrow", viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto"},
      drawing("path", {d: "M0 0L8 4L0 8z"}));
    const old = this.texts;
    this.texts = new Map();
    this.drawing.replaceChildren(this.title, this.said, drawing("defs", {}, arrow),
      ...lines(boxes, wide).map(({path, kind}) => drawing("path", {d: path, class: kind, "marker-end": "url(#arrow)"})),
      .../** @type {Place[]} */ (Object.keys(boxes)).map(name => this.#box(name)));
    for (const [name, texts] of this.texts) {
      texts.forEach((text, index) => say(text, old.get(name)?.[index]?.textContent ?? ""));
    }
    for (const token of this.tokens.values()) this.#put(token);
  }

  /** @param {Place} name */
  #box(name) {
    const {x, y, w, h} = this.shape.boxes[name];
    const kind = KINDS[name];
    const line = y + (kind === "station" ? 25 : 21);
    const texts = [drawing("text", {x: x + w - 12, y: line, class: "count"})];
    if (kind === "station" && h > 60) texts.push(drawing("text", {x: x + 12, y: y + 44, class: "note"}));
    this.texts.set(name, texts);
    return drawing("g", {class: kind},
      drawing("rect", {x: x + 0.5, y: y + 0.5, width: Math.max(0, w - 1), height: h - 1, rx: kind === "part" ? 5 : 8}),
      drawing("text", {x: x + 12, y: line, class: "title"}, TITLES[name]), ...texts);
  }

  /**
   * What stands in the boxes.
   * @param {import("./types.js").Sample | null} sample Null if nothing is known.
   * @param {{accepted: number | null, persisted: number | null}} rates Writes per second.
   * @param {import("./totals.js").Totals} totals
   */
  figures(sample, rates, totals) {
    const known = sample !== null;
    const pending = known && sample.queue !== null ? sample.queue + (sample.inflight ?? 0) + (sample.retrying ?? 0) : null;
    /** @type {[Place, ...string[]][]} */
    const said = [
      ["client", known ? perSecond(rates.accepted) : "", sample?.ack_ms ? `ack ${figure(sample.ack_ms.p50)} ms` : ""],
      ["redis", sample?.redis === false ? "no answer" : "", ""],
      ["pending", short(pending)],
      ["queue", short(sample?.queue)],
      ["worker", short(sample?.inflight), (sample?.workers ?? []).map(worker => worker.state).join(", ") || (known && sample.redis ? "none" : "")],
      ["postgres", sample?.postgres === false ? "no answer" : known ? perSecond(rates.persisted) : "", known && sample.persisted !== null ? `${short(totals.all.persisted)} persisted` : ""],
      ["coalesced", short(known && sample.coalesced !== null ? totals.all.coalesced : null)],
      ["retry", short(sample?.retrying)],
      ["dead", short(sample?.dead_letters)],
    ];
    for (const [name, ...texts] of said) {
      this.texts.get(name)?.forEach((target, index) => say(target, texts[index] ?? ""));
    }
    say(this.said, sample === null ? "Nothing is known." : `${figure(sample.queue)} products queued, `
      + `${figure(sample.inflight)} in flight, ${figure(sample.retrying)} retrying, ${figure(sample.dead_letters)} dead letters.`);
  }

  /** @param {Write[]} writes */
  writes(writes) {
    const names = new Set(writes.map(nameOf));
    const focused = this.row.contains(document.activeElement);
    for (const [name, token] of this.tokens) {
      if (!names.has(name)) {
        token.button.remove();
        this.tokens.delete(name);
      }
    }
    // Oldest first, so that who has been somewhere keeps their place.
    for (const write of writes.toSorted((one, other) => one.since - other.since)) this.#write(write);
    for (const write of writes) if (write.state === "lost") this.lost.add(nameOf(write));
    this.#tellLost();
    this.#rove();
    // Who was at a write that has left goes on at another one.
    if (focused && !this.row.contains(document.activeElement)) this.#stop()?.focus();
  }

  /**
   * So many were lost at least, by the verdicts since the page was opened.
   * @param {number} count
   */
  lostAtLeast(count) {
    this.judgedLost = Math.max(this.judgedLost, count);
    this.#tellLost();
  }

  #tellLost() {
    const lost = Math.max(this.lost.size, this.judgedLost);
    this.texts.get("lost")?.forEach(text => say(text, lost ? short(lost) : ""));
  }

  /** @param {Write} write */
  #write(write) {
    const name = nameOf(write);
    const known = this.tokens.get(name);
    const token = known ?? this.#arrive(write);
    const before = known?.write.state;
    if (before === write.state) return;
    token.become(write);
    token.slot = this.#free(token);
    this.#put(token);
    if (before !== undefined && name === this.chosen) this.choose(write);
  }

  /** @param {Write} write */
  #arrive(write) {
    const token = new Token(write);
    const {x, y, w, h} = this.shape.boxes.client;
    token.stand({x: x + w - TOKEN - 12, y: y + (h < 60 ? 7 : h / 2)});
    token.button.addEventListener("click", () => {
      this.chosen = nameOf(token.write);
      this.#rove();
      this.choose(token.write);
    });
    this.row.append(token.button);
    this.tokens.set(nameOf(write), token);
    // Let the browser see it there, or it would not move.
    void token.button.offsetWidth;
    return token;
  }

  /** @param {Token} token */
  #free(token) {
    const taken = new Set([...this.tokens.values()].filter(each => each !== token && each.place === token.place).map(each => each.slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  /** @param {Token} token */
  #put(token) {
    token.stand(standing(this.shape.boxes, token.place, token.slot));
  }

  /** The write that can be reached with Tab. */
  #stop() {
    const buttons = [...this.tokens.values()].map(token => token.button);
    const active = buttons.find(button => button === document.activeElement);
    return active ?? this.tokens.get(this.chosen)?.button ?? buttons[0];
  }

  /** One of the writes can be reached with Tab, the others from it with arrow keys. */
  #rove() {
    const stop = this.#stop();
    for (const [name, token] of this.tokens) {
      token.button.tabIndex = token.button === stop ? 0 : -1;
      token.button.setAttribute("aria-pressed", String(name === this.chosen));
    }
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const move = MOVES.get(event.key);
    const buttons = [...this.tokens.values()].map(token => token.button);
    const from = buttons.findIndex(button => button === document.activeElement);
    if (move === undefined || from < 0) return;
    event.preventDefault();
    buttons[Math.min(Math.max(from + move, 0), buttons.length - 1)].focus();
    this.#rove();
  }
}
