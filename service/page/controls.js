// What the page may change, if the lab was started with --allow-ui-control.

import {byId, element, say} from "./dom.js";

/** @type {[string, string, boolean][]} The fault, what its button says, whether to ask first. */
const FAULTS = [
  ["redis:flushall", "Empty Redis", true],
  ["worker:suspend", "Suspend flushing", false],
  ["worker:resume", "Resume flushing", false],
  ["rows:fail", "Let rows fail", false],
  ["rows:mend", "Mend rows", false],
  ["flush", "Flush now", false],
];

export class Controls {
  constructor() {
    this.place = byId("control");
    this.said = byId("control-said");
    this.fields = byId("control-settings");
    /** @type {Record<string, unknown>} */
    this.settings = {};
    byId("control-faults").append(...FAULTS.map(([fault, label, asks]) => {
      const button = element("button", {type: "button", class: asks ? "danger" : ""}, label);
      button.addEventListener("click", event => {
        // A double click is no answer.
        if (asks && (button.dataset.sure !== "yes" || event.detail > 1)) {
          button.dataset.sure = "yes";
          say(button, `${label}: really?`);
          return;
        }
        delete button.dataset.sure;
        say(button, label);
        void this.#post("faults", {fault}, label);
      });
      button.addEventListener("blur", () => {
        delete button.dataset.sure;
        say(button, label);
      });
      return button;
    }));
    byId("control-apply").addEventListener("click", () => this.#apply());
  }

  /**
   * @param {boolean} allowed
   * @param {Record<string, unknown>} settings
   */
  show(allowed, settings) {
    this.place.hidden = !allowed;
    // Who is typing is not disturbed.
    if (!allowed || this.fields.contains(document.activeElement)) return;
    // What the fields began with: others may change settings meanwhile, and only what was typed is sent.
    this.settings = settings;
    this.fields.replaceChildren(...Object.entries(settings).map(([name, value]) => {
      const input = element("input", {name, id: `set-${name}`, value: String(value)});
      if (typeof value === "number") input.inputMode = "decimal";
      if (typeof value === "boolean") {
        input.type = "checkbox";
        input.checked = value;
      }
      return element("div", {}, element("label", {for: input.id}, name.toUpperCase()), input);
    }));
  }

  #apply() {
    /** @type {Record<string, unknown>} */
    const changes = {};
    for (const input of this.fields.querySelectorAll("input")) {
      const before = this.settings[input.name];
      const given = typeof before === "boolean" ? input.checked
        : typeof before === "number" && input.value.trim() !== "" && !Number.isNaN(Number(input.value)) ? Number(input.value)
          : input.value;
      if (given !== before) changes[input.name] = given;
    }
    if (Object.keys(changes).length > 0) void this.#post("settings", changes, "Changed");
    else say(this.said, "Nothing was changed.");
  }

  /**
   * @param {string} what
   * @param {object} body
   * @param {string} label
   */
  async #post(what, body, label) {
    say(this.said, "…");
    try {
      const answer = await fetch(`/live/control/${what}`, {
        method: "POST", headers: {"Content-Type": "application/json", "X-Lab-Control": "page"}, body: JSON.stringify(body)});
      const problem = answer.ok ? null : await answer.json().catch(() => ({}));
      say(this.said, problem === null ? `${label}: done.` : problem.detail ?? `Refused with status ${answer.status}.`);
    } catch {
      say(this.said, "The lab did not answer: it is not known whether that was done.");
    }
  }
}
