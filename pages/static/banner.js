// The one place where the page says what went wrong. It stays until it is dismissed or the thing works.

import { byId, h, iconButton, setText } from "./dom.js";
import { icon } from "./icons.js";

let text, retry, again;

export function fill(element) {
  text = h("span", { class: "banner-text" });
  retry = h("button", { type: "button", class: "banner-retry", onclick: () => { hide(); again?.(); } }, "Try again");
  element.replaceChildren(
    h("div", { class: "banner" }, icon("warning"), text, retry, iconButton("Dismiss", icon("close", 16), hide)),
  );
  const banner = byId("error-banner");
  banner.setAttribute("role", "alert");
  banner.hidden = true;
}

/** Show a message; with `action`, a button that tries again. */
export function show(message, action = null) {
  again = action;
  retry.hidden = !action;
  byId("error-banner").hidden = false;
  setText(text, message);
}

export function hide() {
  const banner = byId("error-banner");
  if (banner) banner.hidden = true;
  if (text) text.textContent = "";
}
