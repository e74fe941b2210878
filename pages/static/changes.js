// What is done to conversations in the list: shown at once, told to the server, told to this person's other tabs, and
// with an Undo where it took something away. When it fails, the list says so and shows again what the database has.

import { toast } from "./toast.js";

const TAKES_AWAY = { trashed: ["Deleted", "restored"], archived: ["Archived", "active"] };
const channel = "BroadcastChannel" in window ? new BroadcastChannel("convstore:conversations") : null;

/** Tell this person's other tabs that the list is not what it was. */
export const tellOthers = () => channel?.postMessage("changed");

export const named = (items, what) => (items.length === 1 ? `${what} “${items[0].title || "New conversation"}”` : `${what} ${items.length} conversations`);

export class ListChanges {
  constructor(list, heard) {
    this.list = list;
    this.heard = heard;
    this.count = 0; // of changes begun or ended: a load that was asked for before knows less
  }

  /** Call back when another tab has changed the list. */
  elsewhere(listener) {
    channel?.addEventListener("message", listener);
  }

  tell() {
    tellOthers();
  }

  async make(items, to) {
    if (!items.length) return;
    const ids = items.map((item) => item.id);
    const away = TAKES_AWAY[to];
    if (away) {
      this.list.drop(ids);
      this.heard.removed?.(ids, to);
    } else {
      const pinned = to === "pinned";
      this.#replace(items.map((item) => ({ ...item, pinned })));
    }
    if (!(await this.#ask({ conversations: ids, to }))) return;
    if (away) toast(named(items, away[0]), () => this.#undo(ids, away[1], to));
  }

  rename(item, title) {
    this.#replace([{ ...item, title }]);
    return this.#ask({ conversations: [item.id], title });
  }

  async #undo(ids, to, from) {
    if (await this.#ask({ conversations: ids, to })) this.heard.restored?.(ids, from);
  }

  #replace(items) {
    const changed = new Map(items.map((item) => [item.id, item]));
    this.list.items = this.list.items.map((item) => changed.get(item.id) ?? item);
    this.list.items.sort((a, b) => b.updated_at.localeCompare(a.updated_at));
    this.list.draw();
  }

  async #ask(order) {
    this.count += 1;
    try {
      await this.list.lane.call("arrange", order);
      this.tell();
      return true;
    } catch (error) {
      toast(error.kind === "not_found" ? "This conversation is not there any more." : error.message);
      return false;
    } finally {
      this.count += 1;
      this.list.load();
    }
  }
}
