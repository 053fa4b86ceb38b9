// The camera: its picture goes to the studio on this machine and nowhere else.

import { h } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.try;
const QUALITY = 0.92; // of the JPEG

export function cameraBox(/** @type {(file: Blob) => void} */ take) {
  const video = h("video", { autoplay: true, playsinline: true, muted: true, "aria-label": TEXT.ways.camera });
  const words = h("p", { class: "muted", role: "status" }, TEXT.cameraWait);
  const shoot = h("button", { type: "button", class: "primary", disabled: true }, TEXT.shoot);
  shoot.addEventListener("click", () => capture(video, take));
  /** @type {MediaStream | null} */
  let stream = null;
  let isClosed = false;
  const stop = () => stream?.getTracks().forEach((track) => track.stop());

  async function open() {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    if (isClosed) return stop();
    video.srcObject = stream;
    await video.play();
    words.textContent = TEXT.cameraHelp;
    shoot.disabled = false;
  }
  open().catch(() => (words.textContent = TEXT.noCamera));
  return { root: h("div", { class: "camera" }, video, words, shoot), close: () => ((isClosed = true), stop()) };
}

function capture(/** @type {HTMLVideoElement} */ video, /** @type {(file: Blob) => void} */ take) {
  const canvas = h("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  canvas.toBlob((blob) => blob && take(blob), "image/jpeg", QUALITY);
}
