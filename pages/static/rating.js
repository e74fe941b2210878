// Thumbs up or down on an answer; pressed again, the rating is taken back. After a thumb there is room for a few words.

import { announce, h, iconButton } from "./dom.js";
import { icon } from "./icons.js";

const WORDS = { up: ["Good answer", "What was good about it?"], down: ["Bad answer", "What was wrong with it?"] };
const COMMENT_CHARACTERS = 4000;

/** The two buttons. `choose(rating)` with up, down or null. */
export function thumbs(rating, choose) {
  return ["up", "down"].map((which) =>
    iconButton(WORDS[which][0], icon(which === "up" ? "thumb" : "thumbdown", 16), () => choose(rating === which ? null : which), {
      class: `icon-button thumb thumb-${which}`,
      "aria-pressed": String(rating === which),
    }),
  );
}

/** A line for a comment on that rating. `say(comment)` resolves to whether it was kept; `done()` closes it. */
export function commentForm(rating, say, done) {
  const question = WORDS[rating][1];
  const field = h("textarea", { class: "comment-field", rows: "2", maxlength: COMMENT_CHARACTERS, placeholder: `${question} (optional)`, "aria-label": `${question} Optional comment`, dir: "auto" });
  const submit = h("button", { type: "submit", class: "button primary" }, "Send");
  const form = h(
    "form",
    { class: "comment", "aria-label": "Comment on the answer" },
    field,
    h("div", { class: "comment-foot" }, h("button", { type: "button", class: "button", onclick: done }, "No comment"), submit),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!field.value.trim()) return done();
    submit.disabled = true;
    if (await say(field.value)) {
      announce("Thank you. Your comment is kept.");
      done();
    } else {
      submit.disabled = false;
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      done();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      form.requestSubmit();
    }
  });
  return form;
}
