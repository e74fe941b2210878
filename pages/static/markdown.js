// Markdown to DOM. Two walls against hostile text: markdown-it with HTML switched off (tags in a message are shown as
// text), and DOMPurify over what it made. No image is ever loaded: an image becomes a link to it.

import MarkdownIt from "./vendor/markdown-it.js";
import DOMPurify from "./vendor/purify.js";
import { copying } from "./clipboard.js";
import { h, iconButton } from "./dom.js";
import { icon } from "./icons.js";

const SAFE_LINK = /^(?:https?:|mailto:)/i;
const NAMES = { js: "JavaScript", javascript: "JavaScript", ts: "TypeScript", typescript: "TypeScript", py: "Python", python: "Python", rust: "Rust", go: "Go", java: "Java", sh: "Shell", bash: "Bash", html: "HTML", css: "CSS", json: "JSON", sql: "SQL", yaml: "YAML", xml: "XML", cpp: "C++", csharp: "C#", php: "PHP" };

const markdown = new MarkdownIt({ html: false, linkify: true, breaks: false, typographer: false });
markdown.validateLink = (url) => SAFE_LINK.test(url.trim());
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
markdown.renderer.rules.image = (tokens, index) => {
  const token = tokens[index];
  const escape = markdown.utils.escapeHtml;
  const source = token.attrGet("src") ?? "";
  return `<a href="${escape(source)}">${escape(token.content || "Image")} (image)</a>`;
};

const purifier = DOMPurify(window);
purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  if (!SAFE_LINK.test(node.getAttribute("href") ?? "")) node.removeAttribute("href");
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
});
const ALLOWED = {
  ALLOWED_TAGS: ["p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "s", "a", "table", "thead", "tbody", "tr", "th", "td"],
  ALLOWED_ATTR: ["href", "start", "class", "style"],
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

/** Markdown as block tokens, for those who render it piece by piece. */
export const parse = (text) => markdown.parse(text, {});

/** Finished markdown as a fragment, code with its head and copy button, tables in boxes of their own. */
export function render(text) {
  const fragment = purifier.sanitize(markdown.render(text), ALLOWED);
  for (const element of fragment.querySelectorAll("[style]")) onlyAlignment(element);
  for (const item of fragment.querySelectorAll("li")) tickBox(item);
  for (const code of fragment.querySelectorAll("pre > code")) code.parentElement.replaceWith(codeBlock(code));
  for (const table of fragment.querySelectorAll("table")) {
    const box = h("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": "Table" });
    table.replaceWith(box);
    box.append(table);
  }
  return fragment;
}

// markdown-it says a column's alignment as a style; nothing else of a style stays.
function onlyAlignment(element) {
  const alignment = /^text-align:\s*(left|right|center)$/.exec(element.getAttribute("style") ?? "")?.[1];
  element.removeAttribute("style");
  if (alignment) element.style.textAlign = alignment;
}

// "- [x] done" is shown with a box; it cannot be ticked.
function tickBox(item) {
  const first = (item.firstElementChild?.tagName === "P" ? item.firstElementChild : item).firstChild;
  const found = first?.nodeType === Node.TEXT_NODE && /^\[([ xX])\] /.exec(first.data);
  if (!found) return;
  first.data = `${found[1] === " " ? "☐" : "☑"} ${first.data.slice(4)}`;
  item.classList.add("task");
}

function codeBlock(code) {
  const language = /language-([\w+#.-]{1,40})/.exec(code.className)?.[1] ?? "";
  const head = h(
    "div",
    { class: "code-head" },
    h("span", {}, NAMES[language.toLowerCase()] ?? (language || "Text")),
    iconButton("Copy code", icon("copy", 16), copying(() => code.textContent.replace(/\n$/, ""))),
  );
  return h("div", { class: "code-block", "data-language": language }, head, h("pre", { tabindex: "0" }, code));
}

let highlighter = null;

/** Colour the code blocks below `root`. Loads the highlighter with the first one; without it, code is just plain. */
export async function highlight(root) {
  const blocks = [...root.querySelectorAll(".code-block:not([data-coloured])")];
  if (!blocks.length) return;
  highlighter ??= import("./vendor/highlight.js").then((module) => module.default);
  const hljs = await highlighter.catch(() => null);
  for (const block of blocks) {
    const code = block.querySelector("code");
    const language = block.dataset.language;
    block.dataset.coloured = "";
    if (!hljs || !hljs.getLanguage(language) || code.textContent.length > 100_000) continue;
    const { value } = hljs.highlight(code.textContent, { language, ignoreIllegals: true });
    code.replaceChildren(purifier.sanitize(value, { ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"], RETURN_DOM_FRAGMENT: true }));
  }
}
