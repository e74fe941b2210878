// One message of the transcript as an element that is made once and updated in place.

import { AnswerBody } from "./answer.js";
import { copying } from "./clipboard.js";
import { h, iconButton, setText } from "./dom.js";
import { icon } from "./icons.js";
import { address } from "./place.js";
import { duration, exactly, moment } from "./times.js";

export const isActive = (message) => message.status === "queued" || message.status === "streaming";

const ENDS = {
  stopped: "Stopped",
  failed: "The answer could not be finished.",
  interrupted: "The answer was interrupted and could not be taken up again.",
};

/** `actions`: retry(message). */
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
    const state = JSON.stringify([message.status, message.error, last, message.siblings, message.id, conversation]);
    if (state === this.drawn) return;
    this.drawn = state;
    if (this.isAnswer) this.#drawNotice(message);
    this.#drawFoot(message, active, last, conversation);
  }

  #drawNotice(message) {
    const end = ENDS[message.status];
    this.notice.hidden = !end;
    this.notice.className = `notice notice-${message.status}`;
    if (!end) return;
    const words = message.status === "stopped" ? end : message.error || end;
    this.notice.replaceChildren(
      ...(message.status === "stopped" ? [] : [icon("warning", 16)]),
      h("span", { class: "notice-text" }, words),
      h("button", { type: "button", class: "notice-retry", onclick: () => this.actions.retry(this.message) }, icon("retry", 14), "Retry"),
    );
  }

  #drawFoot(message, active, last, conversation) {
    this.foot.replaceChildren();
    if (active || message.status === "sending") return;
    const copy = iconButton(this.isAnswer ? "Copy answer" : "Copy message", icon("copy", 16), copying(() => this.message.content), { class: "icon-button copy-message" });
    this.foot.append(copy);
    if (this.isAnswer && last && message.status === "complete") {
      this.foot.append(iconButton("Answer again", icon("retry", 16), () => this.actions.retry(this.message)));
    }
    if (message.siblings.length > 1) this.foot.append(siblingWalk(message, conversation));
    this.foot.append(facts(message, this.isAnswer));
    this.foot.classList.toggle("always", last && this.isAnswer);
  }
}

// "‹ 2 / 3 ›": the other messages with the same parent.
function siblingWalk(message, conversation) {
  const index = message.siblings.indexOf(message.id);
  const step = (to, name, iconName, id) =>
    message.siblings[to]
      ? h("a", { class: "icon-button", id: null, "data-walk": id, href: address(conversation, message.siblings[to]), "aria-label": name, title: name }, icon(iconName, 14))
      : h("span", { class: "icon-button disabled", "aria-hidden": "true" }, icon(iconName, 14));
  return h(
    "span",
    { class: "siblings" },
    step(index - 1, "Previous version", "back", "branch-previous"),
    h("span", { class: "sibling-count" }, `${index + 1} / ${message.siblings.length}`),
    step(index + 1, "Next version", "chevron", "branch-next"),
  );
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
