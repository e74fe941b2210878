// Times in the reader's language and zone.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const month = new Intl.DateTimeFormat("en", { month: "long", year: "numeric" });

const startOfDay = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
const daysAgo = (date) => Math.round((startOfDay(new Date()) - startOfDay(date)) / 86_400_000);

/** "14:05" today, "3 May, 14:05" before. */
export function moment(iso) {
  const date = new Date(iso);
  return daysAgo(date) === 0 ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

/** "today", "yesterday", "on 3 May 2025". */
export function dayOf(iso) {
  const date = new Date(iso);
  const age = daysAgo(date);
  return age === 0 ? "today" : age === 1 ? "yesterday" : `on ${date.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" })}`;
}

export const exactly = (iso) => full.format(new Date(iso));

/** The heading a conversation stands under in the list. */
export function group(iso) {
  const date = new Date(iso);
  const age = daysAgo(date);
  if (age <= 0) return "Today";
  if (age === 1) return "Yesterday";
  if (age <= 7) return "Previous 7 days";
  return month.format(date);
}

/** "0.8 s", "12 s", "3 min". Empty when either end is missing, or nothing to speak of. */
export function duration(from, to) {
  if (!from || !to) return "";
  const seconds = (new Date(to) - new Date(from)) / 1000;
  if (seconds < 0.05) return "";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
