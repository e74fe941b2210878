// Several conversations at once: a bar above the list says how many, and what can be done to them.

import { announce, h, iconButton, setText } from "./dom.js";
import { icon } from "./icons.js";

export class Selection {
  constructor(list) {
    this.list = list;
    this.ids = new Set();
    this.active = false;
    this.count = h("span", { class: "selection-count" });
    const act = (name, picture, to) => iconButton(name, icon(picture, 17), () => this.#act(to));
    this.buttons = [act("Pin selected", "pin", "pinned"), act("Archive selected", "archive", "archived"), act("Delete selected", "trash", "trashed")];
    this.bar = h("div", { class: "selection-bar", role: "toolbar", "aria-label": "Selected conversations" }, this.count, this.buttons, iconButton("Stop selecting", icon("close", 17), () => this.end()));
    this.bar.hidden = true;
    this.bar.addEventListener("keydown", (event) => this.#key(event));
  }

  begin(id) {
    this.active = true;
    this.ids = new Set([id]);
    this.#reflect();
    this.list.rows.get(id)?.box.focus();
    announce("Select conversations; the bar above the list says what to do with them.");
  }

  end() {
    const first = [...this.ids][0];
    this.active = false;
    this.ids.clear();
    this.#reflect();
    this.list.rows.get(first)?.link.focus();
  }

  toggle(id, on) {
    if (on) this.ids.add(id);
    else this.ids.delete(id);
    this.#reflect();
  }

  /** Forget what is no longer in the list. */
  keep(shown) {
    for (const id of this.ids) if (!shown.has(id)) this.ids.delete(id);
    this.#reflect();
  }

  #act(to) {
    const items = this.list.items.filter((item) => this.ids.has(item.id));
    this.end();
    this.list.changes.make(items, to);
  }

  #reflect() {
    this.bar.hidden = !this.active;
    setText(this.count, `${this.ids.size} selected`);
    for (const button of this.buttons) button.disabled = !this.ids.size;
    for (const row of this.list.rows.values()) row.reflectSelection();
  }

  #key(event) {
    if (event.key === "Escape") return this.end();
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...this.bar.querySelectorAll("button:enabled")];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  }
}
