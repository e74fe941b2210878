// The table of the library: a row per conversation, headings that sort, a box to pick each or all of what is shown.

import { h, iconButton } from "./dom.js";
import { icon } from "./icons.js";
import { toggleMenu } from "./menu.js";
import { address } from "./place.js";
import { exactly, moment } from "./times.js";

const COLUMNS = [["title", "Title"], ["messages", "Messages"], ["created", "Created"], ["updated", "Last message"]];

export class LibraryTable {
  /** heard: { sort(column), picked(count) } */
  constructor(heard) {
    this.heard = heard;
    this.picks = new Set();
    this.items = [];
    this.all = h("input", { type: "checkbox", "aria-label": "Select all that are shown", onchange: () => this.#pickAll() });
    this.headings = COLUMNS.map(([column, name]) =>
      h("th", { scope: "col", class: `cell-${column}`, "data-column": column }, h("button", { type: "button", onclick: () => heard.sort(column) }, name, h("span", { class: "sort-mark", "aria-hidden": "true" }))),
    );
    this.body = h("tbody", {});
    const head = h("tr", {}, h("th", { scope: "col", class: "cell-pick" }, this.all), this.headings, h("th", { scope: "col", class: "cell-more" }, h("span", { class: "visually-hidden" }, "Options")));
    this.element = h("div", { class: "table-frame" }, h("table", { id: "library-table" }, h("caption", { class: "visually-hidden" }, "Conversations"), h("thead", {}, head), this.body));
    this.#reflect();
  }

  /** Show these rows. */
  set(items, { state, by, descending }) {
    this.items = items;
    const shown = new Set(items.map((item) => item.id));
    for (const id of this.picks) if (!shown.has(id)) this.picks.delete(id);
    for (const heading of this.headings) {
      const sorted = heading.dataset.column === by;
      if (sorted) heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else heading.removeAttribute("aria-sort");
      heading.querySelector(".sort-mark").textContent = sorted ? (descending ? " ↓" : " ↑") : "";
    }
    const focused = this.body.contains(document.activeElement) ? document.activeElement.closest("tr")?.dataset.id : null;
    this.body.replaceChildren(...items.map((item) => this.#row(item, state)));
    this.element.hidden = !items.length;
    if (focused) this.body.querySelector(`tr[data-id="${CSS.escape(focused)}"] input`)?.focus({ preventScroll: true });
    this.#reflect();
  }

  /** The conversations that are picked. */
  picked() {
    return this.items.filter((item) => this.picks.has(item.id));
  }

  clearPicks() {
    this.picks.clear();
    this.#reflect();
  }

  #row(item, state) {
    const title = item.title || "New conversation";
    const name = state === "trash" ? h("span", { dir: "auto" }, title) : h("a", { href: address(item.id), dir: "auto" }, title);
    const box = h("input", { type: "checkbox", "aria-label": `Select ${title}`, onchange: () => this.#pick(item.id, box.checked) });
    const menu = iconButton(`Download ${title}`, icon("download", 16), () => this.#menu(menu, item), { "aria-haspopup": "menu", "aria-expanded": "false", title: "Download" });
    const time = (at) => h("time", { datetime: at, title: exactly(at) }, moment(at));
    return h(
      "tr",
      { "data-id": item.id },
      h("td", { class: "cell-pick" }, box),
      h("td", { class: "cell-title" }, item.pinned ? h("span", { class: "pinned", title: "Pinned" }, icon("pin", 14), h("span", { class: "visually-hidden" }, "Pinned: ")) : null, name),
      h("td", { class: "cell-messages" }, item.messages.toLocaleString()),
      h("td", { class: "cell-created" }, time(item.created_at)),
      h("td", { class: "cell-updated" }, time(item.updated_at)),
      h("td", { class: "cell-more" }, state === "trash" ? null : menu),
    );
  }

  #menu(button, item) {
    const save = (format) => () => h("a", { href: `/export/${item.id}?format=${format}`, download: "" }).click();
    toggleMenu(button, "Download", [
      { name: "As Markdown, to read", icon: "download", act: save("markdown") },
      { name: "As JSON, complete", icon: "download", act: save("json") },
    ]);
  }

  #pick(id, on) {
    if (on) this.picks.add(id);
    else this.picks.delete(id);
    this.#reflect();
  }

  #pickAll() {
    this.picks = new Set(this.all.checked ? this.items.map((item) => item.id) : []);
    this.#reflect();
  }

  #reflect() {
    for (const row of this.body.rows) {
      const on = this.picks.has(row.dataset.id);
      row.querySelector("input").checked = on;
      row.classList.toggle("picked", on);
    }
    this.all.checked = this.items.length > 0 && this.picks.size === this.items.length;
    this.all.indeterminate = this.picks.size > 0 && !this.all.checked;
    this.heard.picked(this.picks.size);
  }
}
