// The list of conversations, newest first, under the days of their last message. More come as the end is reached.

import { byId, h, setText } from "./dom.js";
import { address } from "./place.js";
import { group } from "./times.js";

const PAUSE_MS = 400;

export class ConversationList {
  constructor(element, lane) {
    this.lane = lane;
    this.items = [];
    this.next = null;
    this.current = null;
    this.loaded = false;
    this.body = h("div", { class: "conversation-groups" });
    this.more = h("button", { type: "button", class: "load-more", onclick: () => this.#loadMore() }, "Show more");
    this.more.hidden = true;
    element.replaceChildren(this.body, this.more);
    const box = byId("conversation-list");
    box.setAttribute("role", "navigation");
    box.setAttribute("aria-label", "Conversations");
    new IntersectionObserver((seen) => seen[0].isIntersecting && this.#loadMore(), { root: box, rootMargin: "200px" }).observe(this.more);
    window.addEventListener("focus", () => this.refresh());
  }

  /** Load the top of the list again, soon; many wishes are one call. */
  refresh() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.load();
    }, PAUSE_MS);
  }

  async load() {
    try {
      const page = await this.lane.call("more", {});
      const fresh = new Set(page.items.map((item) => item.id));
      const oldest = page.items.at(-1)?.updated_at ?? "";
      const below = page.next ? this.items.filter((item) => !fresh.has(item.id) && item.updated_at <= oldest) : [];
      this.items = [...page.items, ...below];
      if (!below.length) this.next = page.next;
      this.loaded = true;
      this.#draw();
    } catch {
      // The list is not worth a banner: what is shown stays, and the next change or focus asks again.
    }
  }

  /** A conversation moved: it has a (new) title or a new message. */
  moved(summary) {
    const known = this.items.find((item) => item.id === summary.id);
    if (known && known.title === summary.title && known.updated_at === summary.updated_at) return;
    this.items = [summary, ...this.items.filter((item) => item.id !== summary.id)].sort((a, b) => b.updated_at.localeCompare(a.updated_at));
    this.#draw();
  }

  mark(conversation) {
    this.current = conversation;
    for (const link of this.body.querySelectorAll("a")) markLink(link, conversation);
  }

  async #loadMore() {
    if (!this.next || this.loading) return;
    this.loading = true;
    try {
      const page = await this.lane.call("more", { before: this.next });
      const known = new Set(this.items.map((item) => item.id));
      this.items.push(...page.items.filter((item) => !known.has(item.id)));
      this.next = page.next;
      this.#draw();
    } catch {
      // the button is still there
    } finally {
      this.loading = false;
    }
  }

  // Links are kept and only moved: the keyboard's focus stays where it is.
  #draw() {
    const focused = document.activeElement?.closest?.("[data-conversation-id]")?.dataset.conversationId;
    const links = new Map([...this.body.querySelectorAll("a")].map((link) => [link.dataset.conversationId, link]));
    const groups = new Map();
    for (const item of this.items) {
      const name = group(item.updated_at);
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(this.#link(links.get(item.id), item));
    }
    this.body.replaceChildren(
      ...[...groups].map(([name, members]) => h("section", {}, h("h2", {}, name), h("ul", {}, members.map((link) => h("li", {}, link))))),
      ...(this.items.length || !this.loaded ? [] : [h("p", { class: "list-empty" }, "Your conversations will be listed here.")]),
    );
    this.more.hidden = !this.next;
    if (focused) this.body.querySelector(`[data-conversation-id="${CSS.escape(focused)}"]`)?.focus();
  }

  #link(link, item) {
    link ??= h("a", { href: address(item.id), "data-conversation-id": item.id, dir: "auto" });
    const title = item.title || "New conversation";
    setText(link, title);
    link.title = title;
    markLink(link, this.current);
    return link;
  }
}

function markLink(link, current) {
  if (link.dataset.conversationId === current) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}
