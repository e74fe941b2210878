// What was just done, said at the lower edge of the page for a while, with Undo where it can be undone. One at a time:
// the next one takes its place. It waits while the pointer or the focus is on it.

import { layer } from "./dialog.js";
import { h, iconButton } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_MS = 12_000;

let region = null;
let timer = null;

/** Show `text`; with `undo`, a button that calls it once. */
export function toast(text, undo = null) {
  region ??= h("div", { id: "toasts", role: "status", "aria-live": "polite" });
  if (!region.isConnected) layer().append(region);
  clearTimeout(timer);
  const button = undo && h("button", { type: "button", id: "undo", onclick: () => (hide(), undo()) }, "Undo");
  const box = h("div", { class: "toast" }, h("span", { class: "toast-text", dir: "auto" }, text), button, iconButton("Dismiss", icon("close", 16), hide));
  const wait = () => clearTimeout(timer);
  const goOn = () => {
    clearTimeout(timer);
    timer = setTimeout(hide, SHOWN_MS);
  };
  box.addEventListener("pointerenter", wait);
  box.addEventListener("focusin", wait);
  box.addEventListener("pointerleave", goOn);
  box.addEventListener("focusout", goOn);
  region.replaceChildren(box);
  goOn();
}

function hide() {
  clearTimeout(timer);
  region?.replaceChildren();
}
