// Copying, also where the page is served over plain HTTP in a local network and `navigator.clipboard` does not exist.

import { announce } from "./dom.js";
import { icon } from "./icons.js";

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.style.cssText = "position:fixed;opacity:0";
  (document.activeElement?.closest("dialog") ?? document.body).append(field); // outside of a dialog all is inert
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("copying is not allowed here");
}

/** A click handler that copies `text()` and shows on the button that it did. */
export function copying(text) {
  return async (event) => {
    const button = event.currentTarget;
    try {
      await copy(text());
    } catch {
      announce("Copying is not allowed here.");
      return;
    }
    announce("Copied");
    button.classList.add("copied");
    const before = button.querySelector(".icon");
    const done = icon("check", before?.getAttribute("width") ?? 16);
    before?.replaceWith(done);
    setTimeout(() => {
      button.classList.remove("copied");
      if (before) done.replaceWith(before);
    }, 1600);
  };
}
