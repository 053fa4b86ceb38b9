// The page "Try a network": the exported web page in a frame, as high as what it shows. Over file:// no browser lets it
// read its network, and one sentence says which command to run.

const place = document.getElementById("try-it");

function sayHow() {
  const words = document.createElement("p");
  words.className = "only-over-http";
  const command = document.createElement("code");
  command.textContent = "python3 -m http.server 8000";
  const address = document.createElement("code");
  address.textContent = "http://localhost:8000/try-it.html";
  words.append(
    "Browsers run the network only over HTTP: in the folder of this site run ",
    command,
    " (on Windows ",
    Object.assign(document.createElement("code"), { textContent: "py -m http.server 8000" }),
    "), then open ",
    address,
    ".",
  );
  place.append(words);
}

function theme() {
  return document.documentElement.dataset.theme === "dark" ? "dark" : "light";
}

function embed() {
  document.querySelector("img.instead")?.remove(); // the picture of what is here itself
  const frame = document.createElement("iframe");
  frame.title = "A network that answers drawings and photos";
  frame.allow = "camera";
  frame.src = place.dataset.page;
  const themed = () => {
    const sheet = frame.contentDocument?.getElementById("dark");
    if (sheet) sheet.media = theme() === "dark" ? "all" : "not all";
  };
  frame.addEventListener("load", () => {
    const inside = frame.contentDocument.documentElement;
    new ResizeObserver(() => {
      frame.style.height = `${Math.ceil(inside.querySelector("body").scrollHeight) + 2}px`;
    }).observe(inside.querySelector("body"));
    new MutationObserver(themed).observe(inside, { childList: true, subtree: true });
    themed();
  });
  new MutationObserver(themed).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  place.append(frame);
}

// The theme's arrows that unfold a list of pages have no name that a screen reader could say.
function nameArrows() {
  for (const arrow of document.querySelectorAll(".has-children > details > summary")) {
    const page = arrow.closest(".has-children").querySelector("a");
    arrow.setAttribute("aria-label", `Pages below "${page.textContent.trim()}"`);
  }
}

nameArrows();
// Over file:// a browser reads no other page: the results of a search are then told without the words around them.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
if (place) (location.protocol === "file:" ? sayHow : embed)();
