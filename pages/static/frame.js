// What surrounds the conversation: the sidebar's head and foot, the bar above the transcript, the drawer on a phone.

import { byId, h, iconButton } from "./dom.js";
import { icon } from "./icons.js";

const narrow = matchMedia("(max-width: 820px)");
const FOLDED = "convstore:sidebar-folded";

/** Show or hide the sidebar. */
export function toggleSidebar() {
  if (narrow.matches) return setDrawer(!document.documentElement.classList.contains("drawer-open"));
  const folded = document.documentElement.classList.toggle("sidebar-folded");
  try {
    folded ? localStorage.setItem(FOLDED, "1") : localStorage.removeItem(FOLDED);
  } catch {
    // storage is switched off: it is forgotten with the page
  }
  reflectSidebar();
}

/** On a phone the sidebar is a drawer over the page. */
export function setDrawer(open) {
  document.documentElement.classList.toggle("drawer-open", open);
  reflectSidebar();
  if (!narrow.matches) return;
  if (open) byId("new-chat")?.focus();
  else if (byId("sidebar").contains(document.activeElement)) byId("open-sidebar")?.focus();
}

// What cannot be seen must not be reached by the keyboard either.
function reflectSidebar() {
  const root = document.documentElement;
  const shown = narrow.matches ? root.classList.contains("drawer-open") : !root.classList.contains("sidebar-folded");
  byId("sidebar").inert = !shown;
  byId("stage").inert = narrow.matches && shown;
  byId("open-sidebar")?.setAttribute("aria-expanded", String(shown));
}

export function fillSidebarHead(element) {
  const newChat = h("a", { id: "new-chat", href: "/" }, icon("compose", 18), h("span", {}, "New chat"));
  element.replaceChildren(
    h(
      "div",
      { class: "brand-row" },
      h("a", { class: "brand", href: "/", "aria-label": "convstore: new chat" }, icon("chat", 20), h("span", {}, "convstore")),
      iconButton("Search conversations", icon("search"), () => {}, { id: "search-button", title: "Search (Ctrl+K)", "aria-haspopup": "dialog" }),
      iconButton("Close sidebar", icon("sidebar"), toggleSidebar),
    ),
    newChat,
  );
}

export function fillSidebarFoot(element) {
  const theme = window.convstoreTheme;
  const choices = [["light", "Light", "sun"], ["system", "Like the system", "system"], ["dark", "Dark", "moon"]];
  const buttons = choices.map(([value, name, iconName]) =>
    h("button", { type: "button", role: "radio", "data-theme-choice": value, "aria-label": name, title: name, onclick: () => choose(value) }, icon(iconName, 16)),
  );
  function choose(value) {
    theme.choose(value);
    for (const button of buttons) {
      const on = button.dataset.themeChoice === value;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
  }
  const group = h("div", { id: "theme-switch", role: "radiogroup", "aria-label": "Colours" }, buttons);
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length];
    next.click();
    next.focus();
  });
  choose(theme.chosen());
  const pageLink = (href, name, picture) =>
    h("a", { class: "icon-button", href, "aria-label": name, title: name, "aria-current": location.pathname === href ? "page" : null }, icon(picture, 18));
  element.replaceChildren(
    h(
      "div",
      { class: "sidebar-foot" },
      group,
      h("nav", { class: "foot-links", "aria-label": "Pages" }, pageLink("/library", "Library", "library"), pageLink("/settings", "Settings", "gear")),
      iconButton("Keyboard shortcuts", icon("keyboard", 18), () => {}, { id: "show-keys", title: "Keyboard shortcuts (?)", "aria-haspopup": "dialog" }),
    ),
  );
}

export function fillTopBar(element, { demo, model_label: label, tunable }) {
  element.replaceChildren(
    h(
      "div",
      { class: "bar" },
      iconButton("Open sidebar", icon("menu", 20), toggleSidebar, { id: "open-sidebar", "aria-controls": "sidebar" }),
      h("div", { class: "bar-title", dir: "auto" }),
      demo ? h("span", { class: "badge", title: "Answers are scripted. Set OPENAI_API_KEY to use a model." }, "Demo model", h("span", { class: "badge-more" }, " — offline, no key set")) : h("span", { class: "model-name" }, label),
      tunable ? iconButton("Settings of this conversation", icon("sliders", 18), () => {}, { id: "tuning-button", "aria-haspopup": "dialog" }) : null,
      h("a", { class: "icon-button bar-new", href: "/", "aria-label": "New chat", title: "New chat" }, icon("compose", 20)),
    ),
  );
}

export function setTitle(title) {
  document.querySelector(".bar-title").textContent = title ?? "";
  document.title = title ? `${title} · convstore` : "convstore";
}

export function prepare() {
  try {
    document.documentElement.classList.toggle("sidebar-folded", localStorage.getItem(FOLDED) === "1");
  } catch {
    // storage is switched off
  }
  byId("sidebar").setAttribute("role", "complementary");
  byId("sidebar").setAttribute("aria-label", "Sidebar");
  const shade = h("div", { id: "shade", onclick: () => setDrawer(false) });
  byId("sidebar").after(shade);
  document.addEventListener("keydown", (event) => event.key === "Escape" && setDrawer(false));
  narrow.addEventListener("change", () => setDrawer(false));
  reflectSidebar();
}
