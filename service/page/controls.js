// What the page may change, if the lab was started with --allow-ui-control.

import {byId, element, say} from "./dom.js";

/**
 * @typedef {object} FaultButton
 * @property {string} fault
 * @property {string} label
 * @property {boolean} [asks] Whether to ask first.
 * @property {{fault: string, label: string, lasts: (controls: Controls) => boolean}} [end] What it does while the
 *     fault lasts.
 */

/** @type {FaultButton[]} */
const FAULTS = [
  {fault: "redis:flushall", label: "Empty Redis", asks: true},
  {fault: "worker:suspend", label: "Suspend flushing",
    end: {fault: "worker:resume", label: "Resume flushing", lasts: controls => controls.suspended}},
  {fault: "rows:fail", label: "Let rows fail (30 %)",
    end: {fault: "rows:mend", label: "Mend rows", lasts: controls => controls.failing}},
  {fault: "flush", label: "Flush now"},
];
/** Settings that are one of these. @type {Record<string, string[]>} */
const CHOICES = {write_policy: ["write_behind", "write_through"], overflow_policy: ["reject", "write_through"]};

export class Controls {
  constructor() {
    this.place = byId("control");
    this.said = byId("control-said");
    this.fields = byId("control-settings");
    /** @type {Record<string, unknown>} */
    this.settings = {};
    /** Whether flushing is, as far as is known. */
    this.suspended = false;
    /** Whether rows fail on purpose. */
    this.failing = false;
    this.buttons = FAULTS.map(each => ({...each, button: this.#button(each)}));
    byId("control-faults").append(...this.buttons.map(({button}) => button));
    byId("control-apply").addEventListener("click", () => this.#apply());
  }

  /** @param {FaultButton} each */
  #button(each) {
    const button = element("button", {type: "button", class: each.asks ? "danger" : ""}, each.label);
    button.addEventListener("click", event => {
      // A double click is no answer, and does not undo what it does.
      const again = event.detail > 1;
      if (again && each.end) return;
      if (each.asks && (button.dataset.sure !== "yes" || again)) {
        button.dataset.sure = "yes";
        say(button, `${each.label}: really?`);
        return;
      }
      delete button.dataset.sure;
      this.#label();
      void this.#inject(each.end?.lasts(this) ? each.end : each);
    });
    button.addEventListener("blur", () => {
      delete button.dataset.sure;
      this.#label();
    });
    return button;
  }

  /** @param {{fault: string, label: string}} what */
  async #inject({fault, label}) {
    const done = await this.#post("faults", {fault}, `${label}: done.`);
    if (done && fault.startsWith("worker:")) this.suspended = fault === "worker:suspend";
    this.#label();
  }

  /** Each button says what it would do now. */
  #label() {
    for (const {button, label, end} of this.buttons) {
      if (button.dataset.sure !== "yes") say(button, end?.lasts(this) ? end.label : label);
    }
  }

  /**
   * Learn from the workers whether flushing is suspended. Without any, that is not known: it stays as it was.
   * @param {import("./types.js").Sample} sample
   */
  see({workers}) {
    if (workers.length > 0) this.suspended = workers.some(worker => worker.state === "suspended");
    this.#label();
  }

  /**
   * @param {boolean} allowed
   * @param {Record<string, unknown>} settings
   */
  show(allowed, settings) {
    this.place.hidden = !allowed;
    this.failing = settings.simulate_db_failure === true;
    this.#label();
    // Who is typing is not disturbed.
    if (!allowed || this.fields.contains(document.activeElement)) return;
    // What the fields began with: others may change settings meanwhile, and only what was typed is sent.
    this.settings = settings;
    this.fields.replaceChildren(...Object.entries(settings).map(([name, value]) => {
      const id = `set-${name}`;
      const choices = CHOICES[name];
      if (choices) {
        const select = element("select", {name, id}, ...choices.map(each => element("option", {}, each)));
        select.value = String(value);
        return element("div", {}, element("label", {for: id}, name.toUpperCase()), select);
      }
      const input = element("input", {name, id, value: String(value)});
      if (typeof value === "number") input.inputMode = "decimal";
      if (typeof value === "boolean") {
        input.type = "checkbox";
        input.checked = value;
      }
      return element("div", {}, element("label", {for: id}, name.toUpperCase()), input);
    }));
  }

  #apply() {
    /** @type {Record<string, unknown>} */
    const changes = {};
    for (const select of this.fields.querySelectorAll("select")) {
      if (select.value !== this.settings[select.name]) changes[select.name] = select.value;
    }
    for (const input of this.fields.querySelectorAll("input")) {
      const before = this.settings[input.name];
      const given = typeof before === "boolean" ? input.checked
        : typeof before === "number" && input.value.trim() !== "" && !Number.isNaN(Number(input.value)) ? Number(input.value)
          : input.value;
      if (given !== before) changes[input.name] = given;
    }
    if (Object.keys(changes).length > 0) void this.#post("settings", changes, "Changed.");
    else say(this.said, "Nothing was changed.");
  }

  /**
   * @param {string} what
   * @param {object} body
   * @param {string} done What to say once it is.
   * @returns Whether it was done.
   */
  async #post(what, body, done) {
    say(this.said, "…");
    try {
      const answer = await fetch(`/live/control/${what}`, {
        method: "POST", headers: {"Content-Type": "application/json", "X-Lab-Control": "page"}, body: JSON.stringify(body)});
      const problem = answer.ok ? null : await answer.json().catch(() => ({}));
      say(this.said, problem === null ? done : problem.detail ?? `Refused with status ${answer.status}.`);
      return answer.ok;
    } catch {
      say(this.said, "The lab did not answer: it is not known whether that was done.");
      return false;
    }
  }
}
