// What an answer did on the way: tool calls and reasoning, each a step that opens.

import { h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { duration } from "./times.js";

const STATES = { running: "Running", complete: "", failed: "Failed", interrupted: "Interrupted: the outcome is unknown" };

function step(kind, iconName) {
  const title = h("span", { class: "step-title" });
  const state = h("span", { class: "step-state" });
  const body = h("div", { class: "step-body" });
  const summary = h("summary", {}, icon(iconName, 16), title, state, icon("chevron", 14));
  const element = h("details", { class: `step ${kind}` }, summary, body);
  return { element, title, state, body };
}

export class ToolStep {
  constructor() {
    this.parts = step("tool-step", "tool");
    this.element = this.parts.element;
    this.input = h("pre", { tabindex: "0" });
    this.output = h("pre", { tabindex: "0" });
    this.outputTitle = h("div", { class: "step-label" }, "Result");
    this.parts.body.append(h("div", { class: "step-label" }, "Input"), this.input, this.outputTitle, this.output);
  }

  set(call) {
    const words = call.name.replaceAll("_", " ");
    setText(this.parts.title, words.charAt(0).toUpperCase() + words.slice(1));
    const took = call.status === "complete" ? duration(call.started_at, call.finished_at) : "";
    setText(this.parts.state, STATES[call.status] || took);
    this.element.dataset.status = call.status;
    // In a shared conversation it may be left out what a tool was asked and what it said.
    const leftOut = !call.arguments && call.result === null && call.status !== "running";
    setText(this.input, leftOut ? "Not shared" : pretty(call.arguments));
    setText(this.output, pretty(call.result ?? ""));
    this.output.hidden = this.outputTitle.hidden = call.result === null;
  }
}

export class ReasoningStep {
  constructor() {
    this.parts = step("reasoning-step", "thought");
    this.element = this.parts.element;
    this.text = h("div", { class: "reasoning-text" });
    this.parts.body.append(this.text);
  }

  set(text, thinking) {
    setText(this.parts.title, thinking ? "Thinking" : "Thoughts");
    this.element.dataset.status = thinking ? "running" : "complete";
    setText(this.text, text);
  }
}

function pretty(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "string" ? value : JSON.stringify(value, null, 2);
  } catch {
    return text; // not JSON, or not whole: as it is
  }
}
