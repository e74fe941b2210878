// The conversation that is shown: what the database said last, what the stream has added since, and what was just sent.
//
// Three sources, one rule. The database has the last word on which messages there are and how each ended; the stream is
// ahead of it while an answer is written; a message that is being sent stands at the end until its send is settled.
//
// Without a branch in the URL, the branch that grew last is shown, and followed when another one grows. A window that
// somebody writes in stays on its own branch, and its URL says which as soon as another one is newer.

import * as banner from "./banner.js";
import * as place from "./place.js";
import { Branching } from "./branching.js";
import { byId, announce, h } from "./dom.js";
import { Follower } from "./follow.js";
import { tooLong } from "./lengths.js";
import { MessageList } from "./list.js";
import { MessageElement, isActive } from "./messages.js";
import { EndKeeper } from "./scrolling.js";
import { emptyState, missing, skeleton } from "./placeholders.js";
import * as walking from "./walking.js";

const SKELETON_AFTER_MS = 150;
const MOST_STRETCHES = 40; // loaded to reach a message far above

export class Transcript {
  /** heard: { moved(summary), activity(active), shown(place), example(text), share(message), copy(message) } */
  constructor(element, lane, turns, settings, heard) {
    Object.assign(this, { lane, turns, settings, heard });
    this.earlier = h("button", { type: "button", class: "load-earlier", onclick: () => this.#loadEarlier() }, "Load earlier messages");
    this.follower = new Follower({
      changed: (version) => this.#changed(version),
      grown: (id) => this.list.grown(id),
      gone: () => this.#missing(),
      refused: () => this.#check(),
      expecting: () => this.active,
    });
    const branching = new Branching(turns, this);
    this.list = new MessageList(this.follower.live, {
      address: (id) => place.address(this.conversation, id, this.asReader),
      retry: (message) => branching.retry(message),
      edit: (message, text, key) => branching.edit(message, text, key),
      rate: (message, rating, comment) => branching.rate(message, rating, comment),
      share: (message) => heard.share(message),
      copy: (message) => heard.copy(message),
    });
    this.above = h("div", { class: "above" }); // what is said of the conversation as a whole
    this.aside = h("div", { class: "aside" }); // empty state, skeleton, not found
    this.column = h("div", { class: "thread" }, this.above, this.earlier, this.list.element, this.aside);
    element.replaceChildren(this.column);
    this.scroller = byId("transcript");
    this.scroller.setAttribute("role", "log");
    this.scroller.setAttribute("aria-live", "off"); // finished answers are announced whole, see #announceEnds
    this.scroller.setAttribute("aria-label", "Conversation");
    this.scroller.tabIndex = 0;
    this.end = new EndKeeper(this.scroller, this.column);
    byId("composer").prepend(this.end.button);
    this.entered = new Set();
    this.visit = 0;
    this.arrival = Promise.resolve(false);
    this.#empty();
  }

  get active() {
    return this.messages.some((message) => message.role === "assistant" && isActive(message));
  }

  /** Why this text cannot be sent, or null. */
  tooLong(text) {
    return tooLong(text, this.settings);
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
    const same = where.conversation === this.conversation && where.asReader === this.asReader;
    const from = same ? walking.departure() : null;
    const slow = setTimeout(() => visit === this.visit && !same && this.#clearFor(where, skeleton()), SKELETON_AFTER_MS);
    try {
      const reply = await this.#open(where, { entering: !this.entered.has(where.conversation) });
      clearTimeout(slow);
      if (visit !== this.visit) return this.arrival;
      this.entered.add(where.conversation);
      if (!same) this.#clearFor(where, null);
      this.leaf = where.leaf;
      this.stays = false;
      this.#adopt(reply);
      await this.#goTo(where.leaf, from);
      this.follower.follow(where.conversation);
      return true;
    } catch (error) {
      clearTimeout(slow);
      if (visit !== this.visit) return this.arrival;
      this.failed(error, () => this.again());
      return false;
    }
  }

  // Walking from branch to branch, the message stays where the eyes are. A link to a message leads to it, wherever it is.
  async #goTo(id, from) {
    const element = () => id && this.list.element.querySelector(`[data-message-id="${id}"]`);
    if (from && element()) return this.end.at(() => walking.arrive(from, this.list.element, id, this.scroller));
    for (let loaded = 0; id && !element() && this.older && loaded < MOST_STRETCHES; loaded++) await this.#loadEarlier();
    const near = this.messages.slice(-2).some((message) => message.id === id);
    if (!element() || near) this.end.toEnd();
    else this.end.at(() => element().scrollIntoView({ block: "start" }));
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
        this.#sent(reply, !from);
      },
      undo: () => {
        pending.element.remove();
        if (visit === this.visit && !this.conversation) this.#placeholder(emptyState(this.settings, this.heard.example));
      },
    };
  }

  /** An edit or another answer is in the database. Back leads to the branch that was shown before. */
  branched(reply) {
    const before = this.leaf ?? this.messages.at(-1)?.id;
    place.settle(place.address(this.conversation, before), { replace: true });
    this.leaf = reply.answer;
    place.settle(place.address(this.conversation, this.leaf));
    this.#answered(reply);
  }

  // A message is in the database. Where the branch had moved on, it stands beside what came there first.
  #sent(reply, isNew) {
    const { conversation, messages } = reply.window;
    const question = messages.at(-2);
    if (this.leaf || question?.siblings.length > 1) this.leaf = reply.answer;
    place.settle(place.address(conversation.id, this.leaf), { replace: !isNew });
    this.#answered(reply);
  }

  #answered(reply) {
    this.conversation = reply.window.conversation.id;
    this.stays = true;
    this.#placeholder(null);
    this.#adopt({ own: this.own, ...reply });
    this.end.toEnd();
    this.follower.follow(this.conversation);
    announce("The answer is being written");
  }

  /** How it is shared has changed, here in this window. */
  sharedAs(mode) {
    this.own = { ...this.own, shared: mode };
    this.heard.shown(this);
  }

  async stop() {
    try {
      await this.turns.call("stop", { conversation: this.conversation });
    } catch (error) {
      banner.show(error.message, () => this.stop());
    }
  }

  #open(where, more = {}) {
    const { conversation, leaf, asReader } = where;
    return this.lane.call("open", { conversation, leaf: leaf ?? undefined, as_reader: asReader || undefined, ...more });
  }

  // On which branch this window is: that of the URL, the one it writes on, else whichever grows.
  get #here() {
    const stays = this.stays || this.list.editing;
    return { conversation: this.conversation, leaf: this.leaf ?? (stays ? this.messages.at(-1)?.id : null), asReader: this.asReader };
  }

  #empty() {
    this.conversation = null;
    this.title = null;
    this.leaf = null;
    this.asReader = false;
    this.reader = null;
    this.own = null;
    this.stays = false;
    this.version = 0;
    this.messages = [];
    this.older = null;
    this.wanted = 0;
    this.list.set([], null);
    this.above.replaceChildren();
    this.aside.replaceChildren();
    this.earlier.hidden = true;
  }

  #clearFor(where, content) {
    this.#empty();
    this.conversation = where.conversation;
    this.asReader = where.asReader;
    this.#placeholder(content);
    this.heard.shown(this);
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

  /** A call failed: say so, or that there is nothing here any more. */
  failed(error, again) {
    if (error.kind === "not_found") this.#missing();
    else banner.show(error.message, again);
  }

  // The stream was refused: because of the way there, or because nobody may read here any more?
  async #check() {
    const visit = this.visit;
    try {
      await this.#open(this.#here);
    } catch (error) {
      if (visit === this.visit && error.kind === "not_found") this.#missing();
    }
  }

  #adopt({ window, own, reader }) {
    const before = this.messages;
    this.version = window.conversation.version;
    this.title = window.conversation.title;
    this.own = own ?? null;
    this.reader = reader ?? null;
    this.list.readOnly = Boolean(reader);
    this.#join(window);
    this.#placeholder(null);
    this.#draw();
    this.#announceEnds(before);
    if (this.stays && !this.leaf && !window.newest) {
      this.leaf = window.leaf;
      place.settle(place.address(this.conversation, this.leaf), { replace: true });
    }
    this.#settled();
    if (!reader) this.heard.moved(window.conversation);
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
        const reply = await this.#open(this.#here);
        if (visit !== this.visit || reply.window.conversation.id !== this.conversation) break;
        if (reply.window.conversation.version >= this.version) this.#adopt(reply);
        if (reply.window.conversation.version < this.wanted) this.wanted = reply.window.conversation.version;
      }
    } catch (error) {
      if (visit === this.visit) this.failed(error, () => this.again());
    } finally {
      this.reloading = false;
    }
    if (visit !== this.visit && this.conversation && this.wanted > this.version) this.#changed(this.wanted);
  }

  async #loadEarlier() {
    const visit = this.visit;
    this.earlier.disabled = true;
    try {
      const here = this.#here;
      const { window } = await this.#open({ ...here, leaf: here.leaf ?? this.messages.at(-1)?.id }, { before: this.older });
      if (visit !== this.visit) return;
      const known = new Set(this.messages.map((message) => message.id));
      this.messages = [...window.messages.filter((message) => !known.has(message.id)), ...this.messages];
      this.older = window.older;
      this.end.holding(() => this.#draw());
    } catch (error) {
      if (visit === this.visit) this.failed(error, () => this.#loadEarlier());
    } finally {
      this.earlier.disabled = false;
    }
  }

  #announceEnds(before) {
    const wereActive = new Set(before.filter(isActive).map((message) => message.id));
    const ended = this.messages.find((message) => wereActive.has(message.id) && !isActive(message));
    if (ended) announce(ended.status === "complete" ? `Answer: ${ended.content.slice(0, 600)}` : "The answer ended early");
  }

  #settled() {
    this.heard.activity(this.active);
    this.heard.shown(this);
  }
}
