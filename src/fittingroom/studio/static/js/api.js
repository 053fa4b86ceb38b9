// Requests to the studio's own server; every refusal becomes an Error that carries the server's words. A studio that was
// started again has another token: its page hands that out, and the request is made once more.

import { WORDS } from "./words.js";

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(method, path, body, type, signal) {
  const options = { method, signal, headers: {} };
  if (body !== undefined) {
    options.body = type ? body : JSON.stringify(body);
    options.headers["content-type"] = type ?? "application/json";
  }
  let response;
  try {
    response = await fetch(`/api/${path}`, options);
    if (response.status === 401 && (await fetch("/", { signal })).ok) response = await fetch(`/api/${path}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, WORDS.offline);
  }
  if (!response.ok) throw new Refusal(response.status, await words(response));
  return response;
}

async function words(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `${WORDS.refused} (${response.status})`;
  }
}

const json = async (...parts) => (await request(...parts)).json();

export const get = (path, signal) => json("GET", path, undefined, undefined, signal);
export const post = (path, body = {}) => json("POST", path, body);
export const send = (path, body, type, signal) => json("POST", path, body, type, signal);
export const remove = (path) => json("DELETE", path);
export const bytes = async (path, signal) =>
  new Uint8Array(await (await request("GET", path, undefined, undefined, signal)).arrayBuffer());
export const name = encodeURIComponent;
