// The view stays at the end while an answer grows, unless the reader has scrolled up; then a button leads back down.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const NEAR = 48; // pixels from the end that still count as the end

export class EndKeeper {
  constructor(scroller, content) {
    this.scroller = scroller;
    this.atEnd = true;
    this.lastTop = 0;
    this.button = h("button", { type: "button", id: "jump-to-latest", "aria-label": "Jump to the latest message", title: "Jump to the latest message", onclick: () => this.toEnd(true) }, icon("down", 18));
    this.button.hidden = true;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.keep()).observe(content);
    new ResizeObserver(() => this.keep()).observe(scroller);
  }

  // Only a movement upwards lets go of the end: growing content also makes the distance larger, but moves nothing.
  #scrolled() {
    const top = this.scroller.scrollTop;
    const distance = this.scroller.scrollHeight - this.scroller.clientHeight - top;
    if (distance <= NEAR) this.atEnd = true;
    else if (top < this.lastTop - 1) this.atEnd = false;
    this.lastTop = top;
    this.button.hidden = this.atEnd || distance <= NEAR;
  }

  keep() {
    if (this.atEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#scrolled();
  }

  toEnd(smoothly = false) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.atEnd = true;
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: smoothly && !calm ? "smooth" : "instant" });
  }

  /** Let `change` scroll; the end is kept only when that is where it leads. */
  at(change) {
    this.atEnd = false;
    change();
    this.#scrolled();
  }

  /** Let `change` add content above what is seen, without moving what is seen. */
  holding(change) {
    const before = this.scroller.scrollHeight - this.scroller.scrollTop;
    const atEnd = this.atEnd;
    this.atEnd = false;
    change();
    this.scroller.scrollTop = this.scroller.scrollHeight - before;
    this.lastTop = this.scroller.scrollTop;
    this.atEnd = atEnd && this.scroller.scrollHeight <= this.scroller.clientHeight + NEAR;
  }
}
