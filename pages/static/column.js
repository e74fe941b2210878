// The column that a conversation is shown in: what is said of it as a whole, its messages, and what stands there instead.

import { announce, byId, h } from "./dom.js";
import { isActive } from "./messages.js";
import { EndKeeper } from "./scrolling.js";
import * as walking from "./walking.js";

export class Column {
  /** `list`: the messages; `earlier()`: the person wants those above. */
  constructor(element, list, earlier) {
    this.list = list;
    this.earlier = h("button", { type: "button", class: "load-earlier", onclick: earlier }, "Load earlier messages");
    this.above = h("div", { class: "above" });
    this.aside = h("div", { class: "aside" }); // empty state, skeleton, not found, what is being sent
    const thread = h("div", { class: "thread" }, this.above, this.earlier, list.element, this.aside);
    element.replaceChildren(thread);
    this.scroller = byId("transcript");
    this.scroller.setAttribute("role", "log");
    this.scroller.setAttribute("aria-live", "off"); // finished answers are announced whole
    this.scroller.setAttribute("aria-label", "Conversation");
    this.scroller.tabIndex = 0;
    this.end = new EndKeeper(this.scroller, thread);
    byId("composer").prepend(this.end.button);
  }

  /** Show this, or nothing, where messages are missing. */
  placeholder(content) {
    this.aside.replaceChildren(...(content ? [content] : []));
    byId("stage").classList.toggle("missing", Boolean(content?.classList.contains("not-found")));
    byId("stage").classList.toggle("welcoming", Boolean(content?.classList.contains("empty-state")));
  }

  clear() {
    this.list.set([], null);
    this.above.replaceChildren();
    this.aside.replaceChildren();
    this.earlier.hidden = true;
  }

  find(id) {
    return id && this.list.element.querySelector(`[data-message-id="${CSS.escape(id)}"]`);
  }

  /** Bring a message to the eyes: where they were when a walker led to it (`from`), else to the top. */
  goTo(id, from, isNearEnd) {
    const element = this.find(id);
    if (from && element) return this.end.at(() => walking.arrive(from, element, this.scroller));
    if (!element || isNearEnd) this.end.toEnd();
    else this.end.at(() => element.scrollIntoView({ block: "start" }));
    element?.classList.add("found"); // it lights up once, see transcript.css
  }
}

/** Say an answer that has ended, whole, to those who listen to the page. */
export function announceEnds(before, now) {
  const wereActive = new Set(before.filter(isActive).map((message) => message.id));
  const ended = now.find((message) => wereActive.has(message.id) && !isActive(message));
  if (ended) announce(ended.status === "complete" ? `Answer: ${ended.content.slice(0, 600)}` : "The answer ended early");
}
