// The evidence path of a hypothesis: what was estimated, and how the evidence went towards its boundaries.

import { axisX, axisY, dot, lineY, plot, ruleX, ruleY, text } from "@observablehq/plot";
import { element } from "./dom.js";

const WIDTH = 460;
const HEIGHT = 200;

export function drawPath(place, hypothesis) {
  const { path } = hypothesis;
  for (const part of path.parts) place.append(estimates(path, part, hypothesis));
  if (path.support.length) place.append(evidence(path));
  else if (!path.followed) {
    place.append(element("p", { class: "quiet" }, "The evidence is not drawn: the record does not hold all that the rule was made with."));
  }
}

function estimates(path, part, hypothesis) {
  const points = path.n.map((n, at) => ({ n, estimate: part.estimates[at] })).filter((point) => point.estimate !== null);
  const last = points.at(-1);
  const ends = path.parts.length === 1 ? hypothesis.interval : null;
  const values = [...points.map((point) => point.estimate), ...part.thresholds, ...(ends ?? [])];
  const caption = `${part.name} as it ran, over ${path.unit}`;
  return figure(caption, `from ${points[0]?.estimate} to ${last?.estimate} after ${last?.n}`, {
    x: { label: null, domain: [0, path.n.at(-1)] },
    y: { label: null, domain: padded(values, part.scale) },
    marks: [
      ruleY(part.thresholds, { className: "threshold", stroke: "var(--threshold)", strokeWidth: 1.5 }),
      ends && last ? ruleX([last], { x: "n", y1: ends[0], y2: ends[1], stroke: "var(--seen)", strokeWidth: 3, strokeOpacity: 0.5 }) : null,
      lineY(points, { x: "n", y: "estimate", stroke: "var(--seen)", strokeWidth: 1.5 }),
      last ? dot([last], { x: "n", y: "estimate", fill: "var(--seen)", r: 3.5 }) : null,
    ],
  });
}

function evidence(path) {
  const sides = [
    ["for", path.support, path.boundaries[0], "var(--good)"],
    ["against", path.refute, path.boundaries[1], "var(--bad)"],
  ];
  const marks = [ruleY([0], { stroke: "var(--line)" })];
  const [support, refute] = path.boundaries;
  if (support !== undefined) {
    marks.push(text([support], { y: (value) => value, frameAnchor: "left", text: ["boundary"], dy: -7, dx: 4, textAnchor: "start", fill: "var(--quiet)" }));
  }
  const shared = support !== undefined && Math.abs(support - refute) < 0.01;
  for (const [name, values, boundary, colour] of sides) {
    const points = path.n.map((n, at) => ({ n, value: values[at] }));
    if (boundary !== undefined) {
      marks.push(ruleY([boundary], { stroke: shared ? "var(--quiet)" : colour, strokeDasharray: "6 3" }));
    }
    marks.push(lineY(points, { x: "n", y: "value", stroke: colour, strokeWidth: 1.5, strokeDasharray: name === "for" ? null : "4 2" }));
    marks.push(text([points.at(-1)], { x: "n", y: "value", text: [name], fill: colour, dx: 4, textAnchor: "start" }));
  }
  const caption = path.boundaries.length
    ? "Evidence for and against the claim, as powers of ten; it is decided where a line reaches its boundary"
    : "Evidence for and against the claim, as powers of ten; its parts have boundaries of their own";
  const [forIt, against] = [path.support.at(-1), path.refute.at(-1)];
  return figure(caption, `in the end ${forIt} for it and ${against} against it, boundaries ${path.boundaries.join(" and ") || "unknown"}`, {
    x: { label: null, domain: [0, path.n.at(-1)] },
    y: { label: null },
    marginRight: 48,
    marks,
  });
}

function padded(values, [low, high]) {
  const pad = (high - low) * 0.04;
  return [Math.max(low, Math.min(...values) - pad), Math.min(high, Math.max(...values) + pad)];
}

function figure(caption, description, { marks, ...options }) {
  const drawn = plot({
    width: WIDTH,
    height: HEIGHT,
    className: "path-plot",
    ...options,
    marks: [axisX({ ticks: 5 }), axisY({ ticks: 4 }), ...marks],
    ariaLabel: caption,
    ariaDescription: description,
  });
  // It is one image with one description: its marks have no roles that could bear a label.
  for (const mark of drawn.querySelectorAll("[aria-label]")) mark.removeAttribute("aria-label");
  drawn.setAttribute("role", "img");
  // The policy of the page allows one style sheet, which has these rules.
  for (const style of drawn.querySelectorAll("style")) style.remove();
  return element("figure", {}, element("figcaption", {}, caption), drawn);
}
