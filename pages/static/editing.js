// A message of one's own, being edited where it stands. What is sent becomes another version beside it.
//
// Ctrl/Cmd+Enter sends, Esc leaves. The text is kept as a draft of this message: a reload or a look elsewhere loses
// nothing, and a repeated send is one turn.

import * as drafts from "./drafts.js";
import { h } from "./dom.js";

const nameOf = (message) => `edit-${message.id}`;
const onMac = /Mac|iPhone|iPad/.test(navigator.platform);

export class Editor {
  /** `save(text, key)` resolves to whether it was sent; `done()` when the editor is no longer needed. */
  constructor(message, { save, done }) {
    Object.assign(this, { message, save, done });
    this.field = h("textarea", { class: "edit-field", "aria-label": "Edit message", dir: "auto", rows: "2" });
    this.field.value = drafts.read(nameOf(message))?.text ?? message.content;
    this.send = h("button", { type: "button", class: "button primary", onclick: () => this.#send() }, "Save & send");
    this.cancel = h("button", { type: "button", class: "button", onclick: () => this.#leave() }, "Cancel");
    this.element = h(
      "div",
      { class: "editor", role: "group", "aria-label": "Edit message" },
      this.field,
      h("div", { class: "editor-foot" }, h("span", { class: "editor-hint" }, `${onMac ? "⌘" : "Ctrl"}+Enter sends, the first version stays beside it`), this.cancel, this.send),
    );
    this.field.addEventListener("input", () => this.#typed());
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.#typed();
  }

  focus() {
    this.field.focus();
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
  }

  #typed() {
    const text = this.field.value;
    this.send.disabled = this.sending || !text.trim();
    if (text === this.message.content) drafts.forget(nameOf(this.message));
    else if (!this.sending) drafts.keep(nameOf(this.message), text);
    if (!CSS.supports("field-sizing", "content")) this.field.rows = Math.min(14, text.split("\n").length + 1);
  }

  async #send() {
    const text = this.field.value;
    if (!text.trim() || this.sending) return;
    if (text === this.message.content) return this.#leave();
    const { key } = drafts.sending(nameOf(this.message), text);
    this.#busy(true);
    const sent = await this.save(text, key);
    if (sent) drafts.acknowledged(nameOf(this.message), key);
    else drafts.returned(nameOf(this.message));
    this.#busy(false);
    if (sent) this.done();
    else this.focus();
  }

  #busy(busy) {
    this.sending = busy;
    this.field.readOnly = busy;
    this.send.disabled = busy;
  }

  #leave() {
    if (this.sending) return;
    drafts.forget(nameOf(this.message));
    this.done();
  }

  #key(event) {
    const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing;
    if (!sends && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (sends) this.#send();
    else this.#leave();
  }
}
