// Whether a message fits: into what the server takes as one message, and into what it takes as one call.

const encoder = new TextEncoder();
const SPARE_BYTES = 4_000; // what goes around the message

/** Why this text cannot be sent, or null. Characters are counted as the server does, an emoji as one. */
export function tooLong(text, { max_message_chars: most, max_call_bytes: bytes }) {
  const said = (number) => number.toLocaleString();
  if (text.length > most) {
    let count = 0;
    for (const _ of text) count += 1;
    if (count > most) return `This message is too long: ${said(count)} characters, ${said(most)} at most.`;
  }
  // A call is JSON in JSON; quotes and line ends grow in it.
  if (text.length * 7 < bytes - SPARE_BYTES) return null;
  const size = encoder.encode(JSON.stringify(JSON.stringify(text))).length;
  if (size <= bytes - SPARE_BYTES) return null;
  const share = Math.ceil((1 - (bytes - SPARE_BYTES) / size) * 100);
  return `This message is too large to be sent in one piece: shorten it by about ${share} %. Your message is kept.`;
}
