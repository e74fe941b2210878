// The body of an answer: reasoning, then text and tool calls in the order in which they happened.

import { h } from "./dom.js";
import { ReasoningStep, ToolStep } from "./steps.js";
import { GrowingText } from "./streaming.js";

export class AnswerBody {
  constructor() {
    this.element = h("div", { class: "answer-body" });
    this.parts = new Map(); // name → the text or step, in the order shown
  }

  set(message, active) {
    const wanted = [];
    if (message.reasoning) {
      const part = this.#part("reasoning", () => new ReasoningStep());
      part.set(message.reasoning, active && !message.content);
      wanted.push("reasoning");
    }
    let from = 0;
    message.tools.forEach((call, index) => {
      wanted.push(...this.#text(index, message.content.slice(from, call.offset), true));
      this.#part(call.id, () => new ToolStep()).set(call);
      wanted.push(call.id);
      from = Math.max(from, call.offset);
    });
    wanted.push(...this.#text(message.tools.length, message.content.slice(from), !active));
    this.#arrange(wanted);
  }

  #text(index, text, finished) {
    if (!text.trim()) return [];
    const name = `text ${index}`;
    this.#part(name, () => new GrowingText()).set(text, finished);
    return [name];
  }

  #part(name, make) {
    if (!this.parts.has(name)) this.parts.set(name, make());
    return this.parts.get(name);
  }

  // Elements that are already in place are not touched: moving one would close its selection and scroll.
  #arrange(names) {
    for (const [name, part] of this.parts) {
      if (names.includes(name)) continue;
      part.element.remove();
      this.parts.delete(name);
    }
    names.forEach((name, index) => {
      const element = this.parts.get(name).element;
      if (this.element.children[index] !== element) this.element.insertBefore(element, this.element.children[index] ?? null);
    });
  }
}
