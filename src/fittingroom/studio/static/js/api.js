// Requests to the studio's own server; every refusal becomes an Error that carries the server's words. A studio that
// was started again has another token: its page hands that out, and the request is made once more. Addresses have no
// root, so that a proxy may show the studio below a path of its own.

import { encoded } from "./address.js";
import { WORDS } from "./words.js";

export class Refusal extends Error {
  constructor(/** @type {number} */ status, /** @type {string} */ message) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} method
 * @param {string} path after api/
 * @param {{ body?: any, type?: string, signal?: AbortSignal }} [more]
 */
async function request(method, path, { body, type, signal } = {}) {
  /** @type {RequestInit} */
  const options = { method, signal };
  if (body !== undefined) {
    options.body = type ? body : JSON.stringify(body);
    options.headers = { "content-type": type ?? "application/json" };
  }
  let response;
  try {
    response = await fetch(`api/${path}`, options);
    if (response.status === 401 && (await fetch("./", { signal })).ok) response = await fetch(`api/${path}`, options);
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw error;
    throw new Refusal(0, WORDS.offline);
  }
  if (!response.ok) throw new Refusal(response.status, await wordsOf(response));
  return response;
}

async function wordsOf(/** @type {Response} */ response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `${WORDS.refused} (${response.status})`;
  }
}

/** @returns {Promise<any>} */
export const get = async (/** @type {string} */ path, /** @type {AbortSignal | undefined} */ signal = undefined) =>
  (await request("GET", path, { signal })).json();

/** @returns {Promise<any>} */
export const post = async (/** @type {string} */ path, /** @type {any} */ body = {}) =>
  (await request("POST", path, { body })).json();

/** @returns {Promise<any>} */
export const send = async (/** @type {string} */ path, /** @type {any} */ body, /** @type {string} */ type) =>
  (await request("POST", path, { body, type })).json();

/** @returns {Promise<any>} */
export const remove = async (/** @type {string} */ path) => (await request("DELETE", path)).json();

export const bytes = async (/** @type {string} */ path) =>
  new Uint8Array(await (await request("GET", path)).arrayBuffer());

export const name = encoded;
