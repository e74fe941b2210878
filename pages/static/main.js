// The page's beginning. Gradio brings the islands, in any order; when all are there, the page comes to life.

import * as banner from "./banner.js";
import * as frame from "./frame.js";
import * as place from "./place.js";
import { Lane, failed } from "./calls.js";
import { Composer } from "./composer.js";
import { ConversationList } from "./conversations.js";
import { byId } from "./dom.js";
import { ReaderBar } from "./reader.js";
import { Sharing } from "./sharing.js";
import { Transcript } from "./transcript.js";

const NEEDED = ["sidebar-head", "conversation-list", "sidebar-foot", "top-bar", "transcript", "error-banner", "turns", "sharing"];
const arrived = new Map();

window.convstore = { failed };

/** An island is there: its element, and its line to the server when it makes calls. */
export function arrive(kind, handles, calls, settings) {
  arrived.set(kind, { element: handles.element, settings, lane: calls.length ? new Lane(kind, handles) : null });
  if (NEEDED.every((needed) => arrived.has(needed))) whenComplete(start);
}

// The text field and the buttons are Gradio's and may come a moment later.
function whenComplete(then) {
  if (byId("message-box")?.querySelector("textarea") && byId("send-button") && byId("stop-button")) then();
  else requestAnimationFrame(() => whenComplete(then));
}

function start() {
  const { settings } = arrived.get("transcript");
  const fill = (kind, draw) => draw(arrived.get(kind).element, settings);
  fill("sidebar-head", frame.fillSidebarHead);
  fill("sidebar-foot", frame.fillSidebarFoot);
  fill("top-bar", frame.fillTopBar);
  fill("error-banner", banner.fill);
  frame.prepare();

  const { element: listElement, lane: listLane } = arrived.get("conversation-list");
  const list = new ConversationList(listElement, listLane, {
    removed: (ids) => ids.includes(transcript.conversation) && place.go("/"),
    restored: (ids) => ids.length === 1 && !transcript.conversation && place.go(place.address(ids[0])),
  });
  const turns = arrived.get("turns").lane;
  const { lane: shareLane } = arrived.get("sharing");
  const sharing = new Sharing(shareLane, (mode) => transcript.sharedAs(mode));
  const reader = new ReaderBar(shareLane);
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
      reader.show(what);
    },
    example: (text) => composer.submit(text),
    share: (message) => sharing.open(message),
    copy: (message) => reader.copy(transcript.conversation, message.id),
  });
  composer = new Composer({ turns, transcript, settings });

  async function visit(where) {
    frame.setDrawer(false);
    list.mark(where.conversation);
    const going = transcript.show(where);
    if (!where.conversation) composer.open(null);
    if ((await going) && where.conversation && transcript.conversation === where.conversation) composer.open(where.conversation);
  }

  document.documentElement.dataset.ready = "true"; // before the first visit: what is hidden cannot take the focus
  place.onMove(visit);
  place.listen();
  list.load();
  visit(place.current());
}
