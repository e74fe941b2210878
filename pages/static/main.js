// The page's beginning. Gradio brings the islands, in any order; when all are there, the page comes to life.

import * as banner from "./banner.js";
import * as frame from "./frame.js";
import * as library from "./library.js";
import * as place from "./place.js";
import * as settingsPage from "./settings.js";
import { Lane, failed } from "./calls.js";
import { Composer } from "./composer.js";
import { byId } from "./dom.js";
import { ReaderBar } from "./reader.js";
import { SHARED, surround } from "./shell.js";
import { Sharing } from "./sharing.js";
import { Transcript } from "./transcript.js";
import { Tuning } from "./tuning.js";

// By the island that only that page has: what else must be there, and how the page begins.
const PAGES = {
  transcript: { needed: [...SHARED, "error-banner", "turns", "sharing", "tuning"], begin: () => whenComplete(start) },
  library: { needed: SHARED, begin: () => library.start(arrived) },
  settings: { needed: SHARED, begin: () => settingsPage.start(arrived) },
};
const arrived = new Map();

window.convstore = { failed };

/** An island is there: its element, and its line to the server when it makes calls. */
export function arrive(kind, handles, calls, settings) {
  arrived.set(kind, { element: handles.element, settings, lane: calls.length ? new Lane(kind, handles) : null });
  for (const [name, { needed, begin }] of Object.entries(PAGES)) {
    if (arrived.has(name) && needed.every((other) => arrived.has(other))) begin();
  }
}

// The text field and the buttons are Gradio's and may come a moment later.
function whenComplete(then) {
  if (byId("message-box")?.querySelector("textarea") && byId("send-button") && byId("stop-button")) then();
  else requestAnimationFrame(() => whenComplete(then));
}

function start() {
  const { settings } = arrived.get("transcript");
  banner.fill(arrived.get("error-banner").element);
  const { list } = surround(arrived, settings, {
    removed: (ids) => ids.includes(transcript.conversation) && place.go("/"),
    restored: (ids) => ids.length === 1 && !transcript.conversation && place.go(place.address(ids[0])),
  });
  const turns = arrived.get("turns").lane;
  const { lane: shareLane } = arrived.get("sharing");
  const sharing = new Sharing(shareLane, (mode) => transcript.sharedAs(mode));
  const reader = new ReaderBar(shareLane);
  const tuning = new Tuning(arrived.get("tuning").lane);
  let composer = null;
  const transcript = new Transcript(arrived.get("transcript").element, arrived.get("transcript").lane, turns, settings, {
    moved: (summary) => {
      list.moved(summary);
      list.mark(transcript.conversation);
      list.refresh();
    },
    activity: (active) => composer?.activity(active),
    shown: (what) => {
      frame.setTitle(what.title);
      sharing.show(what);
      tuning.show(what);
      reader.show(what);
    },
    example: (text) => composer.submit(text),
    share: (message) => sharing.open(message),
    copy: (message) => reader.copy(transcript.conversation, message.id),
  });
  composer = new Composer({ turns, transcript, settings });

  function visit(where) {
    frame.setDrawer(false);
    list.mark(where.conversation);
    transcript.show(where);
    composer.open(where.conversation);
  }

  document.documentElement.dataset.ready = "true"; // before the first visit: what is hidden cannot take the focus
  place.onMove(visit);
  place.listen();
  list.load();
  visit(place.current());
}
