// A window over the page. The browser's own <dialog> keeps the focus inside, closes with Esc and makes the rest inert;
// here it gets a heading, a way to close by clicking beside it, and gives the focus back to what opened it.

import { h, iconButton } from "./dom.js";
import { icon } from "./icons.js";

let count = 0;

/** Open a dialog; resolves to the value it was closed with. `fill(close)` returns what is in it. */
export function openDialog({ id, title, fill, className = "", headed = true, onclose = null }) {
  const heading = `dialog-title-${++count}`;
  const before = document.activeElement;
  let result = null;
  const close = (value = null) => {
    result = value;
    dialog.close();
  };
  const head = h(
    "header",
    { class: headed ? "dialog-head" : "visually-hidden" },
    h("h2", { id: heading }, title),
    headed ? iconButton("Close", icon("close", 18), () => close()) : null,
  );
  const dialog = h("dialog", { id, class: `dialog ${className}`, "aria-labelledby": heading }, h("div", { class: "dialog-body" }, head, fill(close)));
  dialog.addEventListener("keydown", (event) => event.key === "Tab" && goRound(event, dialog));
  dialog.addEventListener("mousedown", (event) => event.target === dialog && close());
  layer().append(dialog);
  const closed = new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      // The browser has given the focus back, unless what was done here moved it or took its place away.
      if (before?.isConnected && document.activeElement === document.body) before.focus({ preventScroll: true });
      onclose?.();
      resolve(result);
    });
  });
  dialog.showModal();
  return { dialog, close, closed };
}

// The browser's own dialog lets Tab out to its address bar; here it goes round.
function goRound(event, dialog) {
  const reachable = [...dialog.querySelectorAll("a[href], button, input, select, textarea, [tabindex]")].filter(
    (element) => !element.disabled && element.tabIndex >= 0 && element.getClientRects().length && (element.type !== "radio" || element.checked || !dialog.querySelector(`input[name="${element.name}"]:checked`)),
  );
  const [first, last] = [reachable[0], reachable.at(-1)];
  if (document.activeElement !== (event.shiftKey ? first : last)) return;
  event.preventDefault();
  (event.shiftKey ? last : first).focus();
}

/** A question before something that is not undone. Resolves to whether it was confirmed. */
export async function confirmed({ title, text, action }) {
  const { closed } = openDialog({
    id: "confirm-dialog",
    title,
    fill: (close) =>
      h(
        "div",
        { class: "dialog-content" },
        h("p", {}, text),
        h(
          "div",
          { class: "dialog-actions" },
          h("button", { type: "button", class: "button", autofocus: true, onclick: () => close(false) }, "Cancel"),
          h("button", { type: "button", class: "button danger", onclick: () => close(true) }, action),
        ),
      ),
  });
  return (await closed) === true;
}

/** Where what lies over the page goes: inside Gradio's container, so that its styles are ours and not the browser's. */
export function layer() {
  return document.querySelector(".gradio-container") ?? document.body;
}
