// Taking conversations along and bringing them back: files go by routes of their own, as streams, in both directions.

import { openDialog } from "./dialog.js";
import { h, setText } from "./dom.js";
import { icon } from "./icons.js";

/** A link that downloads everything. */
export function exportAll() {
  return h("a", { class: "button", href: "/export", download: "", id: "export-all" }, icon("download", 16), "Export all");
}

/** A button that asks for a file and imports it; `done()` when something may have come. */
export function importButton({ import_bytes: most }, done) {
  const input = h("input", { type: "file", id: "import-file", accept: ".json,application/json", class: "visually-hidden", tabindex: "-1", "aria-label": "File to import" });
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = "";
    if (file) take(file, most, done);
  });
  const button = h("button", { type: "button", class: "button", id: "import-button", title: "A file of convstore, or the conversations.json of a ChatGPT export", onclick: () => input.click() }, icon("upload", 16), "Import");
  return h("span", { class: "import" }, input, button);
}

function take(file, most, done) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": "How much is sent" });
  const status = h("p", { role: "status" }, "Sending the file…");
  const reasons = h("ul", { class: "reasons" });
  const button = h("button", { type: "button", class: "button", onclick: () => close() }, "Cancel");
  const request = new XMLHttpRequest(); // fetch does not tell how far an upload is
  const { close } = openDialog({
    id: "import-dialog",
    title: `Import ${file.name.slice(0, 80)}`,
    fill: () => h("div", { class: "dialog-content" }, bar, status, reasons, h("div", { class: "dialog-actions" }, button)),
    onclose: () => request.abort(),
  });
  const finish = (text) => {
    bar.hidden = true;
    setText(status, text);
    setText(button, "Close");
  };
  if (file.size > most) return finish(`This file is too large: ${Math.round(most / 1_000_000)} MB is the most.`);
  request.upload.addEventListener("progress", (event) => {
    bar.value = event.lengthComputable ? event.loaded / event.total : 0;
    if (event.loaded === event.total) setText(status, "Reading the conversations…");
  });
  request.addEventListener("error", () => (finish("The connection was cut. What has arrived is kept; import the same file again to get the rest."), done()));
  request.addEventListener("load", () => {
    const reply = read(request);
    if (!reply) finish("Something went wrong on the server. Import the same file again in a moment.");
    else if (request.status !== 200) finish(typeof reply.detail === "string" ? reply.detail : "This file could not be imported.");
    else {
      finish(summary(reply));
      reasons.replaceChildren(...reply.rejected.map(({ number, title, reason }) => h("li", {}, h("bdi", {}, title || `Conversation ${number}`), `: ${reason}`)));
    }
    done();
  });
  request.open("POST", "/import");
  request.setRequestHeader("Content-Type", "application/json");
  request.send(file);
}

function read(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return null;
  }
}

function summary({ imported, unchanged, rejected_count: rejected }) {
  const parts = [`${imported.toLocaleString()} imported`];
  if (unchanged) parts.push(`${unchanged.toLocaleString()} here already`);
  if (rejected) parts.push(`${rejected.toLocaleString()} could not be read`);
  return `${parts.join(", ")}.`;
}
