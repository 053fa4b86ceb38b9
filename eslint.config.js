// What the studio's JavaScript is held to beside Prettier's form and TypeScript's types: how much stands together.

import js from "@eslint/js";

const BROWSER = [
  ...["window", "document", "location", "history", "navigator", "localStorage", "sessionStorage", "console"],
  ...["fetch", "open", "addEventListener", "removeEventListener", "dispatchEvent", "matchMedia", "getComputedStyle"],
  ...["setTimeout", "clearTimeout", "setInterval", "requestAnimationFrame", "cancelAnimationFrame", "scrollTo", "atob"],
  ...["btoa", "URL", "URLSearchParams", "AbortController", "Event", "CustomEvent", "EventSource", "ImageData"],
  ...[
    "ResizeObserver",
    "HTMLElement",
    "devicePixelRatio",
    "createImageBitmap",
    "DecompressionStream",
    "Blob",
    "Response",
  ],
];

export default [
  { ignores: ["src/fittingroom/export/web_static/runtime/**", "src/fittingroom/export/web_static/sw.js"] },
  js.configs.recommended,
  {
    files: ["src/fittingroom/studio/static/js/**/*.js", "src/fittingroom/export/web_static/js/**/*.js"],
    languageOptions: { globals: Object.fromEntries(BROWSER.map((name) => [name, "readonly"])) },
    rules: {
      "max-lines": ["error", 300],
      "max-lines-per-function": ["error", { max: 40, skipComments: true, skipBlankLines: true }],
      "max-len": ["error", 120],
      "prefer-const": "error",
      eqeqeq: "error",
    },
  },
  {
    files: ["tests/studio/js/**/*.js"],
    languageOptions: { globals: { URLSearchParams: "readonly", btoa: "readonly" } },
    rules: { "max-lines": ["error", 300], "max-len": ["error", 120] },
  },
];
