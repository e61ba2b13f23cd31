// What stands around the figures: a graph that shows ways, contents that follow the page, a filter, and tables that fold and sort.
"use strict";
(() => {
  // The graph: what the table pointed at needs, and what needs it.

  const graph = document.querySelector(".graph");
  const nodes = [...document.querySelectorAll(".graph a")];
  const arrows = [...document.querySelectorAll(".graph path")].map((path) => ({ path, from: +path.dataset.from, to: +path.dataset.to }));
  const arrowsBy = { from: nodes.map(() => []), to: nodes.map(() => []) };
  for (const arrow of arrows) for (const end of ["from", "to"]) arrowsBy[end][arrow[end]].push(arrow);

  /** All arrows on the ways from a node along the arrows, or against them. */
  function ways(node, start, end) {
    const found = new Set();
    const left = [node];
    while (left.length > 0) {
      for (const arrow of arrowsBy[start][left.pop()]) {
        if (found.has(arrow)) continue;
        found.add(arrow);
        left.push(arrow[end]);
      }
    }
    return found;
  }

  function point(node) {
    const joined = new Set(node === undefined ? [] : [...ways(node, "from", "to"), ...ways(node, "to", "from")]);
    graph.classList.toggle("pointed", node !== undefined);
    for (const arrow of arrows) arrow.path.classList.toggle("joined", joined.has(arrow));
    const ends = new Set([...joined].flatMap(({ from, to }) => [from, to]));
    nodes.forEach((other, index) => other.classList.toggle("joined", ends.has(index)));
  }
  nodes.forEach((node, index) => {
    for (const event of ["pointerenter", "focus"]) node.addEventListener(event, () => point(index));
    for (const event of ["pointerleave", "blur"]) node.addEventListener(event, () => point());
  });

  // Contents that follow the page.

  const links = new Map([...document.querySelectorAll("#contents a")].map((link) => [link.dataset.figure ?? link.getAttribute("href").slice(1), link]));
  const places = [...document.querySelectorAll("main section[id], main article[id]")].filter((part) => links.has(part.id));
  const contents = document.getElementById("contents");
  let shown = places;
  let current;

  /** Marks the link to the last place above the upper third of the window. Places are in the order in which they stand. */
  function follow() {
    let [start, end] = [0, shown.length];
    while (start < end) {
      const middle = (start + end) >> 1;
      if (shown[middle].getBoundingClientRect().top < innerHeight / 3) start = middle + 1;
      else end = middle;
    }
    current?.removeAttribute("aria-current");
    current = links.get(shown[start - 1]?.id);
    current?.setAttribute("aria-current", "true");
    if (!current || !contents || contents.scrollHeight <= contents.clientHeight) return;
    if (contents.querySelector(":focus-visible")) return; // A reader goes through them by the keyboard.
    const place = current.getBoundingClientRect();
    const room = contents.getBoundingClientRect();
    if (place.top < room.top || place.bottom > room.bottom) contents.scrollTop += place.top - room.top - room.height / 3;
  }
  let waits = false;
  addEventListener("scroll", () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      follow();
    });
  });
  follow();

  // The filter: figures, their entries in the contents, and tasks that hold all words. Sections without any go, too.

  const filter = document.getElementById("filter");
  const found = document.getElementById("found");
  const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

  function keep(section, wanted) {
    document.getElementById(section).hidden = !wanted;
    const entry = links.get(section)?.closest("li");
    if (entry) entry.hidden = !wanted;
  }
  function sift() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (...texts) => words.every((word) => texts.join(" ").toLowerCase().includes(word));
    let heading = null;
    let figures = 0;
    for (const part of document.querySelectorAll("#figures > h3.group, #figures article")) {
      if (part.matches("h3.group")) {
        heading = part;
        heading.hidden = words.length > 0;
        continue;
      }
      const title = part.querySelector("h3, h4").textContent;
      part.hidden = !fits(title, part.dataset.task, heading?.textContent ?? "");
      if (!part.hidden) figures += 1;
      if (!part.hidden && heading) heading.hidden = false;
      const entry = links.get(part.dataset.figure)?.closest("li");
      if (entry) entry.hidden = part.hidden;
    }
    for (const group of document.querySelectorAll("#contents ul details")) {
      group.hidden = group.querySelector("li:not([hidden])") === null;
    }
    let tasks = 0;
    for (const row of document.querySelectorAll("#tasks tbody tr:not(.sweep)")) {
      const fit = fits(row.textContent);
      row.classList.toggle("sifted", !fit);
      if (fit) tasks += 1;
    }
    document.getElementById("tasks").classList.toggle("sifting", words.length > 0);
    keep("figures", words.length === 0 || figures > 0);
    keep("tasks", words.length === 0 || tasks > 0);
    if (words.length === 0) found.textContent = "";
    else if (figures + tasks === 0) found.textContent = "No figure and no task fits.";
    else found.textContent = `${count(figures, "figure")}, ${count(tasks, "task")}`;
    shown = places.filter((part) => !part.closest("[hidden]"));
    follow();
  }
  if (filter) {
    filter.closest(".filter").hidden = false;
    filter.addEventListener("input", sift);
  }

  // The tasks of a sweep are one row until they are wanted.

  const sweeps = new Map();
  for (const row of document.querySelectorAll("#tasks tbody tr")) {
    const table = row.dataset.table;
    if (!sweeps.has(table)) sweeps.set(table, []);
    sweeps.get(table).push(row);
  }
  for (const [table, rows] of sweeps) {
    if (rows.length === 1) continue;
    const head = rows[0].cloneNode(true);
    head.removeAttribute("id");
    head.className = "sweep";
    const states = new Map();
    for (const row of rows) {
      const badge = row.querySelector(".badge");
      const state = states.get(badge.textContent) ?? { badge, count: 0 };
      state.count += 1;
      states.set(badge.textContent, state);
    }
    const unfold = Object.assign(document.createElement("button"), { type: "button", textContent: `${table} (${rows.length} tasks)` });
    unfold.setAttribute("aria-expanded", "false");
    for (const cell of head.cells) cell.replaceChildren();
    head.cells[0].append(unfold);
    for (const { badge, count } of states.values()) head.cells[1].append(badge.cloneNode(true), ` ${count} `);
    rows[0].before(head);
    const show = (open) => {
      unfold.setAttribute("aria-expanded", String(open));
      for (const row of rows) row.classList.toggle("folded", !open);
    };
    show(false);
    unfold.addEventListener("click", () => show(unfold.getAttribute("aria-expanded") !== "true"));
    for (const row of rows) row.addEventListener("unfold", () => show(true));
  }

  /** Shows the row that an address names. */
  function unfoldTarget() {
    const row = document.getElementById(location.hash.slice(1));
    if (!row?.classList.contains("folded")) return;
    row.dispatchEvent(new Event("unfold"));
    row.scrollIntoView();
  }
  addEventListener("hashchange", unfoldTarget);
  unfoldTarget();

  // Tables in the order of a column, then in the other direction.

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.querySelectorAll("thead th")];
    heads.forEach((head, column) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: head.textContent });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const falls = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", falls ? "descending" : "ascending");
        const text = ({ dataset, textContent }) => dataset.value ?? textContent.trim();
        const key = (row) => text(row.cells[column]).replaceAll("\u2212", "-").replace(/^[≥≤] /, "");
        const body = table.tBodies[0];
        // In the order of a column, the tasks of a sweep need not stand together.
        for (const head of body.querySelectorAll(".sweep")) head.remove();
        for (const row of body.querySelectorAll(".folded")) row.classList.remove("folded");
        const compare = new Intl.Collator("en", { numeric: true }).compare;
        const number = head.classList.contains("number");
        const order = (one, other) => (number ? (parseFloat(one) || 0) - (parseFloat(other) || 0) || compare(one, other) : compare(one, other));
        const rows = [...body.rows].map((row) => ({ row, key: key(row) }));
        rows.sort((one, other) => order(one.key, other.key) * (falls ? -1 : 1));
        body.append(...rows.map(({ row }) => row));
      });
    });
  }
})();
