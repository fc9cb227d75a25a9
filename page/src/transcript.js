// One trial, or the arms of one case side by side.

import { element } from "./dom.js";

const ROLES = ["system", "user", "assistant", "reasoning", "tool call", "tool", "prefill", "note"];

function message([role, text, facts]) {
  const kind = ROLES.includes(role) ? role.replace(" ", "-") : "other";
  const body = element("pre", { dir: "auto" }, text);
  const said =
    role === "reasoning"
      ? element("details", { open: true }, element("summary", { class: "role" }, role), body)
      : [element("span", { class: "role" }, role), body];
  return element("div", { class: `message role-${kind}` }, ...[said].flat(), facts ? element("span", { class: "facts" }, facts) : null);
}

export function title(trial) {
  const parts = [`trial ${trial.index}`];
  if (trial.case) parts.push(`case ${trial.case}`);
  if (trial.arm) parts.push(`arm ${trial.arm}`);
  parts.push(`repeat ${trial.repeat}`);
  if (trial.seed) parts.push(`seed ${trial.seed}`);
  return parts.join(" · ");
}

export function transcript(trial) {
  return element(
    "article",
    { class: "trial" },
    element("h4", {}, title(trial)),
    ...trial.messages.map(message),
    element(
      "div",
      { class: "message role-outcome" },
      element("span", { class: "role" }, "outcome"),
      element("pre", { dir: "auto" }, trial.outcome),
      trial.was ? element("span", { class: "facts" }, `before: ${trial.was}`) : null,
      trial.location ? element("span", { class: "facts" }, `at ${trial.location}`) : null,
    ),
  );
}
