// The camera: its picture goes to the studio on this machine and nowhere else.

import { h, replace } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.try;

export function cameraBox(take) {
  const video = h("video", { autoplay: true, playsinline: true, muted: true, "aria-label": TEXT.ways.camera });
  const words = h("p", { class: "muted", role: "status" }, TEXT.cameraWait);
  const shoot = h("button", { type: "button", class: "primary", disabled: true }, TEXT.shoot);
  const root = h("div", { class: "camera" }, video, words, shoot);
  let stream = null;
  let closed = false;

  const stop = () => stream?.getTracks().forEach((track) => track.stop());
  shoot.addEventListener("click", () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => blob && take(blob), "image/jpeg", 0.92);
  });
  const asked =
    navigator.mediaDevices?.getUserMedia({ video: { facingMode: "environment" }, audio: false }) ??
    Promise.reject(new Error(TEXT.noCamera));
  asked
    .then(async (opened) => {
      stream = opened;
      if (closed) return stop();
      video.srcObject = stream;
      await video.play();
      words.textContent = TEXT.cameraHelp;
      shoot.disabled = false;
    })
    .catch(() => replace(words, TEXT.noCamera));
  return { root, close: () => ((closed = true), stop()) };
}
