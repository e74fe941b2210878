// What makes other versions: an edit, another answer. What ends one, and what a person thinks of it.
//
// A call that failed keeps its key: trying again is the same turn, not another one.

import * as banner from "./banner.js";
import * as drafts from "./drafts.js";

export class Branching {
  constructor(turns, transcript) {
    Object.assign(this, { turns, transcript });
    this.keys = new Map(); // message id → { key, running } of its retry
    this.actions = {
      retry: (message) => this.retry(message),
      edit: (message, text, key) => this.edit(message, text, key),
      rate: (message, rating, comment) => this.rate(message, rating, comment),
    };
  }

  async retry(message) {
    if (this.keys.get(message.id)?.running) return;
    const key = this.keys.get(message.id)?.key ?? drafts.newKey();
    this.keys.set(message.id, { key, running: true });
    const sent = await this.#begin("retry", { message: message.id, key }, () => this.retry(message));
    if (sent) this.keys.delete(message.id);
    else this.keys.set(message.id, { key, running: false });
  }

  /** Resolves to whether it was sent. */
  edit(message, text, key) {
    const problem = this.transcript.tooLong(text);
    if (problem) {
      banner.show(problem);
      return false;
    }
    return this.#begin("edit", { message: message.id, text, key }, null);
  }

  /** Resolves to whether it was kept. */
  async rate(message, rating, comment = "") {
    const { conversation } = this.transcript;
    try {
      await this.turns.call("rate", { conversation, message: message.id, rating, comment });
      return true;
    } catch (error) {
      banner.show(error.message);
      return false;
    }
  }

  /** End what is being written; its text so far is kept. */
  async stop() {
    try {
      await this.turns.call("stop", { conversation: this.transcript.conversation });
    } catch (error) {
      banner.show(error.message, () => this.stop());
    }
  }

  async #begin(call, order, again) {
    const { conversation, visit } = this.transcript;
    banner.hide();
    try {
      const reply = await this.turns.call(call, { conversation, ...order });
      if (visit === this.transcript.visit) this.transcript.branched(reply);
      return true;
    } catch (error) {
      if (visit === this.transcript.visit) this.transcript.failed(error, again);
      return false;
    }
  }
}
