// The browser of transcripts: a form that filters, a table of trials, and the trial that was chosen.

import { Tabulator, FormatModule, InteractionModule, SortModule } from "tabulator-tables";
import { element } from "./dom.js";
import { transcript } from "./transcript.js";

Tabulator.registerModule([FormatModule, InteractionModule, SortModule]);

const SHOW = [
  ["", "all in this page"],
  ["against", "against the claim"],
  ["sample", "a random sample"],
  ["changed", "changed since before"],
];
const KINDS = [
  ["", "any"],
  ["one", "1"],
  ["zero", "0"],
  ["value", "a score"],
  ["invalid", "invalid"],
];

export function browse(place, { hypotheses, trials }) {
  const rows = trials.map((trial, at) => row(trial, at, hypotheses[trial.hypothesis]));
  const byId = new Map(rows.map((it) => [it.id, it]));
  const form = filters(hypotheses, rows);
  const status = element("p", { role: "status", class: "quiet" });
  const list = element("div", { class: "list" });
  const view = element("div", { class: "view", tabindex: "-1" });
  place.append(form, status, element("div", { class: "panes" }, list, view));

  let shown = rows;
  let chosen = null;
  let table = null;
  let built = null;

  function wanted() {
    const asked = Object.fromEntries(new FormData(form));
    const words = asked.search.toLowerCase();
    return rows.filter(
      (it) =>
        (!asked.hypothesis || it.hypothesis.id === asked.hypothesis) &&
        (!asked.model || it.hypothesis.model === asked.model) &&
        (!asked.arm || it.trial.arm === asked.arm) &&
        (!asked.outcome || it.trial.kind === asked.outcome) &&
        (!asked.show || it.is[asked.show]) &&
        (!words || it.text().includes(words)),
    );
  }

  async function refresh() {
    shown = wanted();
    status.textContent = `${shown.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} trials`;
    if (chosen && !shown.includes(chosen)) choose(null);
    if (!table) return;
    await built;
    await table.replaceData(shown.map(cells));
  }

  function mark() {
    for (const link of list.querySelectorAll("a[data-id]")) {
      const current = chosen !== null && link.dataset.id === chosen.id;
      if (current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      link.closest(".tabulator-row")?.classList.toggle("chosen", current);
    }
  }

  function choose(it) {
    chosen = it;
    view.replaceChildren();
    if (it) view.append(heading(it), element("div", { class: "arms" }, ...turn(it).map((other) => transcript(other.trial))));
    mark();
  }

  // The arms of one case and repeat belong side by side.
  function turn(it) {
    if (!it.trial.arm) return [it];
    return rows.filter(
      (other) =>
        other.hypothesis === it.hypothesis &&
        other.trial.repeat === it.trial.repeat &&
        (other.trial.case ?? "") === (it.trial.case ?? "") &&
        Math.abs(other.trial.index - it.trial.index) < 20,
    );
  }

  function heading(it) {
    const back = element("a", { href: `#${it.hypothesis.id}` }, it.hypothesis.name);
    return element("h3", {}, `${it.hypothesis.mark} `, back, it.hypothesis.model ? ` · ${it.hypothesis.model}` : "");
  }

  function go(it) {
    if (it) location.hash = it.id;
  }

  function step(by) {
    const at = chosen ? shown.indexOf(chosen) : -1;
    go(shown[Math.min(shown.length - 1, Math.max(0, at + by))]);
  }

  // At random among those of the random sample: the others were kept for what they say.
  function random() {
    const among = shown.filter((it) => it.trial.sampled);
    const from = among.length ? among : shown;
    go(from[Math.floor(Math.random() * from.length)]);
  }

  form.addEventListener("input", refresh);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(refresh));
  form.querySelector("[name=random]").addEventListener("click", random);

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = { j: () => step(1), k: () => step(-1), r: random, "/": () => form.elements.search.focus() }[event.key];
    if (!act) return;
    event.preventDefault();
    place.scrollIntoView({ block: "nearest" });
    act();
  });

  // A thousand rows are made when they are about to be seen: nothing waits for them before.
  function build() {
    if (table) return;
    table = tableOf(list, shown.map(cells));
    table.on("renderComplete", mark);
    built = new Promise((done) => table.on("tableBuilt", () => done(reachable(list))));
  }
  new IntersectionObserver((seen, observer) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    build();
  }, { rootMargin: "400px" }).observe(place);

  refresh();

  return function open(hash) {
    if (hash.startsWith("transcripts:")) {
      const asked = new URLSearchParams(hash.slice("transcripts:".length));
      form.reset();
      for (const [name, value] of asked) if (form.elements[name]) form.elements[name].value = value;
      build();
      refresh();
      choose(shown[0] ?? null);
      document.getElementById("transcripts").scrollIntoView();
      return true;
    }
    const it = byId.get(hash);
    if (!it) {
      if (!/^h\d+-t\d+$/.test(hash)) return false;
      choose(null);
      view.append(element("p", {}, "This trial is not in the page; it is in trials.jsonl."));
    } else {
      if (!shown.includes(it)) {
        form.reset();
        refresh();
      }
      build();
      choose(it);
    }
    view.scrollIntoView({ block: "nearest" });
    view.focus({ preventScroll: true });
    return true;
  };
}

function row(trial, at, hypothesis) {
  let text = null;
  return {
    at,
    trial,
    hypothesis,
    id: `${hypothesis.id}-t${trial.index}`,
    is: { against: trial.against, sample: trial.sampled, changed: trial.was !== undefined },
    text() {
      text ??= [trial.case, trial.arm, trial.outcome, hypothesis.name, ...trial.messages.map((said) => said[1])].join("\n").toLowerCase();
      return text;
    },
  };
}

function cells(it) {
  const { trial, hypothesis } = it;
  const asked = trial.messages.find(([role]) => role === "user");
  return {
    id: it.id,
    place: it.at,
    hypothesis: hypothesis.name,
    index: trial.index,
    case: trial.case ?? asked?.[1].slice(0, 80) ?? "",
    arm: trial.arm ?? "",
    outcome: trial.outcome.split("\n", 1)[0].slice(0, 80),
  };
}

function tableOf(list, data) {
  const plain = (cell) => document.createTextNode(cell.getValue());
  const link = (cell) => {
    const { id } = cell.getData();
    return element("a", { href: `#${id}`, "data-id": id, class: "trial-link" }, String(cell.getValue()));
  };
  const column = (title, field, more = {}) => ({ title, field, formatter: plain, headerSortTristate: true, ...more });
  const columns = [
    column("trial", "index", { formatter: link, width: 66, sorter: "number" }),
    column("outcome", "outcome", { widthGrow: 3, minWidth: 90 }),
    column("case", "case", { widthGrow: 2, minWidth: 80 }),
    column("hypothesis", "hypothesis", { widthGrow: 3, minWidth: 110 }),
  ];
  if (data.some((it) => it.arm)) columns.splice(3, 0, column("arm", "arm", { minWidth: 70 }));
  const table = new Tabulator(list, { data, columns, index: "id", height: 520, layout: "fitColumns", placeholder: "no such trial" });
  table.on("rowClick", (event, found) => {
    if (!event.target.closest("a")) location.hash = found.getData().id;
  });
  return table;
}

// The table for a keyboard: its headers sort on Enter, and what scrolls needs no stop besides the links in it.
function reachable(list) {
  list.querySelector(".tabulator-tableholder").removeAttribute("tabindex");
  for (const header of list.querySelectorAll(".tabulator-col-sorter-element")) {
    header.tabIndex = 0;
    header.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      header.click();
    });
  }
}

function filters(hypotheses, rows) {
  const values = (of) => [...new Set(rows.map(of).filter(Boolean))].sort();
  const pick = (label, name, options) =>
    options.length > 2 || name === "outcome" || name === "show"
      ? element("label", {}, label, element("select", { name }, ...options.map(([value, text]) => element("option", { value }, text))))
      : element("input", { type: "hidden", name, value: "" });
  const any = (found) => [["", "any"], ...found.map((value) => [value, value])];
  return element(
    "form",
    { class: "filters", role: "search", "aria-label": "Transcripts" },
    element("label", {}, "search", element("input", { type: "search", name: "search", autocomplete: "off" })),
    pick("hypothesis", "hypothesis", [["", "any"], ...hypotheses.map((it) => [it.id, `${it.mark} ${it.name}`])]),
    pick("model", "model", any(values((it) => it.hypothesis.model))),
    pick("arm", "arm", any(values((it) => it.trial.arm))),
    pick("outcome", "outcome", KINDS),
    pick("show", "show", SHOW),
    element("button", { type: "button", name: "random" }, "a random one"),
    element("button", { type: "reset" }, "all"),
    element("span", { class: "quiet keys" }, "keys: ", element("kbd", {}, "/"), " search, ", element("kbd", {}, "j"), " ", element("kbd", {}, "k"), " next and previous, ", element("kbd", {}, "r"), " random"),
  );
}
