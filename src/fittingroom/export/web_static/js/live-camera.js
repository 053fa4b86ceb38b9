// The camera, live: what it sees is answered as fast as the network can, and leaves this machine at no time.

import { h } from "../shared/dom.js";
import { drawn } from "./pictures.js";
import { TEXT } from "./text.js";

const SIDE = 448; // longest edge of a frame that is asked about
const PAUSE = 150; // milliseconds between an answer and the next question

/**
 * @param {(picture: import("./photo-pixels.js").Pixels) => Promise<void>} take
 * @returns {{ root: HTMLElement, close: () => void }}
 */
export function liveCamera(take) {
  const video = h("video", { autoplay: true, playsinline: true, muted: true, "aria-label": TEXT.ways.camera });
  video.muted = true;
  const words = h("p", { class: "muted", role: "status" }, TEXT.cameraWait);
  const hold = h("button", { type: "button", disabled: true, "aria-pressed": "false" }, TEXT.hold);
  let [isOpen, isHeld] = [true, false];
  /** @type {MediaStream | null} */
  let stream = null;
  const stop = () => stream?.getTracks().forEach((track) => track.stop());
  hold.addEventListener("click", () => {
    isHeld = !isHeld;
    hold.setAttribute("aria-pressed", String(isHeld));
    if (isHeld) video.pause();
    else video.play();
  });

  async function ask() {
    while (isOpen) {
      if (!isHeld && video.videoWidth) await take(frame(video));
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
  async function open() {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    if (!isOpen) return stop();
    video.srcObject = stream;
    await video.play();
    words.textContent = TEXT.cameraHelp;
    hold.disabled = false;
    await ask();
  }
  open().catch(() => (words.textContent = TEXT.noCamera));
  return { root: h("div", { class: "camera" }, video, words, hold), close: () => ((isOpen = false), stop()) };
}

function frame(/** @type {HTMLVideoElement} */ video) {
  const share = SIDE / Math.max(video.videoWidth, video.videoHeight);
  return drawn(video, Math.round(video.videoWidth * share), Math.round(video.videoHeight * share));
}
