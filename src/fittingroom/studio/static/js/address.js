// The address after the hash holds what a view shows: #/PART/REST?QUERY. Reload, back and a link bring it back.

/** @typedef {{ part: string, rest: string[], query: URLSearchParams }} Address */

const LONGEST_SELECTION = 6000; // characters of an address that chats and mails still pass on whole

/**
 * @param {string} hash of a location
 * @param {string[]} parts that there are; the first is shown where the hash names none of them
 * @returns {Address}
 */
export function parseHash(hash, parts) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  const [part, ...rest] = path.split("/").map(decoded);
  return { part: parts.includes(part) ? part : parts[0], rest, query: new URLSearchParams(query) };
}

/**
 * @param {string} part
 * @param {string[]} rest
 * @param {Record<string, string | number | null | undefined> | URLSearchParams} query empty values are left out
 */
export function formatHash(part, rest = [], query = {}) {
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query);
  const kept = entries.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const text = new URLSearchParams(kept.map(([key, value]) => [key, String(value)])).toString();
  return `#/${[part, ...rest].map(encoded).join("/")}${text ? `?${text}` : ""}`;
}

// A lone surrogate, as a folder's name that is no text becomes, has no code of its own.
export const encoded = (/** @type {string} */ text) => encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"));

function decoded(/** @type {string} */ text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * A selection as text: for each stretch of neighbouring indices how many were passed over, and how long it is.
 * @param {number[]} indices
 * @returns {string | null} null where it is too long for an address
 */
export function encodeSelection(indices) {
  const bytes = [];
  let next = 0;
  for (const [first, length] of stretches([...indices].sort((a, b) => a - b))) {
    bytes.push(...varint(first - next), ...varint(length));
    next = first + length;
  }
  if (bytes.length * 1.34 > LONGEST_SELECTION) return null;
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * @param {string} text as `encodeSelection` writes it
 * @param {number} count of all images; what lies beyond is left out
 * @returns {number[]}
 */
export function decodeSelection(text, count) {
  const indices = [];
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) =>
      letter.charCodeAt(0),
    );
    const numbers = readVarints(bytes);
    let next = 0;
    for (let at = 0; at + 1 < numbers.length && next < count; at += 2) {
      const first = next + numbers[at];
      next = Math.min(count, first + numbers[at + 1]);
      for (let index = first; index < next; index++) indices.push(index);
    }
  } catch {
    return [];
  }
  return indices;
}

function stretches(/** @type {number[]} */ sorted) {
  /** @type {[number, number][]} */
  const found = [];
  for (const index of sorted) {
    const last = found.at(-1);
    if (last && last[0] + last[1] === index) last[1] += 1;
    else found.push([index, 1]);
  }
  return found;
}

function varint(/** @type {number} */ value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

function readVarints(/** @type {Uint8Array} */ bytes) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const byte of bytes) {
    value += (byte & 127) * 2 ** shift;
    shift += 7;
    if (byte < 128) {
      numbers.push(value);
      [value, shift] = [0, 0];
    }
  }
  return numbers;
}
