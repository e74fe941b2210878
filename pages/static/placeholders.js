// What stands in the middle when there are no messages.

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** A new chat: what this is, and three ways to begin. `use(text)` sends an example. */
export function emptyState({ examples, demo }, use) {
  return h(
    "div",
    { class: "empty-state" },
    h("h1", {}, "What can I help with?"),
    h("p", {}, "Every conversation is kept in the database: close the tab, come back on any day, and it goes on where it was."),
    h(
      "div",
      { class: "examples" },
      examples.map(({ title, text }) =>
        h("button", { type: "button", class: "example", onclick: () => use(text) }, h("span", { class: "example-title" }, title), h("span", { class: "example-text" }, text)),
      ),
    ),
    demo ? h("p", { class: "demo-note" }, "A scripted demo model answers here. Set OPENAI_API_KEY to talk to a real one.") : null,
  );
}

/** An address that leads nowhere: deleted, someone else's or mistyped all look the same. */
export function missing() {
  return h(
    "div",
    { class: "not-found" },
    icon("chat", 28),
    h("h1", {}, "Conversation not found"),
    h("p", {}, "It may have been deleted, it may belong to someone else, or the link may be incomplete."),
    h("a", { class: "primary-link", href: "/" }, "Start a new chat"),
  );
}

export function skeleton() {
  const line = (width) => h("div", { class: "skeleton-line", style: `width:${width}%` });
  return h("div", { class: "skeleton", "aria-label": "Loading", role: "status" }, line(38), line(92), line(86), line(64), line(30), line(88), line(57));
}
