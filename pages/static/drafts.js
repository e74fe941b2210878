// What is written but not acknowledged, per conversation, in localStorage: it survives reloads, crashes and the page
// reload that Gradio does by itself after a lost connection.
//
// A draft that has been sent carries the key of that send, and what it continued, until the server acknowledges it: a
// double click, a retry after a 502 and a reload all send the same, which is one turn. Another text gets another key.

const PREFIX = "convstore:draft:";
const KEPT = 100;

const name = (conversation) => PREFIX + (conversation ?? "new");

/** { text, key?, parent?, sending_since? } or null. */
export function read(conversation) {
  try {
    const draft = JSON.parse(localStorage.getItem(name(conversation)));
    return typeof draft?.text === "string" ? draft : null;
  } catch {
    return null;
  }
}

function write(conversation, draft) {
  try {
    if (draft.text) localStorage.setItem(name(conversation), JSON.stringify({ ...draft, at: Date.now() }));
    else localStorage.removeItem(name(conversation));
  } catch {
    forgetOldest(); // the storage is full or switched off: a draft is a comfort, not a promise
  }
}

/** Keep what is in the composer. The key of a failed send stays only with the very text that was sent. */
export function keep(conversation, text) {
  const before = read(conversation);
  const { key, parent } = before?.text === text ? before : {};
  write(conversation, { text, key, parent });
}

/** Mark the text as being sent below `parent`; returns { key, parent } to send it with. */
export function sending(conversation, text, parent = undefined) {
  const before = read(conversation);
  const order = before?.text === text && before.key ? { key: before.key, parent: before.parent } : { key: newKey(), parent };
  write(conversation, { text, ...order, sending_since: Date.now() });
  return order;
}

/** The send failed and the person was told: from now on it is theirs to send again. */
export function returned(conversation) {
  const draft = read(conversation);
  if (draft) write(conversation, { text: draft.text, key: draft.key, parent: draft.parent });
}

/** The send with this key was acknowledged. What has been written since stays. */
export function acknowledged(conversation, key) {
  if (read(conversation)?.key === key) forget(conversation);
}

export function forget(conversation) {
  try {
    localStorage.removeItem(name(conversation));
  } catch {
    // nothing was kept
  }
}

export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Over plain HTTP there is no randomUUID; getRandomValues is there.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function forgetOldest() {
  try {
    const drafts = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    if (drafts.length > KEPT) localStorage.removeItem(drafts[0]);
  } catch {
    // the storage is switched off
  }
}
