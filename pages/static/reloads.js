// Loading again what has changed: never more than one call in flight, and none for a version that is already shown.

export class Reloads {
  /** `load()` asks for what is shown; `adopt(reply)`, `failed(error)`. */
  constructor(shown, { load, adopt, failed }) {
    Object.assign(this, { shown, load, adopt, failed });
    this.running = false;
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
        const reply = await this.load();
        if (visit !== shown.visit || reply.window.conversation.id !== shown.conversation) break;
        const found = reply.window.conversation.version;
        if (found >= shown.version) this.adopt(reply); // else a send has been faster
        if (found < shown.wanted) shown.wanted = found; // the stream spoke of what has been taken back
      }
    } catch (error) {
      if (visit === shown.visit) this.failed(error);
    } finally {
      this.running = false;
    }
    if (visit !== shown.visit && shown.conversation && shown.wanted > shown.version) this.wish(shown.wanted);
  }
}
