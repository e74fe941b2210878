// The list of conversations: pinned ones on top, the others newest first under the days of their last message. More
// come as the end is reached. What is done to one of them here is told to this person's other tabs.

import { ListChanges } from "./changes.js";
import { byId, h } from "./dom.js";
import { Row } from "./rows.js";
import { Selection } from "./selection.js";
import { group } from "./times.js";

const PAUSE_MS = 400;

export class ConversationList {
  /** `heard`: removed(ids) when conversations leave the list by this person's hand, restored(id) when one comes back. */
  constructor(element, lane, heard = {}) {
    this.lane = lane;
    this.items = [];
    this.next = null;
    this.current = null;
    this.loaded = false;
    this.rows = new Map();
    this.changes = new ListChanges(this, heard);
    this.selection = new Selection(this);
    this.body = h("div", { class: "conversation-groups" });
    this.more = h("button", { type: "button", class: "load-more", onclick: () => this.#loadMore() }, "Show more");
    this.more.hidden = true;
    element.replaceChildren(this.selection.bar, this.body, this.more);
    const box = byId("conversation-list");
    box.setAttribute("role", "navigation");
    box.setAttribute("aria-label", "Conversations");
    new IntersectionObserver((seen) => seen[0].isIntersecting && this.#loadMore(), { root: box, rootMargin: "200px" }).observe(this.more);
    window.addEventListener("focus", () => this.refresh());
    this.changes.elsewhere(() => this.refresh());
  }

  /** Load the top of the list again, soon; many wishes are one call. */
  refresh() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.load();
    }, PAUSE_MS);
  }

  async load() {
    const changed = this.changes.count;
    try {
      const page = await this.lane.call("more", {});
      if (changed !== this.changes.count) return this.refresh(); // it was asked before what has been done since
      const first = [...page.pinned, ...page.items];
      const fresh = new Set(first.map((item) => item.id));
      const oldest = page.items.at(-1)?.updated_at ?? "";
      const below = page.next ? this.items.filter((item) => !fresh.has(item.id) && !item.pinned && item.updated_at <= oldest) : [];
      this.items = [...first, ...below];
      if (!below.length) this.next = page.next;
      this.loaded = true;
      this.draw();
    } catch {
      // The list is not worth a banner: what is shown stays, and the next change or focus asks again.
    }
  }

  /** A conversation moved: it has a (new) title or a new message, or it left. */
  moved(summary) {
    const known = this.items.find((item) => item.id === summary.id);
    const stays = !summary.archived && !summary.trashed;
    if (!stays && !known) return;
    if (known && stays && ["title", "updated_at", "pinned"].every((name) => known[name] === summary[name])) return;
    const others = this.items.filter((item) => item.id !== summary.id);
    this.items = stays ? [summary, ...others].sort((a, b) => b.updated_at.localeCompare(a.updated_at)) : others;
    this.changes.tell();
    this.draw();
  }

  /** Take conversations out of the list; the next load has the last word. */
  drop(ids) {
    this.items = this.items.filter((item) => !ids.includes(item.id));
    this.draw();
  }

  mark(conversation) {
    this.current = conversation;
    for (const row of this.rows.values()) row.mark(conversation);
  }

  async #loadMore() {
    if (!this.next || this.loading) return;
    this.loading = true;
    try {
      const page = await this.lane.call("more", { before: this.next });
      const known = new Set(this.items.map((item) => item.id));
      this.items.push(...page.items.filter((item) => !known.has(item.id)));
      this.next = page.next;
      this.draw();
    } catch {
      // the button is still there
    } finally {
      this.loading = false;
    }
  }

  /** Rows are kept and only moved: the keyboard's focus stays where it is. */
  draw() {
    if (this.editing) return; // a name is being written; the list follows when it is
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    const groups = new Map();
    for (const item of this.items.filter((one) => one.pinned)) this.#into(groups, "Pinned", item);
    for (const item of this.items.filter((one) => !one.pinned)) this.#into(groups, group(item.updated_at), item);
    const shown = new Set(this.items.map((item) => item.id));
    for (const id of this.rows.keys()) if (!shown.has(id)) this.rows.delete(id);
    this.body.replaceChildren(
      ...[...groups].map(([name, members]) => h("section", {}, h("h2", {}, name), h("ul", {}, members))),
      ...(this.items.length || !this.loaded ? [] : [h("p", { class: "list-empty" }, "Your conversations will be listed here.")]),
    );
    this.more.hidden = !this.next;
    this.selection.keep(shown);
    if (focused?.isConnected) focused.focus({ preventScroll: true });
  }

  #into(groups, name, item) {
    if (!this.rows.has(item.id)) this.rows.set(item.id, new Row(this, item));
    const row = this.rows.get(item.id);
    row.set(item);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row.element);
  }
}
