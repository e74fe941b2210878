// One conversation in the list: a link, a menu of what can be done to it, and a field while it is renamed.

import { h, iconButton, setText } from "./dom.js";
import { icon } from "./icons.js";
import { toggleMenu } from "./menu.js";
import { address } from "./place.js";

export class Row {
  constructor(list, item) {
    this.list = list;
    this.box = h("input", { type: "checkbox", class: "row-check", onchange: () => list.selection.toggle(this.item.id, this.box.checked) });
    this.link = h("a", { href: address(item.id), "data-conversation-id": item.id, dir: "auto" });
    this.link.addEventListener("click", (event) => this.#clicked(event));
    this.link.addEventListener("keydown", (event) => this.#key(event));
    this.more = iconButton("", icon("more", 18), () => this.#menu(), { class: "icon-button row-more", "aria-haspopup": "menu", "aria-expanded": "false" });
    this.element = h("li", { class: "row" }, this.box, this.link, this.more);
    this.reflectSelection();
  }

  set(item) {
    this.item = item;
    const title = item.title || "New conversation";
    setText(this.link, title);
    this.link.title = title;
    this.more.setAttribute("aria-label", `Options for ${title}`);
    this.more.title = "Options";
    this.box.setAttribute("aria-label", `Select ${title}`);
    this.mark(this.list.current);
    this.reflectSelection();
  }

  mark(current) {
    if (this.link.dataset.conversationId === current) this.link.setAttribute("aria-current", "page");
    else this.link.removeAttribute("aria-current");
  }

  reflectSelection() {
    const { active, ids } = this.list.selection;
    this.box.hidden = !active;
    this.more.hidden = active;
    this.box.checked = Boolean(this.item && ids.has(this.item.id));
    this.element.classList.toggle("selected", active && this.box.checked);
  }

  #clicked(event) {
    if (!this.list.selection.active || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.list.selection.toggle(this.item.id, !this.box.checked);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "F2") this.rename();
    else if (event.key === "Delete") this.#change("trashed");
    else return;
    event.preventDefault();
  }

  #menu() {
    const { pinned } = this.item;
    toggleMenu(this.more, "Conversation", [
      { name: "Rename", icon: "pencil", act: () => this.rename() },
      pinned ? { name: "Unpin", icon: "unpin", act: () => this.#change("unpinned") } : { name: "Pin", icon: "pin", act: () => this.#change("pinned") },
      { name: "Archive", icon: "archive", act: () => this.#change("archived") },
      { name: "Select several", icon: "select", act: () => this.list.selection.begin(this.item.id) },
      { name: "Delete", icon: "trash", danger: true, act: () => this.#change("trashed") },
    ]);
  }

  // The focus goes to a neighbour when the row goes: never back to the top of the page.
  #change(to) {
    const leaves = to === "trashed" || to === "archived";
    const held = leaves && this.element.contains(document.activeElement);
    const rows = [...this.list.body.querySelectorAll("li.row")];
    const at = rows.indexOf(this.element);
    this.list.changes.make([this.item], to);
    if (held) (rows[at + 1] ?? rows[at - 1])?.querySelector("a").focus();
  }

  /** Write another name, in place. Enter and leaving keep it, Esc does not. */
  rename() {
    const field = h("input", { type: "text", class: "rename-field", value: this.item.title, maxlength: 200, dir: "auto", "aria-label": "Name of the conversation", autocomplete: "off" });
    let done = false;
    const finish = (save, focus) => {
      if (done) return;
      done = true;
      this.list.editing = false;
      field.replaceWith(this.link);
      this.more.hidden = false;
      const title = field.value.trim();
      if (save && title && title !== this.item.title) this.list.changes.rename(this.item, title);
      this.list.draw();
      if (focus) this.link.focus({ preventScroll: true });
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
      event.preventDefault();
      finish(event.key === "Enter", true);
    });
    field.addEventListener("blur", () => finish(true, false));
    this.list.editing = true;
    this.more.hidden = true;
    this.link.replaceWith(field);
    field.focus();
    field.select();
  }
}
