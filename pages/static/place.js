// The URL is the state: `/` is a new chat, `/?c=<id>` a conversation, `&m=<id>` a branch of it, `&as=reader` how others
// see it.
// Links to those are followed here, without loading the page again.

const ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** What the address bar names. `invalid`: it names something that cannot exist. */
export function current() {
  const query = new URLSearchParams(location.search);
  const conversation = query.get("c");
  const leaf = query.get("m");
  const invalid = (conversation !== null && !ID.test(conversation)) || (leaf !== null && !ID.test(leaf));
  return { conversation: conversation?.toLowerCase() ?? null, leaf: leaf?.toLowerCase() ?? null, asReader: query.get("as") === "reader", invalid };
}

export function address(conversation, leaf = null, asReader = false) {
  if (!conversation) return "/";
  return `/?c=${conversation}${leaf ? `&m=${leaf}` : ""}${asReader ? "&as=reader" : ""}`;
}

const listeners = [];

/** Call back when a person went somewhere: by a link here, by Back or by Forward. */
export function onMove(listener) {
  listeners.push(listener);
}

const moved = () => listeners.forEach((listener) => listener(current()));

/** Go somewhere as a link would. */
export function go(href) {
  if (href !== location.pathname + location.search) history.pushState(null, "", href);
  moved();
}

/** Go somewhere from any page: without loading when this page shows conversations, else as a browser does. */
export function travel(href) {
  if (listeners.length) go(href);
  else location.assign(href);
}

/** Change the address without going anywhere: what is shown is already that place. */
export function settle(href, { replace = false } = {}) {
  if (href === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", href);
}

export function listen() {
  window.addEventListener("popstate", moved);
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.("a[href]");
    if (!link || link.target === "_blank" || link.hasAttribute("download")) return;
    const to = new URL(link.href, location.href);
    if (to.origin !== location.origin || to.pathname !== "/") return;
    event.preventDefault();
    go(to.pathname + to.search);
  });
}
