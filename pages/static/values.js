// The form of the three settings that a conversation and a preset have: instructions, model, temperature.

import { h, setText } from "./dom.js";

let count = 0;

export class ValuesForm {
  constructor({ models, default_model: usual }) {
    const id = `values-${++count}`;
    this.prompt = h("textarea", { id: `${id}-prompt`, class: "field", rows: 5, maxlength: 20_000, dir: "auto", placeholder: "How the model should answer, in this conversation. Empty: as the server says." });
    this.model = models.length
      ? h("select", { id: `${id}-model`, class: "field" }, h("option", { value: "" }, usual ? `As the server says (${usual})` : "As the server says"), models.map((name) => h("option", { value: name }, name)))
      : h("input", { id: `${id}-model`, class: "field", type: "text", maxlength: 200, placeholder: usual ? `As the server says (${usual})` : "As the server says", autocomplete: "off", spellcheck: "false" });
    this.own = h("input", { type: "checkbox", id: `${id}-own`, onchange: () => this.#reflect() });
    this.temperature = h("input", { type: "range", class: "range", min: 0, max: 2, step: 0.1, value: 1, "aria-label": "Temperature", oninput: () => this.#reflect() });
    this.number = h("output", {});
    const labelled = (name, field) => h("div", { class: "field-row" }, h("label", { for: field.id }, name), field);
    this.element = h(
      "div",
      { class: "values" },
      labelled("Instructions (system prompt)", this.prompt),
      labelled("Model", this.model),
      h(
        "div",
        { class: "field-row" },
        h("label", { class: "check" }, this.own, "Set the temperature"),
        h("div", { class: "range-row" }, h("span", { "aria-hidden": "true" }, "exact"), this.temperature, h("span", { "aria-hidden": "true" }, "free"), this.number),
      ),
    );
    this.#reflect();
  }

  /** Show these settings. */
  fill({ system_prompt: prompt, model, temperature }) {
    this.prompt.value = prompt ?? "";
    if (model && this.model.tagName === "SELECT" && ![...this.model.options].some((option) => option.value === model)) {
      this.model.append(h("option", { value: model }, `${model} (not offered any more)`));
    }
    this.model.value = model ?? "";
    this.own.checked = temperature !== null;
    this.temperature.value = temperature ?? 1;
    this.#reflect();
  }

  /** The settings as they stand in the form. */
  read() {
    return {
      system_prompt: this.prompt.value.trim() || null,
      model: this.model.value.trim() || null,
      temperature: this.own.checked ? Number(this.temperature.value) : null,
    };
  }

  #reflect() {
    this.temperature.disabled = !this.own.checked;
    setText(this.number, this.own.checked ? Number(this.temperature.value).toFixed(1) : "As the server says");
  }
}

/** What settings say, in a line. */
export function inWords({ system_prompt: prompt, model, temperature }) {
  const parts = [model, temperature === null ? null : `temperature ${temperature.toFixed(1)}`, prompt ? `“${prompt.length > 90 ? `${prompt.slice(0, 90)}…` : prompt}”` : null];
  return parts.filter(Boolean).join(" · ") || "Everything as the server says";
}
