// Every English text of this page.

export const TEXT = {
  lede: "A photo of a garment, a drawing, or the camera: the network runs on this machine. Nothing leaves it.",
  ways: { photo: "Photo", camera: "Camera", draw: "Draw" },
  way: "How",
  drop: "Drop a photo here, paste one, or",
  choose: "Choose a photo",
  shoot: "Take a photo",
  empty: "The answer appears here.",
  loading: "The network is being fetched, once …",
  working: "Looking …",
  cameraWait: "The camera is being opened …",
  cameraHelp: "Hold a garment before it, all of it in the picture.",
  noCamera: "There is no camera here, or this page may not use it.",
  hold: "Hold",
  seen: "What the network sees",
  noneOfThese: "None of these",
  noneScore: (/** @type {number} */ score) =>
    `None of these: ${score.toFixed(2)}, from 0 surely one of them to 1 surely none.`,
  orElse: (/** @type {string} */ first, /** @type {string} */ second) => `${first}, or ${second}`,
  offline: "Works without a network from now on.",
  theme: { button: "Theme", auto: "system", light: "light", dark: "dark" },
};
