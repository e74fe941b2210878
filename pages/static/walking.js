// "‹ 2 / 3 ›": the other messages with the same parent, each a link to the branch it is on.
//
// Each walker's links carry data-walk. The ids branch-previous and branch-next are on the last walker that is shown:
// an id is there once in a page.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const STEPS = ["branch-previous", "branch-next"];

/** `address(id)`: where the branch of that message is shown. */
export function siblingWalk(message, address) {
  const index = message.siblings.indexOf(message.id);
  const step = (to, name, iconName, walk) =>
    message.siblings[to]
      ? h("a", { class: "icon-button", "data-walk": walk, href: address(message.siblings[to]), "aria-label": name, title: name }, icon(iconName, 14))
      : h("span", { class: "icon-button disabled", "data-walk": walk, "aria-hidden": "true" }, icon(iconName, 14));
  return h(
    "span",
    { class: "siblings", role: "group", "aria-label": "Versions" },
    step(index - 1, "Previous version", "back", STEPS[0]),
    h("span", { class: "sibling-count", "aria-label": `Version ${index + 1} of ${message.siblings.length}` }, `${index + 1} / ${message.siblings.length}`),
    step(index + 1, "Next version", "chevron", STEPS[1]),
  );
}

/** Put the ids on the last walker below `root`. */
export function nameLastWalker(root) {
  const last = [...root.querySelectorAll(".siblings")].at(-1);
  for (const id of STEPS) {
    const wanted = last?.querySelector(`[data-walk="${id}"]`);
    for (const link of root.querySelectorAll(`#${id}`)) if (link !== wanted) link.removeAttribute("id");
    if (wanted && !wanted.id) wanted.id = id;
  }
}

/** Where the walker stands that is being used, or null. Pass it to `arrive` when the other branch is shown. */
export function departure() {
  const link = document.activeElement?.closest?.("a[data-walk]");
  const article = link?.closest("article");
  return article ? { walk: link.dataset.walk, top: article.getBoundingClientRect().top } : null;
}

/** Bring the sibling to where its walker was, and the focus to the same arrow there. */
export function arrive(from, article, scroller) {
  scroller.scrollTop += article.getBoundingClientRect().top - from.top;
  const same = article.querySelector(`a[data-walk="${from.walk}"]`);
  (same ?? article.querySelector("a[data-walk]"))?.focus({ preventScroll: true });
}
