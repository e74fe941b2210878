// The settings of a person: looks and keys of this browser, presets, who they are and what they have used, and all that
// is theirs, to take along or to delete.

import * as luggage from "./luggage.js";
import { tellOthers } from "./changes.js";
import { confirmed } from "./dialog.js";
import { announce, h, iconButton, setText } from "./dom.js";
import { icon } from "./icons.js";
import { chooseSendKey, sendKey } from "./preferences.js";
import { surround } from "./shell.js";
import { toast } from "./toast.js";
import { inWords, ValuesForm } from "./values.js";

const THEMES = [["system", "Like the system"], ["light", "Light"], ["dark", "Dark"]];
const SEND_KEYS = [["enter", "Enter sends, Shift+Enter begins a new line"], ["modifier", "Ctrl+Enter (⌘+Enter) sends, Enter begins a new line"]];

export function start(arrived) {
  const { element, lane, settings } = arrived.get("settings");
  const { list } = surround(arrived, settings);
  document.title = "Settings · convstore";
  new SettingsPage(element, lane, settings, list);
  document.documentElement.dataset.ready = "true";
  list.load();
}

class SettingsPage {
  constructor(element, lane, settings, list) {
    Object.assign(this, { lane, settings, list });
    this.presets = h("div", { class: "presets", "aria-busy": "true" }, h("p", {}, "Loading…"));
    this.about = h("dl", { class: "facts-list" });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.problem.hidden = true;
    element.replaceChildren(
      h(
        "div",
        { class: "sheet narrow", role: "main" },
        h("header", { class: "sheet-head" }, h("h1", {}, "Settings")),
        this.problem,
        section("Appearance", choices("theme", "Colours", THEMES, window.convstoreTheme.chosen(), (value) => window.convstoreTheme.choose(value))),
        section("Writing", choices("send-key", "Which key sends a message", SEND_KEYS, sendKey(), chooseSendKey)),
        section("Presets", h("p", {}, "Settings of a conversation under a name: instructions, model, temperature. Apply one from the settings button above a conversation."), this.presets),
        section("You", this.about),
        section("Your conversations", h("p", {}, "Take everything along as one file, or bring conversations back: from such a file, or from the conversations.json of a ChatGPT export."), h("div", { class: "button-row" }, luggage.exportAll(), luggage.importButton(settings, () => this.#changed()))),
        this.#eraser(),
      ),
    );
    this.#load();
  }

  async #load() {
    this.problem.hidden = true;
    try {
      const known = await this.lane.call("about", {});
      this.#drawAbout(known);
      const found = await this.lane.call("look", {});
      this.offers = found;
      this.#drawPresets(found.presets);
    } catch (error) {
      this.problem.hidden = false;
      this.problem.replaceChildren(`${error.message} `, h("button", { type: "button", class: "button", onclick: () => this.#load() }, "Try again"));
    }
  }

  #drawAbout({ id, conversations, used, limits }) {
    const number = (value) => value.toLocaleString();
    const of = (value, most) => (most ? `${number(value)} of ${number(most)}` : number(value));
    const who = this.settings.signed_in ? "Signed in by your organisation." : "A cookie in this browser says who you are. Without it nobody gets at your conversations, not even you: export what you want to keep.";
    const rows = [
      ["Known as", h("span", {}, h("code", {}, id), h("span", { class: "fact-note" }, who))],
      ["Conversations", `${number(conversations.active)} active, ${number(conversations.archived)} archived, ${number(conversations.trash)} in the trash`],
      ["Tokens today (UTC)", of(used.tokens_today, limits.tokens_per_day)],
      ["Answers being written", of(used.running, limits.running_answers)],
      ...(limits.requests_per_minute ? [["Messages per minute", `${number(limits.requests_per_minute)} at most`]] : []),
    ];
    this.about.replaceChildren(...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  }

  #drawPresets(presets) {
    this.presets.removeAttribute("aria-busy");
    const rows = presets.map((preset) =>
      h(
        "li",
        {},
        h("div", { class: "preset-text" }, h("b", { dir: "auto" }, preset.name), h("span", { dir: "auto" }, inWords(preset.settings))),
        iconButton(`Change preset ${preset.name}`, icon("pencil", 16), () => this.#edit(preset)),
        iconButton(`Delete preset ${preset.name}`, icon("trash", 16), () => this.#forget(preset)),
      ),
    );
    this.presets.replaceChildren(
      rows.length ? h("ul", { class: "preset-list" }, rows) : h("p", {}, "No presets yet."),
      h("div", { class: "button-row" }, h("button", { type: "button", class: "button", id: "new-preset", onclick: () => this.#edit(null) }, "New preset")),
    );
  }

  #edit(preset) {
    const form = new ValuesForm(this.offers);
    if (preset) form.fill(preset.settings);
    const name = h("input", { type: "text", class: "field", id: "preset-name", maxlength: 200, value: preset?.name ?? "", dir: "auto", autocomplete: "off", required: true });
    const save = async (event) => {
      event.preventDefault();
      if (!name.value.trim()) return name.focus();
      if (await this.#change("keep", { name: name.value.trim(), ...form.read() })) this.presets.querySelector("#new-preset")?.focus();
    };
    this.presets.replaceChildren(
      h(
        "form",
        { class: "preset-form", onsubmit: save },
        h("div", { class: "field-row" }, h("label", { for: "preset-name" }, "Name"), name),
        form.element,
        h("div", { class: "button-row" }, h("button", { type: "submit", class: "button primary" }, "Save preset"), h("button", { type: "button", class: "button", onclick: () => this.#drawPresets(this.offers.presets) }, "Cancel")),
      ),
    );
    name.focus();
  }

  async #forget(preset) {
    if (!(await this.#change("forget", { name: preset.name }))) return;
    toast(`Deleted preset “${preset.name}”`, () => this.#change("keep", { name: preset.name, ...preset.settings }));
  }

  async #change(call, order) {
    try {
      this.offers.presets = (await this.lane.call(call, order)).presets;
      this.#drawPresets(this.offers.presets);
      return true;
    } catch (error) {
      toast(error.message);
      return false;
    }
  }

  #eraser() {
    const { confirmation } = this.settings;
    const field = h("input", { type: "text", class: "field", id: "erase-confirm", autocomplete: "off", spellcheck: "false", autocapitalize: "none" });
    const button = h("button", { type: "submit", class: "button danger", id: "erase-button", disabled: true }, "Delete everything");
    const status = h("p", { role: "status" });
    field.addEventListener("input", () => (button.disabled = field.value.trim().toLowerCase() !== confirmation));
    const erase = async (event) => {
      event.preventDefault();
      const sure = await confirmed({ title: "Delete everything of yours?", text: "All conversations, archived and deleted ones too, presets and shared links. There is no Undo.", action: "Delete for good" });
      if (!sure) return;
      button.disabled = true;
      setText(status, "Deleting…");
      try {
        const done = await this.lane.call("erase", { confirm: field.value });
        forgetDrafts();
        field.value = "";
        setText(status, `Everything is deleted: ${done.conversations.toLocaleString()} conversations with ${done.messages.toLocaleString()} messages.`);
        this.#changed();
      } catch (error) {
        setText(status, error.message);
        button.disabled = false;
      }
    };
    return section(
      "Delete everything of mine",
      h("p", {}, "Removes all your conversations, presets and shared links from the database, for good."),
      h("form", { class: "eraser", onsubmit: erase }, h("label", { for: "erase-confirm" }, "Write ", h("b", {}, confirmation), " to confirm"), h("div", { class: "button-row" }, field, button)),
      status,
    );
  }

  #changed() {
    tellOthers();
    this.list.load();
    this.#load();
  }
}

function section(name, ...content) {
  const id = `section-${name.toLowerCase().replace(/\W+/g, "-")}`;
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, name), content);
}

function choices(name, label, options, chosen, choose) {
  const radio = ([value, text]) => {
    const input = h("input", { type: "radio", name, value, onchange: () => (choose(value), announce(`${text} chosen`)) });
    input.checked = value === chosen;
    return h("label", { class: "check" }, input, text);
  };
  return h("fieldset", { class: "choices" }, h("legend", {}, label), options.map(radio));
}

function forgetDrafts() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("convstore:draft:")) localStorage.removeItem(key);
  } catch {
    // nothing was kept
  }
}
