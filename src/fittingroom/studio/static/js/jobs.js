// Wait for long work on the server, and tell how far it is.

import { get, post } from "./api.js";

const PAUSE = 400;

// Starts the work where it is absent; resolves when it is ready.
export async function ready(path, body, tell, signal) {
  const query = new URLSearchParams(body);
  let state = await get(`${path}?${query}`, signal);
  if (state.state === "absent" || state.state === "failed") state = await post(path, body);
  while (state.state !== "ready") {
    if (state.state === "failed") throw new Error(state.error);
    tell(state.share, state.words);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    signal?.throwIfAborted();
    state = await get(`${path}?${query}`, signal);
  }
}
