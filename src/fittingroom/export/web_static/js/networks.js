// The networks of this page: the runtime and their files are fetched once, and asked in the browser, nowhere else.

import * as ort from "../runtime/ort.wasm.bundle.min.mjs";

const RUNTIME = new URL("../runtime/ort-wasm-simd-threaded.wasm.gz", import.meta.url);
const LEAST = 1e-12; // of a probability: its logarithm is taken

/**
 * @typedef {{ file: string, input: string, size: [number, number], classes: string[], temperature: number,
 *   none: { file: string | null, threshold: number } | null }} About what models.json tells of a network
 * @typedef {{ probabilities: number[], isNone: boolean | null, score: number | null }} Answer
 */

/** @returns {Promise<{ title: string, data: About | null, photo: About | null, leftOut: string[] }>} */
export async function readModels() {
  return (await fetched(new URL("../models.json", import.meta.url))).json();
}

/** Fetch the runtime, unpack it, and have it take no more threads than any page may have. */
let runtime = /** @type {Promise<void> | null} */ (null);
function start() {
  runtime ??= unpacked(RUNTIME).then((content) => {
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = content;
  });
  return runtime;
}

/** @type {Map<string, Promise<any>>} */
const opened = new Map();

function session(/** @type {string} */ file) {
  const open = async () => {
    await start();
    return ort.InferenceSession.create(await unpacked(new URL(`../models/${file}`, import.meta.url)));
  };
  if (!opened.has(file)) opened.set(file, open());
  return /** @type {Promise<any>} */ (opened.get(file));
}

/**
 * @param {About} about
 * @param {Uint8Array} pixels of one picture, as the network takes them
 * @returns {Promise<Answer>}
 */
export async function ask(about, pixels) {
  const isPhoto = about.input === "photo";
  const shape = [1, ...about.size, ...(isPhoto ? [3] : [])];
  const told = await run(about.file, about.input, pixels, shape);
  const own = [...told.probabilities.data];
  let score = told.none_of_these ? told.none_of_these.data[0] : null;
  if (about.none?.file) score = (await run(about.none.file, "pixels", pixels, shape)).probabilities.data[1];
  const isNone = score === null || !about.none ? null : score > about.none.threshold;
  return { probabilities: tempered(own, about.temperature), isNone, score };
}

// One question at a time: the runtime takes no second while it works on the first.
let last = /** @type {Promise<any>} */ (Promise.resolve());
function run(/** @type {string} */ file, /** @type {string} */ name, pixels, /** @type {number[]} */ shape) {
  const next = async () => (await session(file)).run({ [name]: new ort.Tensor("uint8", pixels, shape) });
  last = last.then(next, next);
  return last;
}

/** Probabilities as confident as the network's record warrants; the order stays. */
export function tempered(/** @type {number[]} */ probabilities, /** @type {number} */ temperature) {
  if (temperature === 1) return probabilities;
  const logs = probabilities.map((one) => Math.log(Math.min(1, Math.max(LEAST, one))) / temperature);
  const most = Math.max(...logs);
  const powers = logs.map((one) => Math.exp(one - most));
  const sum = powers.reduce((total, one) => total + one, 0);
  return powers.map((one) => one / sum);
}

async function unpacked(/** @type {URL} */ address) {
  const answer = await fetched(address);
  const packed = new Uint8Array(await answer.arrayBuffer());
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) return packed; // a server that unpacks what ends in .gz on its own
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function fetched(/** @type {URL} */ address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address.pathname.split("/").at(-1)}: the server answered ${answer.status}.`);
  return answer;
}
