// The conversation that is shown: what the database said last, what the stream has added since, and what was just sent.
//
// Three sources, one rule. The database has the last word on which messages there are and how each ended; the stream is
// ahead of it while an answer is written; a message that is being sent stands at the end until its send is settled.

import * as banner from "./banner.js";
import * as place from "./place.js";
import { Branching } from "./branching.js";
import { Column, announceEnds } from "./column.js";
import { announce } from "./dom.js";
import { Follower } from "./follow.js";
import { tooLong } from "./lengths.js";
import { MessageList } from "./list.js";
import { MessageElement } from "./messages.js";
import { emptyState, missing, skeleton } from "./placeholders.js";
import { Reloads } from "./reloads.js";
import { Shown } from "./shown.js";
import * as walking from "./walking.js";

const SKELETON_AFTER_MS = 150;
const MOST_STRETCHES = 40; // loaded to reach a message far above

export class Transcript extends Shown {
  /** heard: { moved(summary), activity(active), shown(place), example(text), share(message), copy(message) } */
  constructor(element, lane, turns, settings, heard) {
    super();
    Object.assign(this, { lane, turns, settings, heard });
    this.follower = new Follower({
      changed: (version) => this.reloads.wish(version),
      grown: (id) => this.list.grown(id),
      gone: () => this.#missing(),
      refused: () => this.#check(),
      expecting: () => this.active,
    });
    this.branching = new Branching(turns, this);
    this.list = new MessageList(this.follower.live, {
      address: (id) => place.address(this.conversation, id, this.asReader),
      ...this.branching.actions,
      share: (message) => heard.share(message),
      copy: (message) => heard.copy(message),
    });
    this.column = new Column(element, this.list, () => this.#loadEarlier());
    this.reloads = new Reloads(this, {
      where: () => this.here(this.stays || this.list.editing),
      load: (where) => this.#open(where),
      adopt: (reply) => this.#adopt(reply),
      failed: (error) => this.failed(error, () => this.again()),
    });
    this.entered = new Set();
    this.visit = 0;
    this.arrival = Promise.resolve(false);
    this.destination = null; // where a person is, or is on the way to
    this.#empty();
  }

  /** Why this text cannot be sent, or null. */
  tooLong(text) {
    return tooLong(text, this.settings);
  }

  /** Go to a place: a new chat, or a conversation on one of its branches. Resolves to whether it is there. */
  show(where) {
    this.destination = where.conversation;
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
      this.column.placeholder(emptyState(this.settings, this.heard.example));
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
      this.follower.follow(where.conversation);
      await this.#goTo(where.leaf, from);
      return true;
    } catch (error) {
      clearTimeout(slow);
      if (visit !== this.visit) return this.arrival;
      this.failed(error, () => this.again());
      return false;
    }
  }

  // A link to a message leads to it, however far above it is.
  async #goTo(id, from) {
    for (let loaded = 0; id && !this.column.find(id) && this.older && loaded < MOST_STRETCHES; loaded++) await this.#loadEarlier();
    this.column.goTo(id, from, this.messages.slice(-2).some((message) => message.id === id));
  }

  /** Show a text as sent, at once. Returns { done(reply), undo() }. */
  sending(text) {
    const visit = this.visit;
    const from = this.conversation;
    const pending = MessageElement.sending(text);
    this.column.placeholder(null);
    this.column.aside.append(pending.element);
    this.column.end.toEnd();
    return {
      done: (reply) => {
        if (visit !== this.visit || from !== this.conversation) return this.heard.moved(reply.window.conversation);
        this.#sent(reply, !from);
      },
      undo: () => {
        pending.element.remove();
        if (visit === this.visit && !this.conversation) this.column.placeholder(emptyState(this.settings, this.heard.example));
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
    this.conversation = this.destination = reply.window.conversation.id;
    this.stays = true;
    this.column.placeholder(null);
    this.#adopt({ own: this.own, ...reply });
    this.column.end.toEnd();
    this.follower.follow(this.conversation, reply.answer);
    announce("The answer is being written");
  }

  /** How it is shared has changed, here in this window. */
  sharedAs(mode) {
    this.own = { ...this.own, shared: mode };
    this.heard.shown(this);
  }

  #open(where, more = {}) {
    const { conversation, leaf, asReader } = where;
    return this.lane.call("open", { conversation, leaf: leaf ?? undefined, as_reader: asReader || undefined, ...more });
  }

  #empty() {
    this.forget();
    this.column.clear();
  }

  #clearFor(where, content) {
    this.#empty();
    this.conversation = where.conversation;
    this.asReader = where.asReader;
    this.column.placeholder(content);
    this.heard.shown(this);
  }

  #missing() {
    this.visit += 1;
    this.arrival = Promise.resolve(false);
    this.#empty();
    this.follower.leave();
    this.column.placeholder(missing());
    this.#settled();
  }

  /** A call failed: say so, or that there is nothing here any more. */
  failed(error, again) {
    if (error.kind === "not_found") this.#missing();
    else banner.show(error.message, again);
  }

  // The stream was refused: because of the way there, or because nobody may read here any more?
  #check() {
    const { visit } = this;
    this.#open(this.here(true)).catch((error) => visit === this.visit && error.kind === "not_found" && this.#missing());
  }

  #adopt(reply) {
    const { window } = reply;
    const before = this.messages;
    this.take(reply);
    this.list.readOnly = Boolean(this.reader);
    this.column.placeholder(null);
    this.#draw();
    announceEnds(before, this.messages);
    if (this.stays && !this.leaf && !window.newest) {
      this.leaf = window.leaf;
      place.settle(place.address(this.conversation, this.leaf), { replace: true });
    }
    this.#settled();
    if (!this.reader) this.heard.moved(window.conversation);
  }

  #draw() {
    this.list.set(this.messages, this.conversation);
    this.column.earlier.hidden = !this.older;
  }

  async #loadEarlier() {
    const visit = this.visit;
    this.column.earlier.disabled = true;
    try {
      const { window } = await this.#open(this.here(true), { before: this.older });
      if (visit !== this.visit) return;
      this.takeEarlier(window);
      this.column.end.holding(() => this.#draw());
    } catch (error) {
      if (visit === this.visit) this.failed(error, () => this.#loadEarlier());
    } finally {
      this.column.earlier.disabled = false;
    }
  }

  #settled() {
    this.heard.activity(this.active);
    this.heard.shown(this);
  }
}
