// Building elements. Text always goes in as text nodes; there is no way to pass markup here.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** A button with an icon and a name for those who do not see it. */
export function iconButton(name, icon, onclick, attributes = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": name, title: name, onclick, ...attributes }, icon);
}

/** Set a text only when it differs: selections inside survive. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Say something once to people who listen to the page instead of looking at it. */
export function announce(text) {
  let region = byId("announcements");
  if (!region) {
    region = h("div", { id: "announcements", class: "visually-hidden", role: "status", "aria-live": "polite" });
    document.body.append(region);
  }
  region.textContent = text;
}
