// What a person prefers in this browser, kept in localStorage.

const SEND_KEY = "convstore:send-key";

/** Which key sends: "enter", or "modifier" (Ctrl or Cmd with Enter; Enter breaks the line). */
export function sendKey() {
  try {
    return localStorage.getItem(SEND_KEY) === "modifier" ? "modifier" : "enter";
  } catch {
    return "enter"; // storage is switched off
  }
}

export function chooseSendKey(value) {
  try {
    if (value === "modifier") localStorage.setItem(SEND_KEY, value);
    else localStorage.removeItem(SEND_KEY);
  } catch {
    // it is forgotten with the page
  }
}
