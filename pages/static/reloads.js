// Loading again what has changed: never more than one call in flight, and none for a version that is already shown.

const PATIENCE_MS = [500, 1500, 3000]; // a reload that fails is tried again so much later; then the person is told

export class Reloads {
  /** `where()`: which branch of what; `load(where)` asks for it; `adopt(reply)`, `failed(error)`. */
  constructor(shown, { where, load, adopt, failed }) {
    Object.assign(this, { shown, where, load, adopt, failed });
    this.running = false;
    this.failures = 0;
  }

  /** The stream says that there is this version now. */
  async wish(version) {
    const { shown } = this;
    shown.wanted = Math.max(shown.wanted, version);
    if (this.running || shown.wanted <= shown.version) return;
    this.running = true;
    const { visit } = shown;
    try {
      while (visit === shown.visit && shown.wanted > shown.version) {
        const asked = this.where();
        const reply = await this.load(asked);
        if (visit !== shown.visit || reply.window.conversation.id !== shown.conversation) break;
        if (this.where().leaf !== asked.leaf) continue; // meanwhile another branch has been begun here
        this.failures = 0;
        const found = reply.window.conversation.version;
        if (found >= shown.version) this.adopt(reply); // else a send has been faster
        if (found < shown.wanted) shown.wanted = found; // the stream spoke of what has been taken back
      }
    } catch (error) {
      if (visit === shown.visit) this.#trouble(error, visit);
    } finally {
      this.running = false;
    }
    if (visit !== shown.visit && shown.conversation && shown.wanted > shown.version) this.wish(shown.wanted);
  }

  #trouble(error, visit) {
    const pause = error.kind === "not_found" ? undefined : PATIENCE_MS[this.failures++];
    if (pause) return setTimeout(() => visit === this.shown.visit && this.wish(this.shown.wanted), pause);
    this.failures = 0;
    return this.failed(error);
  }
}
