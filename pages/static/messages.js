// One message of the transcript as an element that is made once and updated in place.

import { AnswerBody } from "./answer.js";
import { copying } from "./clipboard.js";
import { h, iconButton, setText } from "./dom.js";
import { Editor } from "./editing.js";
import { icon } from "./icons.js";
import { toggleMenu } from "./menu.js";
import { commentForm, thumbs } from "./rating.js";
import { duration, exactly, moment } from "./times.js";
import { siblingWalk } from "./walking.js";

export const isActive = (message) => message.status === "queued" || message.status === "streaming";

const ENDS = {
  stopped: "Stopped",
  failed: "The answer could not be finished.",
  interrupted: "The answer was interrupted and could not be taken up again.",
};

/**
 * `actions`: address(id); and for its owner retry(message), edit(message, text, key), rate(message, rating, comment),
 * share(message), copy(message). A reader of a shared conversation has `readOnly`.
 */
export class MessageElement {
  constructor(message, actions) {
    this.actions = actions;
    this.message = message;
    this.isAnswer = message.role === "assistant";
    this.body = this.isAnswer ? new AnswerBody() : null;
    this.text = this.isAnswer ? null : h("div", { class: "bubble", dir: "auto" });
    this.waiting = h("div", { class: "waiting" }, h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("span", { class: "waiting-text" }));
    this.notice = h("div", { class: "notice" });
    this.foot = h("div", { class: "message-foot" });
    this.element = h(
      "article",
      { class: `message ${this.isAnswer ? "answer" : "question"}`, "data-message-id": message.id, "aria-label": this.isAnswer ? "Answer" : "You" },
      this.isAnswer ? [this.body.element, this.waiting, this.notice] : this.text,
      this.foot,
    );
    this.drawn = null;
    this.editor = null;
  }

  /** A text on its way to the server. */
  static sending(text) {
    const element = new MessageElement({ id: "sending", role: "user" }, {});
    element.set({ id: "sending", role: "user", content: text, status: "sending", siblings: [] }, { last: false });
    return element;
  }

  /** Show the message as it now is. `last`: nothing follows it. */
  set(message, { last, conversation }) {
    this.message = message;
    const active = this.isAnswer && isActive(message);
    this.element.dataset.status = message.status;
    if (this.isAnswer) {
      this.body.set(message, active);
      this.element.setAttribute("aria-busy", String(active));
      const running = message.tools.some((call) => call.status === "running");
      this.waiting.hidden = !active || running || Boolean(message.content && message.status === "streaming");
      setText(this.waiting.lastChild, message.status === "queued" ? "Waiting for a free place" : message.reasoning ? "" : "Thinking");
    } else {
      setText(this.text, message.content);
    }
    // The rest changes with the message's state only, not with each piece of text.
    const state = JSON.stringify([message.status, message.error, last, message.siblings, message.feedback, conversation, this.actions.readOnly]);
    if (state === this.drawn) return;
    this.drawn = state;
    if (this.isAnswer) this.#drawNotice(message);
    this.#drawFoot(message, active, last);
  }

  /** Write another version of it, here. */
  edit() {
    if (this.editor) return this.editor.focus();
    this.editor = new Editor(this.message, {
      save: (text, key) => this.actions.edit(this.message, text, key),
      done: () => {
        this.editor.element.remove();
        this.editor = null;
        this.element.classList.remove("editing");
        if (this.element.isConnected) this.foot.querySelector(".edit-message")?.focus({ preventScroll: true });
      },
    });
    this.element.classList.add("editing");
    this.text.after(this.editor.element);
    this.editor.focus();
  }

  #drawNotice(message) {
    const end = ENDS[message.status];
    this.notice.hidden = !end;
    this.notice.className = `notice notice-${message.status}`;
    if (!end) return;
    const words = message.status === "stopped" ? end : message.error || end;
    const retry = h("button", { type: "button", class: "notice-retry", onclick: () => this.actions.retry(this.message) }, icon("retry", 14), "Retry");
    this.notice.replaceChildren(
      ...(message.status === "stopped" ? [] : [icon("warning", 16)]),
      h("span", { class: "notice-text" }, words),
      ...(this.actions.readOnly ? [] : [retry]),
    );
  }

  // What has the focus is drawn again with it: a thumb that was pressed stays where the keyboard is.
  #drawFoot(message, active, last) {
    const held = this.foot.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    this.foot.replaceChildren();
    if (active || message.status === "sending") return;
    this.foot.append(iconButton(this.isAnswer ? "Copy answer" : "Copy message", icon("copy", 16), copying(() => this.message.content), { class: "icon-button copy-message" }));
    if (!this.actions.readOnly) this.foot.append(...this.#tools(message));
    if (message.siblings.length > 1) this.foot.append(siblingWalk(message, this.actions.address));
    this.foot.append(facts(message, this.isAnswer));
    this.foot.classList.toggle("always", last && this.isAnswer);
    if (held) this.foot.querySelector(`[aria-label="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  }

  #tools(message) {
    const items = [
      { name: "Share up to here", icon: "share", act: () => this.actions.share(this.message) },
      { name: "Continue from here in a copy", icon: "fork", act: () => this.actions.copy(this.message) },
    ];
    const more = iconButton("More", icon("more", 16), (event) => toggleMenu(event.currentTarget, "Message", items), { class: "icon-button more-message", "aria-haspopup": "menu", "aria-expanded": "false" });
    if (!this.isAnswer) return [iconButton("Edit message", icon("pencil", 16), () => this.edit(), { class: "icon-button edit-message" })];
    const rated = message.status === "complete" || message.feedback ? thumbs(message.feedback, (rating) => this.#rate(rating)) : [];
    const again = message.status === "complete" ? [iconButton("Answer again", icon("retry", 16), () => this.actions.retry(this.message))] : [];
    return [...rated, ...again, more];
  }

  async #rate(rating) {
    const before = this.message.feedback;
    this.comment?.remove();
    this.message.feedback = rating; // shown at once; the database has the last word
    this.drawn = null;
    this.actions.redraw(this.message.id);
    if (!(await this.actions.rate(this.message, rating))) {
      this.message.feedback = before;
      return this.actions.redraw(this.message.id);
    }
    if (!rating) return;
    const say = (comment) => this.actions.rate(this.message, rating, comment);
    this.comment = commentForm(rating, say, () => {
      this.comment.remove();
      this.foot.querySelector(`.thumb-${rating}`)?.focus({ preventScroll: true });
    });
    this.foot.after(this.comment);
  }
}

function facts(message, isAnswer) {
  const at = message.finished_at ?? message.created_at;
  const took = isAnswer ? duration(message.created_at, message.finished_at) : "";
  const details = [exactly(at)];
  if (message.model) details.push(`Model: ${message.model}`);
  if (message.output_tokens) details.push(`${message.output_tokens} tokens`);
  if (message.served_by) details.push(`Written by ${message.served_by}`);
  return h("time", { class: "facts", datetime: at, title: details.join("\n") }, took ? `${moment(at)} · ${took}` : moment(at));
}
