// The keyboard map: what the keys do on every page, and the window that shows it.

import { openDialog } from "./dialog.js";
import { byId, h } from "./dom.js";

const mac = /Mac|iPhone|iPad/.test(navigator.platform);
const MOD = mac ? "⌘" : "Ctrl";

const GROUPS = [
  [
    "Everywhere",
    [
      [[MOD, "K"], "Search conversations"],
      [[MOD, "Shift", "O"], "New chat"],
      [[MOD, "B"], "Show or hide the sidebar"],
      [["?"], "Show these keys"],
      [["Esc"], "Close what is open"],
    ],
  ],
  [
    "Writing",
    [
      [["/"], "Go to the message field"],
      [["Enter"], "Send (see Settings)"],
      [["Shift", "Enter"], "New line"],
      [[MOD, "."], "Settings of this conversation"],
    ],
  ],
  [
    "In the list of conversations",
    [
      [["Enter"], "Open"],
      [["F2"], "Rename"],
      [["Delete"], "Delete, with Undo"],
      [["Tab"], "Go to its menu"],
    ],
  ],
];

/** Listen for the keys; `acts`: { search, newChat, sidebar, settings, write }. */
export function listen(acts) {
  document.addEventListener("keydown", (event) => {
    const act = chosen(event, acts);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function chosen(event, acts) {
  if (event.isComposing || event.altKey) return null;
  const over = document.querySelector("dialog[open]");
  if (mac ? event.metaKey : event.ctrlKey) {
    if (over) return event.key.toLowerCase() === "k" ? () => {} : null; // not the browser's own search either
    const key = event.shiftKey ? `shift+${event.key.toLowerCase()}` : event.key.toLowerCase();
    return { k: acts.search, "shift+o": acts.newChat, b: acts.sidebar, ".": acts.settings }[key] ?? null;
  }
  if (over || event.ctrlKey || event.metaKey || writing(event.target)) return null;
  return { "?": show, "/": acts.write }[event.key] ?? null;
}

function writing(target) {
  return target.isContentEditable || (target.matches?.("textarea, select, input") && !target.matches("input[type=checkbox], input[type=radio]"));
}

/** Show the map. */
export function show() {
  if (byId("keyboard-map")) return;
  const row = ([combination, what]) => h("div", { class: "key-row" }, h("dt", {}, combination.map((key) => h("kbd", {}, key))), h("dd", {}, what));
  openDialog({
    id: "keyboard-map",
    title: "Keyboard",
    fill: () =>
      h(
        "div",
        { class: "dialog-content key-groups", tabindex: "0", role: "group", "aria-label": "Keys" },
        GROUPS.map(([name, rows]) => h("section", {}, h("h3", {}, name), h("dl", {}, rows.map(row)))),
      ),
  });
}
