// The Share dialog: who may read this conversation besides its owner. A choice counts at once, and is taken back as
// quickly; what readers get and what they never get stands there in plain words.

import { copying } from "./clipboard.js";
import { openDialog } from "./dialog.js";
import { announce, h, iconButton, setText } from "./dom.js";
import { icon } from "./icons.js";
import { address } from "./place.js";
import { exactly, moment } from "./times.js";

const MODES = [
  ["private", "Private", "Only you. The link leads nowhere for others."],
  ["live", "Anyone with the link reads it live", "With all that follows, and every version of an edited message."],
  ["snapshot", "A snapshot", "Up to one message, as it is now."],
];
const ENDS = [["", "Never"], ["3600", "In an hour"], ["86400", "In a day"], ["604800", "In a week"], ["2592000", "In 30 days"]];

export class Sharing {
  /** `changed(mode)`: how the conversation that is shown is shared now. */
  constructor(lane, changed) {
    Object.assign(this, { lane, changed });
    this.button = h("button", { type: "button", id: "share-button", class: "bar-button", "aria-haspopup": "dialog", onclick: () => this.open() }, icon("share", 16), h("span", {}, "Share"));
    const bar = document.querySelector("#top-bar .bar");
    bar.insertBefore(this.button, bar.querySelector(".bar-new"));
    this.show({ conversation: null });
  }

  /** The conversation that is on the page. */
  show(transcript) {
    this.shown = transcript;
    const { conversation, reader, own } = transcript;
    this.button.hidden = !conversation || Boolean(reader) || !transcript.version;
    const name = { live: "Shared live", snapshot: "Snapshot shared" }[own?.shared] ?? "Share";
    setText(this.button.lastChild, name);
    this.button.classList.toggle("shared", Boolean(own?.shared));
    this.button.setAttribute("aria-label", name === "Share" ? "Share" : `${name}. Change how it is shared`);
  }

  /** Open the dialog; with a message, to share what is above and including it. */
  open(message = null) {
    const { conversation, messages } = this.shown;
    const finished = messages.filter((one) => !["queued", "streaming", "sending"].includes(one.status));
    this.door = null;
    this.problem = "";
    this.conversation = conversation;
    this.texts = new Map(messages.map((one) => [one.id, one.content]));
    this.chosen = message?.id ?? finished.at(-1)?.id; // where a snapshot taken now would end
    this.body = h("div", { class: "dialog-content share-content", "aria-busy": "true" });
    const { dialog } = openDialog({ id: "share-dialog", title: message ? "Share up to this message" : "Share this conversation", fill: () => this.body });
    dialog.setAttribute("role", "dialog");
    dialog.setAttribute("aria-modal", "true");
    this.#call("look", {}).then(() => this.#focus());
  }

  async #call(name, order) {
    const { conversation } = this;
    this.body.setAttribute("aria-busy", "true");
    try {
      const { door } = await this.lane.call(name, { conversation, ...order });
      this.door = door;
      this.problem = "";
      if (name !== "look") announce(door ? "Shared" : "Not shared any more");
    } catch (error) {
      this.problem = error.message;
    }
    if (conversation !== this.conversation) return;
    this.body.setAttribute("aria-busy", "false");
    this.#draw();
    if (this.shown.conversation === conversation && !this.problem) this.changed(this.door?.mode ?? null);
  }

  #set(changes) {
    const { mode, until, tool_arguments, expires_at } = this.door ?? { mode: "live", until: null, tool_arguments: false };
    const order = { mode, until, tool_arguments, expires_at: expires_at ?? null, ...changes };
    return this.#call("publish", order.mode === "snapshot" ? order : { ...order, until: null });
  }

  #choose(mode) {
    if (mode === "private") return this.#call("withdraw", {});
    return this.#set(mode === "snapshot" ? { mode, until: this.chosen } : { mode });
  }

  #focus() {
    this.body.querySelector("input:checked, input")?.focus();
  }

  // Drawn anew with every answer of the server; the focus stays on what was used.
  #draw() {
    const active = document.activeElement;
    const held = this.body.contains(active) ? active.dataset.part : null;
    this.body.replaceChildren(
      ...(this.problem ? [h("p", { class: "share-problem", role: "alert" }, icon("warning", 16), this.problem)] : []),
      this.#modes(),
      ...(this.door ? [this.#link(), this.#options()] : []),
      this.#leftOut(),
    );
    if (held) (this.body.querySelector(`[data-part="${held}"]`) ?? this.body.querySelector("input:checked"))?.focus();
  }

  #modes() {
    const now = this.door?.mode ?? "private";
    const options = MODES.map(([mode, name, text]) =>
      h(
        "label",
        { class: "share-option" },
        h("input", { type: "radio", name: "share-mode", value: mode, checked: mode === now, "data-part": mode, onchange: () => this.#choose(mode) }),
        h("span", {}, h("span", { class: "share-name" }, name), h("span", { class: "share-text" }, text), mode === "snapshot" ? this.#end(now) : null),
      ),
    );
    return h("fieldset", { id: "share-mode" }, h("legend", { class: "visually-hidden" }, "Who can read it"), options);
  }

  // Where the snapshot ends, or would.
  #end(mode) {
    const id = mode === "snapshot" ? this.door.until : this.chosen;
    if (!id) return null;
    const text = this.texts.get(id);
    const words = text === undefined ? "an earlier message" : excerpt(text, 70);
    const moved = mode === "snapshot" && this.chosen && this.chosen !== id;
    return h(
      "span",
      { class: "share-end" },
      h("span", { dir: "auto" }, `Ends with ${words}`),
      moved ? h("button", { type: "button", class: "link-button", "data-part": "move", onclick: () => this.#choose("snapshot") }, `End it with ${excerpt(this.texts.get(this.chosen) ?? "", 40)} instead`) : null,
    );
  }

  #link() {
    const url = `${location.origin}/c/${this.conversation}`;
    const field = h("input", { id: "share-link", type: "text", readonly: true, value: url, "aria-label": "Link", "data-part": "link", onfocus: (event) => event.currentTarget.select() });
    const { opened } = this.door;
    return h(
      "div",
      { class: "share-link-row" },
      h("div", { class: "share-link-box" }, icon("link", 16), field, iconButton("Copy link", icon("copy", 16), copying(() => url), { id: "copy-share-link", "data-part": "copy" })),
      h(
        "div",
        { class: "share-facts" },
        h("span", { id: "share-opened" }, opened === 0 ? "Not opened yet" : opened === 1 ? "Opened once" : `Opened ${opened.toLocaleString()} times`),
        h("a", { class: "link-button", id: "share-preview", href: address(this.conversation, null, true), target: "_blank", rel: "noopener" }, icon("eye", 14), "Preview what others see"),
      ),
    );
  }

  #options() {
    const { expires_at: at, tool_arguments: shown } = this.door;
    const ends = at ? [["keep", `On ${moment(at)}`], ...ENDS] : ENDS;
    const expiry = h(
      "select",
      { id: "share-expiry", class: "select", "data-part": "expiry", title: at ? exactly(at) : null, onchange: (event) => this.#expire(event.currentTarget.value) },
      ends.map(([value, name], index) => h("option", { value, selected: index === 0 }, name)),
    );
    const tools = h("input", { type: "checkbox", role: "switch", id: "share-tools", "data-part": "tools", checked: shown, onchange: (event) => this.#set({ tool_arguments: event.currentTarget.checked }) });
    return h(
      "div",
      { class: "share-options" },
      h("label", { class: "share-row" }, h("span", {}, "Stops by itself"), expiry),
      h("label", { class: "share-row" }, h("span", {}, "Show what tools were asked and what they answered"), tools),
      h("div", { class: "dialog-actions" }, h("button", { type: "button", class: "button danger", id: "stop-sharing", "data-part": "private", onclick: () => this.#call("withdraw", {}) }, "Stop sharing")),
    );
  }

  #expire(value) {
    if (value === "keep") return undefined;
    return this.#set(value ? { expires_in_seconds: Number(value), expires_at: null } : { expires_at: null });
  }

  #leftOut() {
    const tools = this.door?.tool_arguments ? "" : ", what tools were asked and answered";
    return h("p", { class: "share-note" }, `Readers see the title, the messages and the answers with their reasoning. They never see who you are, the system prompt, your ratings${tools}. They cannot write here, but they can continue in a copy of their own.`);
  }
}

// The beginning of a message as one line, without its markup.
function excerpt(text, most) {
  const plain = text.replace(/[*_`#>|~]+/g, "").replace(/\s+/g, " ").trim();
  return `“${plain.length > most ? `${plain.slice(0, most).trim()}…` : plain}”`;
}
