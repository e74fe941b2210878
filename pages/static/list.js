// The messages on the page: one element each, made once, moved and updated in place, as their data changes.

import { h } from "./dom.js";
import { MessageElement, isActive } from "./messages.js";
import { nameLastWalker } from "./walking.js";

export class MessageList {
  /** `live`: what the stream says of answers (see follow.js); `actions`: see messages.js. */
  constructor(live, actions) {
    this.live = live;
    this.actions = { ...actions, redraw: (id) => this.grown(id) };
    this.element = h("div", { class: "messages" });
    this.elements = new Map();
    this.dirty = new Set();
    this.set([], null);
  }

  /** Show these messages of that conversation, and no others. */
  set(messages, conversation) {
    this.conversation = conversation;
    this.shown = messages.filter((message) => message.role !== "system");
    const ids = new Set(this.shown.map((message) => message.id));
    for (const [id, element] of this.elements) {
      if (ids.has(id)) continue;
      element.element.remove();
      this.elements.delete(id);
    }
    this.shown.forEach((message, index) => {
      if (!this.elements.has(message.id)) this.elements.set(message.id, new MessageElement(message, this.actions));
      const { element } = this.elements.get(message.id);
      this.#draw(message);
      if (this.element.children[index] !== element) this.element.insertBefore(element, this.element.children[index] ?? null);
    });
    nameLastWalker(this.element);
  }

  /** Somebody else's conversation is read, or one's own is written. */
  set readOnly(readOnly) {
    this.actions.readOnly = readOnly;
  }

  /** A message is being edited. */
  get editing() {
    return [...this.elements.values()].some((element) => element.editor);
  }

  /** The stream has more of this answer: draw it with the next frame. */
  grown(id) {
    if (this.dirty.size === 0) {
      requestAnimationFrame(() => {
        const ids = this.dirty;
        this.dirty = new Set();
        for (const message of this.shown) if (ids.has(message.id)) this.#draw(message);
        nameLastWalker(this.element);
      });
    }
    this.dirty.add(id);
  }

  #draw(message) {
    const last = message === this.shown.at(-1);
    this.elements.get(message.id).set(this.#latest(message), { last, conversation: this.conversation });
  }

  // The stream's story of an answer, where it is further on than the database's.
  #latest(message) {
    const live = this.live.get(message.id);
    if (!live || !isActive(message)) return message;
    const again = live.attempt > message.attempt;
    if (!again && (live.attempt < message.attempt || live.seq < message.seq)) return message;
    // Another attempt writes the text again; the calls that it keeps find their places with the next reload.
    const tools = again ? message.tools.map((call) => ({ ...call, offset: Math.min(call.offset, live.content.length) })) : message.tools;
    return { ...message, content: live.content, reasoning: live.reasoning, status: live.attempt > 0 ? "streaming" : message.status, tools };
  }
}
