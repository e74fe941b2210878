// Where a person writes. Gradio owns the text field and the buttons; this gives them their behaviour.
//
// Enter sends and Shift+Enter breaks the line; on a touch keyboard Enter breaks the line and the button sends. While an
// answer runs the button is Stop, and Enter still sends: the message waits in the database behind the running answer.

import * as banner from "./banner.js";
import * as drafts from "./drafts.js";
import { byId, setText } from "./dom.js";
import { icon } from "./icons.js";
import { sendKey } from "./preferences.js";

const RESUME_MS = 120_000; // a send that a reload cut off is taken up again within this time

export class Composer {
  constructor({ turns, transcript, settings }) {
    Object.assign(this, { turns, transcript, settings });
    this.field = byId("message-box").querySelector("textarea");
    this.send = dress("send-button", "Send message", "up");
    this.stopButton = dress("stop-button", "Stop the answer", "square");
    this.sendingNow = false;
    this.sendingIn = undefined; // the conversation whose text is on its way; null is a new one
    this.field.setAttribute("aria-label", "Message");
    this.field.dir = "auto";
    this.field.setAttribute("enterkeyhint", touch() ? "enter" : "send");
    this.field.addEventListener("keydown", (event) => this.#key(event), true);
    this.field.addEventListener("keypress", (event) => event.key === "Enter" && event.stopImmediatePropagation(), true);
    this.field.addEventListener("input", () => this.#typed());
    this.send.addEventListener("click", () => this.submit());
    this.stopButton.addEventListener("click", () => this.#stop());
    byId("composer-box").addEventListener("click", (event) => event.target.closest("button, textarea") || this.field.focus());
    this.activity(false);
    this.send.disabled = true;
  }

  /** Show the draft of the conversation that a person goes to, before it is there; take up a send that a reload cut off. */
  open(conversation) {
    if (this.sendingIn === undefined) {
      this.attempt = null; // what waits for the place that is left here stays a draft of that place
      this.#busy(false);
    }
    const draft = conversation === this.sendingIn ? null : drafts.read(conversation); // what is on its way is not here
    this.#fill(draft?.text ?? "");
    const walking = document.activeElement?.closest("a[data-walk]"); // from branch to branch by keyboard
    if (!touch() && !walking) this.field.focus({ preventScroll: true });
    if (draft?.sending_since && Date.now() - draft.sending_since < RESUME_MS) this.submit();
  }

  /** An answer of what is shown is being written, or none is. */
  activity(active) {
    byId("composer").classList.toggle("answering", active);
    if (!active) this.stopButton.disabled = false;
  }

  /** Send this text, or what is written. */
  async submit(text = this.field.value) {
    if (!text.trim() || this.sendingNow) return;
    const problem = this.transcript.tooLong(text);
    if (problem) return banner.show(problem);
    const attempt = (this.attempt = Symbol("attempt"));
    this.#busy(true);
    const arrived = await this.transcript.arrival;
    if (attempt !== this.attempt) return; // gone elsewhere: it was not written for that place
    if (arrived) await this.#send(text);
    else banner.show("This conversation could not be loaded, so nothing was sent.", () => this.transcript.again());
    this.#busy(false);
    if (this.field.value) this.#typed();
  }

  async #send(text) {
    const { conversation, messages } = this.transcript;
    // What is seen is what is continued. Where it has moved on meanwhile, in another window, this begins a branch.
    const { key, parent } = drafts.sending(conversation, text, messages.at(-1)?.id);
    const pending = this.transcript.sending(text);
    this.sendingIn = conversation;
    this.#fill("");
    banner.hide();
    try {
      const reply = await this.turns.call("send", { text, key, conversation: conversation ?? undefined, parent });
      drafts.acknowledged(conversation, key);
      pending.done(reply);
    } catch (error) {
      pending.undo();
      drafts.returned(conversation);
      if (this.transcript.destination === conversation) this.#giveBack(text);
      banner.show(`${error.message} Your message is kept.`, () => this.submit());
    } finally {
      this.sendingIn = undefined;
    }
  }

  async #stop() {
    this.stopButton.disabled = true;
    await this.transcript.branching.stop();
    setTimeout(() => (this.stopButton.disabled = false), 2000); // in case the stop got lost on its way
  }

  #giveBack(text) {
    const since = this.field.value;
    this.#fill(since ? `${text}\n\n${since}` : text);
    this.field.focus({ preventScroll: true });
  }

  #busy(busy) {
    this.sendingNow = busy;
    this.send.disabled = busy || !this.field.value.trim();
  }

  #typed() {
    this.send.disabled = this.sendingNow || !this.field.value.trim();
    const { destination } = this.transcript;
    if (destination !== this.sendingIn) drafts.keep(destination, this.field.value);
  }

  // Gradio listens to the field's own events, to know its value and to fit its height.
  #fill(text) {
    this.field.value = text;
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #key(event) {
    if (event.key !== "Enter") return;
    event.stopPropagation(); // Gradio's own Enter would compete with ours, and with a new line
    if (event.isComposing || !sends(event)) return;
    event.preventDefault();
    if (!event.repeat) this.submit();
  }
}

// Ctrl or Cmd with Enter always sends; Enter alone where that is chosen, and not on a touch keyboard.
const sends = (event) => event.ctrlKey || event.metaKey || (!event.shiftKey && !touch() && sendKey() === "enter");

const touch = () => matchMedia("(hover: none) and (pointer: coarse)").matches;

function dress(id, name, iconName) {
  const button = byId(id);
  const label = document.createElement("span");
  label.className = "visually-hidden";
  setText(label, name);
  button.replaceChildren(icon(iconName, 20), label);
  button.setAttribute("aria-label", name);
  button.title = name;
  return button;
}
