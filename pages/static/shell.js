// What every page has around its own matter: the sidebar with the list, the search over everything, the keyboard map.

import * as frame from "./frame.js";
import * as keys from "./keys.js";
import { ConversationList } from "./conversations.js";
import { byId } from "./dom.js";
import { Palette } from "./palette.js";

/** The islands that every page has. */
export const SHARED = ["sidebar-head", "conversation-list", "sidebar-foot", "top-bar", "finder"];

/** Bring them to life; `heard` as for ConversationList. Returns { list }. */
export function surround(arrived, settings, heard = {}) {
  const fill = (kind, draw) => draw(arrived.get(kind).element, settings);
  fill("sidebar-head", frame.fillSidebarHead);
  fill("sidebar-foot", frame.fillSidebarFoot);
  fill("top-bar", frame.fillTopBar);
  frame.prepare();
  const { element, lane } = arrived.get("conversation-list");
  const list = new ConversationList(element, lane, heard);
  const palette = new Palette(arrived.get("finder").lane, () => (list.loaded ? list.items : null));
  byId("search-button").addEventListener("click", () => palette.open());
  byId("show-keys").addEventListener("click", () => keys.show());
  keys.listen({
    search: () => palette.open(),
    newChat: () => byId("new-chat").click(),
    sidebar: () => frame.toggleSidebar(),
    settings: () => byId("tuning-button")?.click(),
    write: () => byId("message-box")?.querySelector("textarea").focus(),
  });
  return { list };
}
