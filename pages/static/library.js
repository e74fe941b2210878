// The library: all conversations in a table. What is shown is in the address (state, words, order), so that Back, a
// reload and another instance all show the same.

import * as luggage from "./luggage.js";
import { named, tellOthers } from "./changes.js";
import { announce, byId, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { LibraryTable } from "./table.js";
import { surround } from "./shell.js";
import { toast } from "./toast.js";

const STATES = [["active", "Active"], ["archived", "Archived"], ["trash", "Trash"]];
const ACTIONS = {
  active: [["pinned", "Pin", "pin"], ["unpinned", "Unpin", "unpin"], ["archived", "Archive", "archive"], ["trashed", "Delete", "trash"]],
  archived: [["active", "Move back", "restore"], ["trashed", "Delete", "trash"]],
  trash: [["restored", "Restore", "restore"]],
};
const DONE = { archived: "Archived", trashed: "Deleted", active: "Moved back", restored: "Restored" };
const BACK = { archived: "active", trashed: "restored", active: "archived", restored: "trashed" };
const PAUSE_MS = 200;

export function start(arrived) {
  const { element, lane, settings } = arrived.get("library");
  const { list } = surround(arrived, settings);
  document.title = "Library · convstore";
  const library = new Library(element, lane, settings, list);
  document.documentElement.dataset.ready = "true";
  list.load();
  library.load();
}

class Library {
  constructor(element, lane, settings, list) {
    Object.assign(this, { lane, settings, list });
    this.#readAddress();
    this.above = []; // the cursors of the pages above
    this.filter = h("input", { type: "search", id: "library-filter", class: "field", placeholder: "Filter by title", "aria-label": "Filter by title", dir: "auto", value: this.wanted.text, oninput: () => this.#typed() });
    this.tabs = h("div", { class: "tabs", role: "group", "aria-label": "Which conversations" }, STATES.map(([state, name]) => h("button", { type: "button", "data-state": state, onclick: () => this.#go({ state }) }, name)));
    this.bulk = h("div", { class: "bulk", role: "toolbar", "aria-label": "Selected conversations" });
    this.table = new LibraryTable({ sort: (by) => this.#sort(by), picked: (count) => this.#reflectActions(count) });
    this.note = h("p", { class: "library-note", role: "status" });
    this.pager = h("nav", { class: "pager", "aria-label": "Pages" });
    element.replaceChildren(
      h(
        "div",
        { class: "sheet", role: "main" },
        h("header", { class: "sheet-head" }, h("h1", {}, "Library"), h("div", { class: "sheet-actions" }, luggage.importButton(settings, () => this.#imported()), luggage.exportAll())),
        h("div", { class: "library-tools" }, this.tabs, this.filter),
        this.bulk,
        this.note,
        this.table.element,
        this.pager,
      ),
    );
    window.addEventListener("popstate", () => (this.#readAddress(), (this.filter.value = this.wanted.text), this.#restart()));
    window.addEventListener("focus", () => this.load());
    this.list.changes.elsewhere(() => this.load());
    this.list.changes.heard.removed = () => this.load();
    this.list.changes.heard.restored = () => this.load();
  }

  #readAddress() {
    const query = new URLSearchParams(location.search);
    const state = STATES.some(([name]) => name === query.get("state")) ? query.get("state") : "active";
    const by = ["updated", "created", "title", "messages"].includes(query.get("by")) ? query.get("by") : "updated";
    this.wanted = { state, text: (query.get("text") ?? "").slice(0, 200), by, descending: query.get("up") !== "1" };
  }

  #go(change, replace = false) {
    Object.assign(this.wanted, change);
    const { state, text, by, descending } = this.wanted;
    const query = new URLSearchParams({ ...(state !== "active" && { state }), ...(text && { text }), ...(by !== "updated" && { by }), ...(!descending && { up: "1" }) });
    history[replace ? "replaceState" : "pushState"](null, "", `/library${query.size ? `?${query}` : ""}`);
    this.#restart();
  }

  #restart() {
    this.above = [];
    this.after = undefined;
    this.table.clearPicks();
    this.load();
  }

  #sort(by) {
    const descending = this.wanted.by === by ? !this.wanted.descending : by !== "title";
    this.#go({ by, descending });
  }

  #typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#go({ text: this.filter.value.trim().slice(0, 200) }, true), PAUSE_MS);
  }

  /** Load what is shown now. The newest wish wins. */
  async load() {
    this.wish = (this.wish ?? 0) + 1;
    if (this.loading) return;
    this.loading = true;
    try {
      for (let wish = 0; wish !== this.wish; ) {
        wish = this.wish;
        const found = await this.lane.call("sheet", { ...this.wanted, after: this.after });
        if (wish === this.wish) this.#show(found);
      }
    } catch (error) {
      this.note.replaceChildren(h("span", {}, error.message, " "), h("button", { type: "button", class: "button", onclick: () => this.load() }, "Try again"));
    } finally {
      this.loading = false;
    }
  }

  #show({ items, next, total }) {
    const { state, text } = this.wanted;
    if (!items.length && this.above.length) {
      this.after = this.above.pop();
      return this.load();
    }
    this.table.set(items, this.wanted);
    for (const tab of this.tabs.children) tab.setAttribute("aria-pressed", String(tab.dataset.state === state));
    const many = `${total.toLocaleString()} conversation${total === 1 ? "" : "s"}`;
    const none = text ? `No title here has all of “${text}”.` : { active: "No conversations yet.", archived: "Nothing is archived.", trash: "The trash is empty." }[state];
    const days = Math.round(this.settings.trash_days);
    setText(this.note, (total ? many : none) + (state === "trash" && total ? `. Deleted for good ${days} days after they came here.` : ""));
    const button = (name, act, on) => h("button", { type: "button", class: "button", onclick: act, disabled: !on }, name);
    this.pager.hidden = !next && !this.above.length;
    this.pager.replaceChildren(button("Previous", () => this.#previous(), this.above.length), h("span", {}, `Page ${this.above.length + 1}`), button("Next", () => this.#next(next), next));
  }

  #next(cursor) {
    this.above.push(this.after);
    this.after = cursor;
    this.#turn();
  }

  #previous() {
    this.after = this.above.pop();
    this.#turn();
  }

  #turn() {
    this.table.clearPicks();
    byId("library").scrollTop = 0;
    this.load();
  }

  #reflectActions(count) {
    this.bulk.hidden = !count;
    if (!count) return this.bulk.replaceChildren();
    const buttons = ACTIONS[this.wanted.state].map(([to, name, picture]) => h("button", { type: "button", class: `button${to === "trashed" ? " danger" : ""}`, "data-to": to, onclick: () => this.#arrange(to) }, icon(picture, 16), name));
    this.bulk.replaceChildren(h("span", { class: "bulk-count" }, `${count} selected`), ...buttons);
  }

  async #arrange(to) {
    const items = this.table.picked();
    if (await this.#ask(items, to)) {
      if (BACK[to]) toast(named(items, DONE[to]), () => this.#ask(items, BACK[to]));
      else announce(`${items.length} ${to}`);
    }
  }

  async #ask(items, to) {
    try {
      await this.lane.call("arrange", { conversations: items.map((item) => item.id), to });
      this.table.clearPicks();
      tellOthers();
      return true;
    } catch (error) {
      toast(error.message);
      return false;
    } finally {
      this.load();
      this.list.load();
    }
  }

  #imported() {
    tellOthers();
    this.load();
    this.list.load();
  }
}
