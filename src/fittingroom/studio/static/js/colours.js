// Colours of classes and of amounts, for both themes; and ramps from the background to a colour.

import { colour } from "./theme.js";

const LIGHT = [
  "#0b6fb8",
  "#c2410c",
  "#12805c",
  "#a21caf",
  "#8a6a00",
  "#0e7490",
  "#be123c",
  "#4d55c9",
  "#5f7a12",
  "#6b5446",
];
const DARK = [
  "#5db4f0",
  "#fb9257",
  "#4fd0a5",
  "#e58bf0",
  "#e3c14b",
  "#56cfe4",
  "#fb7b93",
  "#a3abff",
  "#b4d455",
  "#cdb3a2",
];
const AMOUNTS_LIGHT = ["#c9d8e6", "#9fc0d8", "#74a5c9", "#5a86a8", "#8b6f73", "#b05a3c", "#c4411c", "#96190f"];
const AMOUNTS_DARK = ["#33475a", "#3f627f", "#4f80a6", "#72a2c4", "#b79a8f", "#e79c73", "#ff8560", "#ff5a45"];

export const isDark = () => getComputedStyle(document.documentElement).getPropertyValue("--paper").trim() === "#16171a";

export function classColours(count) {
  const table = isDark() ? DARK : LIGHT;
  return Array.from({ length: count }, (_, label) => (count <= table.length ? table[label] : wheel(label, count)));
}

export const amountColours = () => (isDark() ? AMOUNTS_DARK : AMOUNTS_LIGHT);
export const verdictColours = () => ["--wrong", "--right"].map((token) => hex(colour(token)));

const hex = (rgb) => `#${rgb.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
const rgbOf = (text) => [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16));

function wheel(label, count) {
  const channel = (offset) => Math.round((isDark() ? 165 : 95) + 75 * Math.cos(2 * Math.PI * (label / count + offset)));
  return hex([channel(0), channel(1 / 3), channel(2 / 3)]);
}

// 256 packed colours from the page's background to a colour: a grey picture printed in that colour.
export function ramp(text) {
  const from = colour("--paper");
  const to = text ? rgbOf(text) : colour("--ink");
  return Uint32Array.from({ length: 256 }, (_, grey) =>
    packed(from.map((value, channel) => value + ((to[channel] - value) * grey) / 255)),
  );
}

export const packed = (/** @type {number[]} */ [red, green, blue]) =>
  ((255 << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
