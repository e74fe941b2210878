// Calls to the server, each one Gradio event of an island: the order goes up as the island's value, the reply comes
// back as its value.
//
// An island has one value, so its calls go one after the other. A call that fails on the way (a restarting instance, a
// 502 of the proxy, no network) is repeated twice: nearly every call is safe to repeat, a send by its key.

const DEADLINE_MS = 20_000;
const REPEAT_AFTER_MS = [400, 1500];

export class CallError extends Error {
  /** kind: not_found, conflict, invalid, limit, unavailable, internal (said by the server) or network. */
  constructor(kind, message, retryAfterSeconds = null) {
    super(message);
    this.kind = kind;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

// One request that does not get through makes Gradio give the whole page up: it ignores every later event, and loads the
// page again as soon as the server answers. A call of ours that fails is only that: told to Gradio as an HTTP error, it
// is repeated, and what the person reads and writes stays where it is.
const fetchAsItIs = window.fetch;
window.fetch = async (resource, options) => {
  try {
    return await fetchAsItIs(resource, options);
  } catch (error) {
    const url = String(resource?.url ?? resource);
    if (!url.includes("/gradio_api/run/")) throw error;
    return new Response('{"error": null}', { status: 503, headers: { "Content-Type": "application/json" } });
  }
};

const lanes = new Map();
let numbers = 0;

export class Lane {
  constructor(id, { props, trigger, watch }) {
    this.props = props;
    this.trigger = trigger;
    this.waiting = null;
    this.queue = Promise.resolve();
    watch("value", () => this.#arrived());
    lanes.set(id, this);
  }

  /** Ask the server. Resolves with the reply's data, rejects with a CallError. `repeat`: a call that may be made twice. */
  call(name, order, { repeat = true } = {}) {
    const result = this.queue.then(() => (repeat ? this.#withRepeats(name, order) : this.#once(name, order)));
    this.queue = result.catch(() => {});
    return result;
  }

  async #withRepeats(name, order) {
    for (const pause of [...REPEAT_AFTER_MS, null]) {
      try {
        return await this.#once(name, order);
      } catch (error) {
        if (error.kind !== "network" || pause === null) throw error;
        await new Promise((resume) => setTimeout(resume, pause));
      }
    }
  }

  #once(name, order) {
    const n = ++numbers;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.fail("The server takes too long to answer."), DEADLINE_MS);
      this.waiting = {
        n,
        settle: (outcome, value) => {
          clearTimeout(timer);
          this.waiting = null;
          (outcome === "done" ? resolve : reject)(value);
        },
      };
      this.props.value = JSON.stringify({ ...order, n });
      this.trigger(name);
    });
  }

  #arrived() {
    let reply;
    try {
      reply = JSON.parse(this.props.value);
    } catch {
      return this.fail("The server's reply could not be read.");
    }
    // A reply to a call that was given up is late, not wrong. -1: the server could not even read the number.
    if (!this.waiting || (reply.n !== this.waiting.n && reply.n !== -1)) return;
    if (!reply.error) return this.waiting.settle("done", reply.data);
    const { kind, message, retry_after_seconds: seconds } = reply.error;
    this.waiting.settle("failed", new CallError(kind, message, seconds));
  }

  fail(message = "The server cannot be reached right now.") {
    this.waiting?.settle("failed", new CallError("network", message));
  }
}

/** Gradio says that a call of this island got no proper reply. */
export function failed(id) {
  lanes.get(id)?.fail();
}
