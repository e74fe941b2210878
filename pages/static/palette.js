// The search over everything: titles and messages as one types, opened at the message.
//
// One question is on its way at a time, and the newest one waiting replaces the others: what is shown always answers
// what was typed last. Hits come as pieces of text with a mark on some of them, never as markup.

import { openDialog } from "./dialog.js";
import { byId, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { address, travel } from "./place.js";
import { moment } from "./times.js";

const PAUSE_MS = 120;
const RECENT = 7;

export class Palette {
  /** `recent()`: conversations to offer before anything is typed; null while they are not known. */
  constructor(lane, recent) {
    this.lane = lane;
    this.recent = recent;
  }

  open() {
    if (byId("search-box")) return;
    this.box = h("input", {
      type: "text", id: "search-box", role: "combobox", placeholder: "Search titles and messages", dir: "auto", autocomplete: "off", spellcheck: "false", enterkeyhint: "search",
      "aria-label": "Search conversations", "aria-expanded": "true", "aria-controls": "search-results", "aria-autocomplete": "list",
    });
    this.results = h("div", { id: "search-results", role: "listbox", "aria-label": "Conversations and messages" });
    this.state = h("div", { class: "search-state", role: "status" });
    this.box.addEventListener("input", () => this.#typed());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.asked = null;
    this.busy = false;
    const { dialog, close } = openDialog({
      id: "search-dialog",
      title: "Search",
      headed: false,
      className: "palette",
      fill: (close) => [
        h("div", { class: "search-field" }, icon("search", 18), this.box, h("button", { type: "button", class: "search-close", onclick: () => close() }, "Esc")),
        h("div", { class: "search-scroll" }, this.results, this.state),
      ],
      onclose: () => clearTimeout(this.timer),
    });
    this.close = close;
    this.dialog = dialog;
    this.box.focus();
    this.#offerRecent();
  }

  #typed() {
    clearTimeout(this.timer);
    if (!this.box.value.trim()) {
      this.asked = null;
      return this.#offerRecent();
    }
    this.timer = setTimeout(() => this.#ask(), PAUSE_MS);
  }

  async #ask() {
    this.asked = this.box.value.trim();
    if (this.busy) return;
    this.busy = true;
    const { dialog } = this;
    let query = null;
    try {
      while (this.asked !== null && this.asked !== query && dialog.open) {
        query = this.asked;
        const { items } = await this.lane.call("find", { query: query.slice(0, 500) });
        if (query === this.asked && dialog.open) this.#show(items, query);
      }
    } catch (error) {
      if (dialog.open) this.#failed(error);
    } finally {
      this.busy = false;
    }
  }

  #offerRecent() {
    const known = this.recent();
    const items = (known ?? []).slice(0, RECENT).map((item) => ({ conversation: item.id, message: null, title: [[item.title, false]], snippet: [], at: item.updated_at }));
    this.#draw(items);
    this.#say(known?.length === 0 ? "Your conversations will be found here." : "");
  }

  #show(items, query) {
    this.#draw(items);
    this.#say(items.length ? "" : `Nothing found for “${query.slice(0, 80)}”.`);
  }

  #failed(error) {
    this.#draw([]);
    this.state.replaceChildren(h("span", {}, error.message, " "), h("button", { type: "button", class: "button", onclick: () => this.#ask() }, "Try again"));
  }

  #say(text) {
    setText(this.state, text);
  }

  #draw(items) {
    this.options = items.map((item, index) => option(item, index));
    this.options.forEach((link, index) => {
      link.addEventListener("pointermove", () => this.#choose(index));
      link.addEventListener("click", (event) => this.#follow(event, link));
    });
    this.results.replaceChildren(...this.options);
    this.results.hidden = !items.length;
    this.#choose(items.length ? 0 : -1);
  }

  #choose(index) {
    this.at = index;
    this.options.forEach((link, i) => link.setAttribute("aria-selected", String(i === index)));
    const chosen = this.options[index];
    if (chosen) this.box.setAttribute("aria-activedescendant", chosen.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  #key(event) {
    if (event.isComposing) return;
    const count = this.options.length;
    const to = { ArrowDown: (this.at + 1) % count, ArrowUp: (this.at - 1 + count) % count }[event.key];
    if (event.key === "Enter" && this.options[this.at]) {
      event.preventDefault();
      this.options[this.at].click();
    } else if (to !== undefined && count) {
      event.preventDefault();
      this.#choose(to);
      this.options[to].scrollIntoView({ block: "nearest" });
    }
  }

  #follow(event, link) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.close();
    travel(link.getAttribute("href"));
  }
}

function option(item, index) {
  const title = item.title.some(([text]) => text) ? item.title : [["New conversation", false]];
  return h(
    "a",
    { role: "option", id: `search-result-${index}`, class: "search-result", tabindex: "-1", href: address(item.conversation, item.message), "aria-selected": "false" },
    h("span", { class: "search-title", dir: "auto" }, pieces(title)),
    h("time", { class: "search-time", datetime: item.at }, moment(item.at)),
    item.snippet.length ? h("span", { class: "search-snippet", dir: "auto" }, item.role ? h("b", {}, item.role === "user" ? "You: " : "Answer: ") : null, pieces(item.snippet)) : null,
  );
}

const pieces = (parts) => parts.map(([text, marked]) => (marked ? h("mark", {}, text) : text));
