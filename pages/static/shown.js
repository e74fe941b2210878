// What is shown of which conversation, and as whom; no element of the page.
//
// Without a branch in the URL, the branch that grew last is shown, and followed when another one grows. A window that
// somebody writes in stays on its own branch, and its URL says which as soon as another one is newer.

import { isActive } from "./messages.js";

export class Shown {
  constructor() {
    this.forget();
  }

  /** Nothing is shown. */
  forget() {
    this.conversation = null;
    this.title = null;
    this.version = 0;
    this.wanted = 0; // the version that the stream speaks of
    this.leaf = null; // the branch that the URL names
    this.stays = false; // somebody writes here
    this.asReader = false; // its owner looks at what others see
    this.reader = null; // how it is shared, when it is somebody else's
    this.own = null; // what goes with it, when it is one's own
    this.messages = [];
    this.older = null;
  }

  get active() {
    return this.messages.some((message) => message.role === "assistant" && isActive(message));
  }

  /** Which branch to ask for: that of the URL, the one that is written on, else whichever grows. */
  here(stays = this.stays) {
    return { conversation: this.conversation, leaf: this.leaf ?? (stays ? this.messages.at(-1)?.id : null), asReader: this.asReader };
  }

  /** The database's word. Earlier messages that were loaded stay above the new window when it continues them. */
  take({ window, own, reader }) {
    this.version = window.conversation.version;
    this.title = window.conversation.title;
    this.own = own ?? null;
    this.reader = reader ?? null;
    const { messages, older } = window;
    const first = messages[0];
    const at = first ? this.messages.findIndex((message) => message.id === first.id) : -1;
    const parentAt = first ? this.messages.findIndex((message) => message.id === first.parent) : -1;
    const kept = at >= 0 ? at : parentAt + 1;
    if (!kept) this.older = older;
    this.messages = [...this.messages.slice(0, kept), ...messages];
  }

  /** A stretch above what is shown. */
  takeEarlier({ messages, older }) {
    const known = new Set(this.messages.map((message) => message.id));
    this.messages = [...messages.filter((message) => !known.has(message.id)), ...this.messages];
    this.older = older;
  }
}
