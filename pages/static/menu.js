// A menu at a button: arrows, Home, End and first letters move, Enter chooses, Esc and Tab leave; the focus goes back.

import { layer } from "./dialog.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

let open = null;

/** Open the menu at `button`, or close it when it is this button's. `items`: [{ name, icon, act, danger? }]. */
export function toggleMenu(button, label, items) {
  if (open?.button === button) return closeMenu();
  closeMenu();
  const entries = items.map(({ name, icon: picture, act, danger }) =>
    h(
      "button",
      { type: "button", role: "menuitem", tabindex: "-1", class: danger ? "danger" : null, onclick: () => (closeMenu(), act()) },
      icon(picture, 16),
      h("span", {}, name),
    ),
  );
  const menu = h("div", { role: "menu", class: "menu", "aria-label": label }, entries);
  menu.addEventListener("keydown", (event) => move(event, entries));
  menu.addEventListener("focusout", (event) => open?.menu === menu && !menu.contains(event.relatedTarget) && event.relatedTarget && closeMenu(false));
  button.setAttribute("aria-expanded", "true");
  layer().append(menu);
  place(menu, button.getBoundingClientRect());
  open = { menu, button };
  entries[0].focus();
}

export function closeMenu(giveBack = true) {
  if (!open) return;
  const { menu, button } = open;
  open = null;
  menu.remove();
  button.setAttribute("aria-expanded", "false");
  if (giveBack && button.isConnected) button.focus({ preventScroll: true });
}

function place(menu, at) {
  const { width, height } = menu.getBoundingClientRect();
  const below = at.bottom + 4 + height <= innerHeight;
  menu.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - height - 4)}px`;
  menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
}

function move(event, entries) {
  const at = entries.indexOf(document.activeElement);
  const to = {
    ArrowDown: (at + 1) % entries.length,
    ArrowUp: (at - 1 + entries.length) % entries.length,
    Home: 0,
    End: entries.length - 1,
  }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    entries[to].focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    closeMenu();
  } else if (event.key.length === 1 && event.key !== " ") {
    const later = [...entries.slice(at + 1), ...entries.slice(0, at + 1)];
    later.find((entry) => entry.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
  }
}

document.addEventListener("pointerdown", (event) => open && !open.menu.contains(event.target) && !open.button.contains(event.target) && closeMenu(false));
window.addEventListener("resize", () => closeMenu(false));
document.addEventListener("scroll", (event) => open && !open.menu.contains(event.target) && closeMenu(false), true);
