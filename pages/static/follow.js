// Following a conversation: the server's event stream, through any instance.
//
// The stream tells its own story of each answer: the text so far ("answer"), then every piece in order ("delta"). The
// two are kept together here and never mixed with a text loaded from the database, which may lie before or after them;
// the transcript shows whichever of the two is further on.

const BACKOFF_MS = [500, 1000, 2000, 4000, 8000];
const HIDDEN_MS = 60_000; // a tab nobody sees gives its connection back: browsers allow six per host over HTTP/1.1
const SILENT_MS = 15_000; // an answer is being written and nothing is heard: the connection may be dead

export class Follower {
  /** heard: { changed(version), grown(id), gone(), refused(), expecting() } */
  constructor(heard) {
    this.heard = heard;
    this.conversation = null;
    this.source = null;
    this.live = new Map(); // message id → { attempt, seq, content, reasoning }
    this.failures = 0;
    document.addEventListener("visibilitychange", () => this.#visibility());
    window.addEventListener("online", () => this.conversation && this.#open());
    window.addEventListener("pageshow", (event) => event.persisted && this.conversation && this.#open());
    window.addEventListener("pagehide", () => this.#close());
    setInterval(() => this.source && this.heard.expecting() && this.#isSilent() && this.#open(), 5000);
  }

  /** `answer`: one that has just begun. A stream that has not heard of it yet is opened anew: a new one looks at once. */
  follow(conversation, answer = null) {
    const same = conversation === this.conversation;
    if (same && this.source && (!answer || this.live.has(answer))) return;
    if (!same) this.live.clear();
    this.conversation = conversation;
    this.failures = 0;
    this.#open();
  }

  leave() {
    this.conversation = null;
    this.live.clear();
    this.#close();
  }

  #close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  #open() {
    this.#close();
    const source = new EventSource(`/events/${this.conversation}`);
    this.source = source;
    this.#alive();
    const on = (name, listener) =>
      source.addEventListener(name, (event) => {
        if (source !== this.source) return;
        this.failures = 0;
        this.#alive();
        listener(JSON.parse(event.data));
      });
    on("answer", (data) => this.#answer(data));
    on("delta", (data) => this.#delta(data));
    on("changed", (data) => this.heard.changed(data.version));
    on("gone", () => {
      this.leave();
      this.heard.gone();
    });
    source.addEventListener("open", () => this.#alive());
    source.addEventListener("error", () => source === this.source && this.#again());
  }

  // The browser reconnects by itself only after a clean end; after an error status (a 502 in between) it gives up.
  #again() {
    if (this.source?.readyState === EventSource.CONNECTING && this.failures < 2) {
      this.failures += 1;
      return;
    }
    this.#close();
    if (this.failures === 1) this.heard.refused(); // perhaps it may not be followed any more
    const pause = BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(() => this.conversation && this.#open(), pause * (0.75 + Math.random() / 2));
  }

  #isSilent() {
    return Date.now() - this.heardAt > SILENT_MS;
  }

  #alive() {
    this.heardAt = Date.now();
  }

  #visibility() {
    clearTimeout(this.resting);
    if (document.visibilityState === "hidden") {
      this.resting = setTimeout(() => this.#close(), HIDDEN_MS);
    } else if (this.conversation && (!this.source || this.source.readyState === EventSource.CLOSED || this.#isSilent())) {
      this.#open(); // slept, or gave its connection back: start over with the text so far
    }
  }

  #answer(data) {
    const { message_id: id, attempt, seq } = data;
    this.live.set(id, { attempt, seq, content: data.text, reasoning: data.reasoning });
    this.heard.grown(id);
  }

  #delta({ message_id: id, attempt, seq, kind, text }) {
    let live = this.live.get(id);
    if (live && (attempt < live.attempt || (attempt === live.attempt && seq <= live.seq))) return;
    if (!live || attempt > live.attempt) {
      // An answer that began while we were following, or that another instance begins again.
      live = { attempt, seq: 0, content: "", reasoning: "" };
      this.live.set(id, live);
    }
    live.seq = seq;
    live[kind === "reasoning" ? "reasoning" : "content"] += text;
    this.heard.grown(id);
  }
}
