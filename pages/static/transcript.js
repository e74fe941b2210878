// The conversation that is shown: what the database said last, what the stream has added since, and what was just sent.
//
// Three sources, one rule. The database has the last word on which messages there are and how each ended; the stream is
// ahead of it while an answer is written; a message that is being sent stands at the end until its send is settled.

import * as banner from "./banner.js";
import * as drafts from "./drafts.js";
import * as place from "./place.js";
import { byId, announce, h } from "./dom.js";
import { Follower } from "./follow.js";
import { MessageList } from "./list.js";
import { MessageElement, isActive } from "./messages.js";
import { EndKeeper } from "./scrolling.js";
import { emptyState, missing, skeleton } from "./placeholders.js";

const SKELETON_AFTER_MS = 150;

export class Transcript {
  /** heard: { moved(summary), activity(active), shown(place), example(text) } */
  constructor(element, lane, turns, settings, heard) {
    Object.assign(this, { lane, turns, settings, heard });
    this.earlier = h("button", { type: "button", class: "load-earlier", onclick: () => this.#loadEarlier() }, "Load earlier messages");
    this.follower = new Follower({
      changed: (version) => this.#changed(version),
      grown: (id) => this.list.grown(id),
      gone: () => this.#missing(),
      expecting: () => this.active,
    });
    this.list = new MessageList(this.follower.live, (message) => this.#retry(message));
    this.aside = h("div", { class: "aside" }); // empty state, skeleton, not found
    this.column = h("div", { class: "thread" }, this.earlier, this.list.element, this.aside);
    element.replaceChildren(this.column);
    const scroller = byId("transcript");
    scroller.setAttribute("role", "log");
    scroller.setAttribute("aria-live", "off"); // finished answers are announced whole, see #announceEnds
    scroller.setAttribute("aria-label", "Conversation");
    scroller.tabIndex = 0;
    this.end = new EndKeeper(scroller, this.column);
    byId("composer").prepend(this.end.button);
    this.retryKeys = new Map();
    this.visit = 0;
    this.arrival = Promise.resolve(false);
    this.#empty();
  }

  get active() {
    return this.messages.some((message) => message.role === "assistant" && isActive(message));
  }

  /** Go to a place: a new chat, or a conversation on one of its branches. Resolves to whether it is there. */
  show(where) {
    this.arrival = this.#show(where);
    return this.arrival;
  }

  /** Go once more to where the address bar points. */
  again() {
    return this.show(place.current());
  }

  async #show(where) {
    const visit = ++this.visit;
    banner.hide();
    if (where.invalid) {
      this.#missing();
      return false;
    }
    if (!where.conversation) {
      this.#empty();
      this.follower.leave();
      this.#placeholder(emptyState(this.settings, this.heard.example));
      this.#settled();
      return true;
    }
    const same = where.conversation === this.conversation;
    const slow = setTimeout(() => visit === this.visit && !same && this.#clearFor(where, skeleton()), SKELETON_AFTER_MS);
    try {
      const { window } = await this.#open(where);
      clearTimeout(slow);
      if (visit !== this.visit) return this.arrival;
      if (!same) this.#clearFor(where, null);
      this.leaf = where.leaf;
      this.#adopt(window);
      this.end.toEnd();
      this.follower.follow(where.conversation);
      return true;
    } catch (error) {
      clearTimeout(slow);
      if (visit !== this.visit) return this.arrival;
      this.#failed(error, () => this.again());
      return false;
    }
  }

  /** Show a text as sent, at once. Returns { done(reply), undo() }. */
  sending(text) {
    const visit = this.visit;
    const from = this.conversation;
    const pending = new MessageElement({ id: "sending", role: "user" }, {});
    pending.set({ id: "sending", role: "user", content: text, status: "sending", siblings: [] }, { last: false });
    this.#placeholder(null);
    this.aside.append(pending.element);
    this.end.toEnd();
    return {
      done: (reply) => {
        if (visit !== this.visit || from !== this.conversation) return this.heard.moved(reply.window.conversation);
        this.#answered(reply, !from);
      },
      undo: () => {
        pending.element.remove();
        if (visit === this.visit && !this.conversation) this.#placeholder(emptyState(this.settings, this.heard.example));
      },
    };
  }

  async stop() {
    try {
      await this.turns.call("stop", { conversation: this.conversation });
    } catch (error) {
      banner.show(error.message, () => this.stop());
    }
  }

  #open(where, before = undefined) {
    return this.lane.call("open", { conversation: where.conversation, leaf: where.leaf ?? undefined, before });
  }

  #empty() {
    this.conversation = null;
    this.leaf = null;
    this.version = 0;
    this.messages = [];
    this.older = null;
    this.wanted = 0;
    this.list.set([], null);
    this.aside.replaceChildren();
    this.earlier.hidden = true;
  }

  #clearFor(where, content) {
    this.#empty();
    this.conversation = where.conversation;
    this.#placeholder(content);
    this.heard.shown(null);
  }

  #placeholder(content) {
    this.aside.replaceChildren(...(content ? [content] : []));
    byId("stage").classList.toggle("missing", Boolean(content?.classList.contains("not-found")));
    byId("stage").classList.toggle("welcoming", Boolean(content?.classList.contains("empty-state")));
  }

  #missing() {
    this.visit += 1;
    this.arrival = Promise.resolve(false);
    this.#empty();
    this.follower.leave();
    this.#placeholder(missing());
    this.#settled();
  }

  #failed(error, again) {
    if (error.kind === "not_found") this.#missing();
    else banner.show(error.message, again);
  }

  // A send or a retry is in the database: what it returned is what is shown, on the branch that grew last.
  #answered({ window }, isNew) {
    const id = window.conversation.id;
    this.conversation = id;
    this.leaf = null;
    place.settle(place.address(id), { replace: !isNew });
    this.#placeholder(null);
    this.#adopt(window);
    this.end.toEnd();
    this.follower.follow(id);
    announce("The answer is being written");
  }

  #adopt(window) {
    const before = this.messages;
    this.version = window.conversation.version;
    this.title = window.conversation.title;
    this.#join(window);
    this.#placeholder(null);
    this.#draw();
    this.#announceEnds(before);
    this.#settled();
    this.heard.moved(window.conversation);
  }

  // Earlier messages that were loaded stay above the new window when it continues them.
  #join({ messages, older }) {
    const first = messages[0];
    const at = first ? this.messages.findIndex((message) => message.id === first.id) : -1;
    const parentAt = first ? this.messages.findIndex((message) => message.id === first.parent) : -1;
    const kept = at >= 0 ? at : parentAt + 1;
    if (!kept) this.older = older;
    this.messages = [...this.messages.slice(0, kept), ...messages];
  }

  #draw() {
    this.list.set(this.messages, this.conversation);
    this.earlier.hidden = !this.older;
  }

  // Never more than one reload in flight, and none for a version that is already shown: the latest wins.
  async #changed(version) {
    this.wanted = Math.max(this.wanted, version);
    if (this.reloading || this.wanted <= this.version) return;
    this.reloading = true;
    const visit = this.visit;
    try {
      while (visit === this.visit && this.wanted > this.version) {
        const { window } = await this.#open({ conversation: this.conversation, leaf: this.leaf });
        if (visit !== this.visit || window.conversation.id !== this.conversation) break;
        this.#adopt(window);
        if (window.conversation.version < this.wanted) this.wanted = window.conversation.version;
      }
    } catch (error) {
      if (visit === this.visit) this.#failed(error, () => this.again());
    } finally {
      this.reloading = false;
    }
    if (visit !== this.visit && this.conversation && this.wanted > this.version) this.#changed(this.wanted);
  }

  async #loadEarlier() {
    const visit = this.visit;
    this.earlier.disabled = true;
    try {
      const { window } = await this.#open({ conversation: this.conversation, leaf: this.leaf ?? this.messages.at(-1)?.id }, this.older);
      if (visit !== this.visit) return;
      const known = new Set(this.messages.map((message) => message.id));
      this.messages = [...window.messages.filter((message) => !known.has(message.id)), ...this.messages];
      this.older = window.older;
      this.end.holding(() => this.#draw());
    } catch (error) {
      if (visit === this.visit) this.#failed(error, () => this.#loadEarlier());
    } finally {
      this.earlier.disabled = false;
    }
  }

  async #retry(message) {
    if (this.retryKeys.get(message.id)?.running) return;
    const key = this.retryKeys.get(message.id)?.key ?? drafts.newKey();
    this.retryKeys.set(message.id, { key, running: true });
    const visit = this.visit;
    banner.hide();
    try {
      const reply = await this.turns.call("retry", { conversation: this.conversation, message: message.id, key });
      this.retryKeys.delete(message.id);
      if (visit === this.visit) this.#answered(reply, false);
    } catch (error) {
      this.retryKeys.set(message.id, { key, running: false });
      if (visit === this.visit) this.#failed(error, () => this.#retry(message));
    }
  }

  #announceEnds(before) {
    const wereActive = new Set(before.filter(isActive).map((message) => message.id));
    const ended = this.messages.find((message) => wereActive.has(message.id) && !isActive(message));
    if (ended) announce(ended.status === "complete" ? `Answer: ${ended.content.slice(0, 600)}` : "The answer ended early");
  }

  #settled() {
    this.heard.activity(this.active);
    this.heard.shown({ conversation: this.conversation, title: this.conversation ? this.title : null });
  }
}
