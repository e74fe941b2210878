// The settings of the conversation that is shown, in a dialog: what they are, presets to take them from, and a name to
// keep them under. They count from the next answer on.

import { openDialog } from "./dialog.js";
import { announce, byId, h, iconButton, setText } from "./dom.js";
import { icon } from "./icons.js";
import { address, go } from "./place.js";
import { toast } from "./toast.js";
import { ValuesForm } from "./values.js";

export class Tuning {
  constructor(lane) {
    this.lane = lane;
    this.button = byId("tuning-button");
    this.button.addEventListener("click", () => this.open());
  }

  /** What is on the page: a conversation of this person's, a new chat, or somebody else's conversation. */
  show({ conversation, reader }) {
    this.conversation = conversation;
    this.button.hidden = Boolean(reader);
  }

  open() {
    if (byId("tuning-dialog") || this.button.hidden) return;
    const conversation = this.conversation;
    this.body = h("div", { class: "dialog-content", "aria-busy": "true" }, h("p", { role: "status" }, "Loading…"));
    const { close } = openDialog({ id: "tuning-dialog", title: conversation ? "Settings of this conversation" : "Settings of a new conversation", fill: () => this.body });
    this.close = close;
    this.#load(conversation);
  }

  async #load(conversation) {
    try {
      const found = await this.lane.call("look", { conversation: conversation ?? undefined });
      this.form = new ValuesForm(found);
      this.form.fill(found.settings);
      this.presets = found.presets;
      this.#draw(conversation);
    } catch (error) {
      this.body.replaceChildren(
        h("p", { role: "alert" }, error.message),
        h("div", { class: "dialog-actions" }, h("button", { type: "button", class: "button", onclick: () => this.#load(conversation) }, "Try again")),
      );
    }
  }

  #draw(conversation) {
    this.problem = h("p", { class: "problem", role: "alert" });
    this.problem.hidden = true;
    this.picker = h("div", { class: "field-row" });
    this.name = h("input", { type: "text", class: "field", id: "preset-name", maxlength: 200, placeholder: "Name of a preset", "aria-label": "Name of a preset", dir: "auto", autocomplete: "off" });
    const keep = h("button", { type: "button", class: "button", onclick: () => this.#keep() }, "Save as preset");
    const apply = h("button", { type: "submit", class: "button primary", id: "tuning-apply" }, conversation ? "Apply" : "Start with these");
    const form = h(
      "form",
      { class: "tuning-form", onsubmit: (event) => (event.preventDefault(), this.#apply(conversation)) },
      this.picker,
      this.form.element,
      h("div", { class: "preset-row" }, this.name, keep),
      this.problem,
      h("div", { class: "dialog-actions" }, h("button", { type: "button", class: "button", onclick: () => this.close() }, "Cancel"), apply),
    );
    this.name.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && (event.preventDefault(), this.#keep()));
    this.#drawPicker();
    this.body.removeAttribute("aria-busy");
    this.body.replaceChildren(form);
    this.form.prompt.focus();
  }

  #drawPicker() {
    this.picker.hidden = !this.presets.length;
    if (!this.presets.length) return this.picker.replaceChildren();
    const chips = this.presets.map((preset) =>
      h(
        "span",
        { class: "chip", role: "listitem" },
        h("button", { type: "button", class: "chip-name", dir: "auto", onclick: () => this.#take(preset) }, preset.name),
        iconButton(`Delete preset ${preset.name}`, icon("close", 14), () => this.#forget(preset)),
      ),
    );
    this.picker.replaceChildren(h("span", { class: "field-label", id: "preset-label" }, "Presets"), h("div", { class: "chips", role: "list", "aria-labelledby": "preset-label" }, chips));
  }

  #take(preset) {
    this.form.fill(preset.settings);
    this.name.value = preset.name;
    announce(`Preset ${preset.name} is filled in. Apply to use it.`);
  }

  async #keep() {
    const name = this.name.value.trim();
    if (!name) return this.#fail("Give the preset a name first.", this.name);
    if (await this.#change("keep", { name, ...this.form.read() })) announce(`Preset ${name} saved`);
  }

  async #forget(preset) {
    if (await this.#change("forget", { name: preset.name })) announce(`Preset ${preset.name} deleted`);
    this.name.focus();
  }

  async #change(call, order) {
    this.problem.hidden = true;
    try {
      this.presets = (await this.lane.call(call, order)).presets;
      this.#drawPicker();
      return true;
    } catch (error) {
      this.#fail(error.message);
      return false;
    }
  }

  async #apply(conversation) {
    byId("tuning-apply").disabled = true;
    try {
      const { conversation: id } = await this.lane.call("apply", { conversation: conversation ?? undefined, ...this.form.read() });
      this.close();
      if (!conversation) go(address(id));
      toast("The settings count from the next answer on.");
    } catch (error) {
      byId("tuning-apply").disabled = false;
      this.#fail(error.message);
    }
  }

  #fail(message, field = null) {
    this.problem.hidden = false;
    setText(this.problem, message);
    field?.focus();
  }
}
