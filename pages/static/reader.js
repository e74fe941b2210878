// What somebody else's shared conversation has around it: whose eyes it is for, how fresh it is, and what a reader can do
// with it. And the line in a copy that says what it was copied from.

import * as banner from "./banner.js";
import { byId, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { toggleMenu } from "./menu.js";
import { address, go } from "./place.js";
import { dayOf, moment } from "./times.js";
import { toast } from "./toast.js";

export class ReaderBar {
  constructor(lane) {
    this.lane = lane;
    this.text = h("span", { class: "reader-text" });
    this.copyButton = h("button", { type: "button", id: "continue-copy", class: "button primary", onclick: () => this.copy(this.shown.conversation, this.#branch()) }, icon("fork", 16), "Continue in my own copy");
    this.download = h("button", { type: "button", id: "download-shared", class: "button", "aria-haspopup": "menu", "aria-expanded": "false", onclick: (event) => this.#formats(event.currentTarget) }, icon("download", 16), "Download");
    this.element = h("div", { id: "reader-bar", role: "region", "aria-label": "Shared conversation" }, this.text, h("div", { class: "reader-actions" }, this.download, this.copyButton));
    byId("composer").after(this.element);
    this.show({ reader: null });
  }

  /** Draw what belongs around this transcript. */
  show(transcript) {
    const { reader, own } = transcript;
    this.shown = transcript;
    this.element.hidden = !reader;
    byId("stage").classList.toggle("reading", Boolean(reader));
    if (reader) setText(this.text, reader.mode === "live" ? "Live: it grows here as it is written." : "A snapshot: it stays as it is.");
    transcript.column?.above.replaceChildren(...(reader ? readerHead(transcript) : own?.origin ? [provenance(own.origin)] : []));
  }

  /** Make a conversation of one's own, up to that message or whole, and go there. */
  async copy(conversation, until = undefined) {
    if (this.copying) return;
    this.copying = this.copyButton.disabled = true;
    banner.hide();
    try {
      const copy = await this.lane.call("fork", { conversation, until }, { repeat: false });
      go(address(copy.id));
      toast("This copy is yours: nobody else sees what you write here.");
    } catch (error) {
      banner.show(error.message, () => this.copy(conversation, until));
    } finally {
      this.copying = this.copyButton.disabled = false;
    }
  }

  // The branch that is seen, when another one has been chosen.
  #branch() {
    const { leaf, messages } = this.shown;
    return leaf ? messages.filter((message) => message.role === "assistant").at(-1)?.id : undefined;
  }

  #formats(button) {
    toggleMenu(button, "Download", [
      { name: "Markdown, to read", icon: "download", act: () => this.#save("markdown") },
      { name: "JSON, to work with", icon: "download", act: () => this.#save("json") },
    ]);
  }

  async #save(format) {
    const { conversation, leaf } = this.shown;
    try {
      const { name, type, text } = await this.lane.call("save", { conversation, leaf: leaf ?? undefined, format });
      const url = URL.createObjectURL(new Blob([text], { type }));
      h("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (error) {
      banner.show(error.message, () => this.#save(format));
    }
  }
}

function readerHead({ title, reader, conversation }) {
  const live = reader.mode === "live";
  const facts = [`Shared ${dayOf(reader.shared_at)}`];
  if (reader.expires_at) facts.push(`open until ${moment(reader.expires_at)}`);
  const head = h(
    "header",
    { class: "shared-head" },
    h("h1", { dir: "auto" }, title || "Conversation"),
    h("p", {}, h("span", { class: `shared-badge ${live ? "live" : ""}` }, icon(live ? "eye" : "link", 14), live ? "Live" : "Snapshot"), facts.join(" · ")),
  );
  if (!reader.preview) return [head];
  const note = h("p", { class: "preview-note" }, icon("eye", 16), h("span", {}, "This is what others see. "), h("a", { href: address(conversation) }, "Back to your conversation"));
  return [note, head];
}

function provenance({ id, mine }) {
  const what = mine ? "another conversation of yours" : "a shared conversation";
  const text = id ? ["Copied from ", h("a", { href: address(id) }, what)] : ["Copied from a conversation that is not shared any more"];
  return h("p", { class: "origin" }, icon("fork", 14), h("span", {}, text));
}
