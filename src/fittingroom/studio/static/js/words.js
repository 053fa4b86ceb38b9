// Every English text of the page, by part.

export const WORDS = {
  title: "fittingroom studio",
  offline: "The studio does not answer. Is it still running in its terminal?",
  refused: "The studio refused this.",
  loading: "Loading …",
  theme: { button: "Colours", auto: "as the system", light: "light", dark: "dark" },
  parts: { data: "Data", train: "Train", look: "Look", try: "Try it on", runs: "Runs" },
};
