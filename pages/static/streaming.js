// Text that grows. Top-level blocks that are finished are rendered once and left alone; only the last one is rendered
// again as text arrives, so that a long answer costs what it is long, not its square. In a code block only the code's
// text changes: its scroll position and the reader's selection stay.

import { h } from "./dom.js";
import { highlight, parse, render } from "./markdown.js";

export class GrowingText {
  constructor() {
    this.element = h("div", { class: "md", dir: "auto" });
    this.#reset();
  }

  /** Show this text. `finished`: it will not grow any more. */
  set(text, finished) {
    if (text === this.text && finished === this.finished) return;
    if (!text.startsWith(this.text)) this.#reset(); // another attempt wrote it again, or it is another text
    this.text = text;
    this.finished = finished;
    this.#grow();
    if (finished) {
      // A link may be defined after the block that uses it: only then is all of it rendered once more.
      if (/^ {0,3}\[[^\]]+\]:/m.test(text)) this.element.replaceChildren(render(text));
      highlight(this.element);
    }
  }

  #reset() {
    this.text = "";
    this.finished = false;
    this.settled = 0; // characters of the text whose blocks are final
    this.tail = []; // the nodes of the last block
    this.element.replaceChildren();
  }

  #grow() {
    const open = this.text.slice(this.settled);
    const starts = blockStarts(open);
    if (starts.length > 1) {
      const last = starts.at(-1);
      this.#replaceTail(open.slice(0, last));
      this.tail = [];
      this.settled += last;
      highlight(this.element);
      this.#replaceTail(open.slice(last));
    } else if (!this.#growCode(open)) {
      this.#replaceTail(open);
    }
  }

  #replaceTail(text) {
    const nodes = [...render(text).childNodes];
    for (const node of this.tail) node.remove();
    this.element.append(...nodes);
    this.tail = nodes;
  }

  #growCode(text) {
    const block = this.tail.find((node) => node.nodeType === Node.ELEMENT_NODE);
    if (!block?.matches(".code-block:not([data-coloured])") || this.finished) return false;
    const [fence, ...rest] = parse(text);
    if (fence?.type !== "fence" || rest.length || fence.info.trim().split(/\s+/)[0] !== block.dataset.language) return false;
    const code = block.querySelector("code");
    const before = code.textContent;
    if (!fence.content.startsWith(before)) return false;
    code.append(fence.content.slice(before.length));
    code.normalize();
    return true;
  }
}

// Where the top-level blocks begin, in characters.
function blockStarts(text) {
  const lines = parse(text).filter((token) => token.level === 0 && token.map && token.nesting >= 0).map((token) => token.map[0]);
  const starts = [];
  let position = 0;
  let line = 0;
  for (const wanted of lines) {
    for (; line < wanted; line++) {
      const end = text.indexOf("\n", position);
      if (end < 0) return starts;
      position = end + 1;
    }
    starts.push(position);
  }
  return starts;
}
