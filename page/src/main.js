// What the page can do beyond reading: copying, the evidence paths, and the browser of transcripts.
// All texts of models come in as data and go out as text nodes; nothing here ever parses HTML.

import { browse } from "./browser.js";
import { copying } from "./copying.js";
import { unpack } from "./data.js";
import { drawPath } from "./path.js";
import { printing } from "./printing.js";

document.documentElement.classList.add("scripted");
copying();
printing();

const data = await unpack(document.getElementById("data").textContent);
const byId = new Map(data.hypotheses.map((hypothesis) => [hypothesis.id, hypothesis]));

// A path is drawn when its hypothesis is opened: thirty of them at once would take as long as all the rest.
function drawOpen() {
  for (const place of document.querySelectorAll("details[open] [data-path]:empty")) {
    drawPath(place, byId.get(place.dataset.path));
  }
}

for (const details of document.querySelectorAll("details.hypothesis")) {
  details.addEventListener("toggle", drawOpen);
}
drawOpen();
addEventListener("beforeprint", drawOpen);

const open = browse(document.getElementById("browser"), data);

// `#h3` opens a hypothesis, `#h3-t7` a trial, `#transcripts:hypothesis=h3&show=against` a selection.
function follow() {
  const hash = decodeURIComponent(location.hash.slice(1));
  if (open(hash)) return;
  const target = document.getElementById(hash);
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus({ preventScroll: true });
  }
}

addEventListener("hashchange", follow);
follow();
document.documentElement.dataset.ready = "true";
