// The page of a report: draws figures when they come into sight, follows the theme, filters and sorts, gives data and pictures.
"use strict";
(() => {
  const root = document.documentElement;
  const frames = [...document.querySelectorAll(".frame")];
  const read = new Map();

  /** What a figure consists of, read when it is first needed. */
  function parts(frame) {
    if (!read.has(frame)) {
      read.set(frame, JSON.parse(document.getElementById(frame.dataset.figure).textContent));
    }
    return read.get(frame);
  }

  /** The still picture. Until it is first needed it is text: thousands of drawings are slow to open. */
  function still(frame) {
    const text = frame.querySelector("noscript.drawing");
    if (text) text.outerHTML = text.textContent;
    return frame.querySelector(".still");
  }

  // The same for what is said about a figure.
  for (const text of document.querySelectorAll("details > noscript.about")) {
    const about = text.parentElement;
    about.addEventListener("toggle", () => {
      if (!text.isConnected) return;
      text.outerHTML = text.textContent;
      about.querySelector(".copy").hidden = false;
    });
  }

  addEventListener("beforeprint", () => frames.forEach(still));

  // The theme: that of the system until the reader chooses.

  const preferred = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : preferred.matches);

  function remember(theme) {
    try {
      if (theme) localStorage.setItem("eigenscope-theme", theme);
      return localStorage.getItem("eigenscope-theme");
    } catch {
      return theme; // A browser may forbid files to remember anything.
    }
  }

  const BACKGROUND = "#1b1f23";

  /** A colour chosen for white, on the dark background: white becomes that, greys turn over, colours grow lighter. */
  function onDark(colour) {
    const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})?$/i.exec(colour);
    if (!match) return colour;
    const channels = match.slice(1, 4).map((pair) => parseInt(pair, 16));
    const alpha = match[4] ?? "";
    if (channels.every((channel) => channel === 255)) return BACKGROUND + alpha;
    const spread = Math.max(...channels) - Math.min(...channels);
    const lightest = 240;
    const darkest = 40;
    const turned = channels.map((channel) =>
      spread < 16 ? lightest - (channel * (lightest - darkest)) / 255 : 95 + (channel * 160) / 255,
    );
    return "#" + turned.map((channel) => Math.round(channel).toString(16).padStart(2, "0")).join("") + alpha;
  }

  /** A copy with all colours changed but those of colour scales and of what lies below them, which are data. */
  function themed(value, dark, key = "") {
    if (typeof value === "string") return dark && /color$/.test(key) ? onDark(value) : value;
    if (Array.isArray(value)) {
      return typeof value[0] === "object" && key !== "colorscale" && key !== "shapes" ? value.map((item) => themed(item, dark)) : value;
    }
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, themed(item, dark, name)]));
  }

  // Drawing.

  // Texts are measured when they are drawn.
  const fonts = Promise.allSettled(["11px Roboto", "bold 11px Roboto"].map((font) => document.fonts.load(font)));
  const touch = matchMedia("(pointer: coarse)");
  const inSpace = (figure) => figure.data.some((trace) => trace.type === "scatter3d");

  function canTurn() {
    const context = document.createElement("canvas").getContext("webgl");
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return context !== null;
  }

  function viewFor(frame, figure) {
    // A little too wide scrolls.
    return figure.narrow && frame.clientWidth < 0.8 * figure.wide.layout.width ? "narrow" : "wide";
  }

  async function draw(frame) {
    const figure = parts(frame);
    const picture = still(frame);
    const target = frame.querySelector(".interactive");
    if (inSpace(figure) && !canTurn()) {
      frame.dataset.state = "still"; // Without WebGL the picture stays as it is.
      return;
    }
    const view = viewFor(frame, figure);
    const layout = themed(figure[view].layout, isDark());
    layout.uirevision = view;
    if (touch.matches) layout.dragmode = false; // Fingers scroll the page; the buttons above a figure still zoom.
    const config = {
      displaylogo: false,
      doubleClick: "reset",
      modeBarButtonsToRemove: ["lasso2d", "select2d"],
      plotlyServerURL: "",
      showTips: false,
      toImageButtonOptions: { filename: frame.dataset.name, scale: 2 },
    };
    try {
      await fonts;
      target.hidden = false;
      await Plotly.react(target, themed(figure.data, isDark()), layout, config);
      picture.hidden = true;
      frame.style.minHeight = "";
      if (!frame.dataset.view) followZoom(target, frame);
      frame.dataset.view = view;
      frame.dataset.state = "drawn";
    } catch (error) {
      target.hidden = true;
      picture.hidden = false;
      frame.dataset.state = "failed";
      console.error(`${frame.dataset.name} cannot be drawn:`, error);
    }
  }

  /** Gives an axis new ticks when its range has changed, and its own when it is back. */
  function followZoom(target, frame) {
    target.on("plotly_relayout", (change) => {
      const figure = parts(frame);
      const { layout, adaptive } = figure[frame.dataset.view];
      const update = {};
      for (const axis of adaptive) {
        const keys = Object.keys(change).filter((key) => key.startsWith(`${axis}.`));
        if (!keys.some((key) => key.includes("range"))) continue;
        const range = target.layout[axis].range;
        const same = range.every((end, index) => Math.abs(end - layout[axis].range[index]) < 1e-9 * Math.abs(range[1] - range[0]));
        const mode = same ? "array" : "auto";
        if (target.layout[axis].tickmode !== mode) update[`${axis}.tickmode`] = mode;
      }
      if (Object.keys(update).length > 0) Plotly.relayout(target, update);
    });
  }

  /** Browsers keep few drawings in space at a time: those out of sight are given back. */
  function release(frame) {
    if (frame.dataset.state !== "drawn" || !inSpace(parts(frame))) return;
    const target = frame.querySelector(".interactive");
    Plotly.purge(target);
    target.hidden = true;
    still(frame).hidden = false;
    delete frame.dataset.view;
    delete frame.dataset.state;
  }

  const sight = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) release(target);
        else if (!target.dataset.state) draw(target);
      }
    },
    { rootMargin: "400px" },
  );
  frames.forEach((frame) => sight.observe(frame));

  function redraw(wanted) {
    for (const frame of frames) if (frame.dataset.state === "drawn" && wanted(frame)) draw(frame);
  }

  new ResizeObserver(() => redraw((frame) => viewFor(frame, parts(frame)) !== frame.dataset.view)).observe(root);

  // The theme's button.

  const button = document.getElementById("theme");
  function showTheme() {
    button.textContent = isDark() ? "Light theme" : "Dark theme";
    redraw(() => true);
  }
  const chosen = remember();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  button.hidden = false;
  showTheme();
  preferred.addEventListener("change", showTheme);
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    showTheme();
  });

  // The graph: what the table pointed at needs, and what needs it.

  const graph = document.querySelector(".graph");
  const nodes = [...document.querySelectorAll(".graph a")];
  const arrows = [...document.querySelectorAll(".graph path")].map((path) => ({ path, from: +path.dataset.from, to: +path.dataset.to }));

  /** All arrows on the ways from a node along the arrows, or against them. */
  function ways(node, start, end) {
    const found = new Set();
    const nodes = [node];
    while (nodes.length > 0) {
      const next = nodes.pop();
      for (const arrow of arrows) {
        if (arrow[start] !== next || found.has(arrow)) continue;
        found.add(arrow);
        nodes.push(arrow[end]);
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

  // Data as CSV: one row for each point, interval, text, cell or pixel.

  const COLUMNS = [
    "panel", "x_axis", "y_axis", "series", "row", "column", "x", "y", "z", "lower", "upper", "value",
    "red", "green", "blue", "text",
  ];

  async function rows(figure) {
    const all = [];
    for (const trace of figure.data) {
      const { panel, what, name } = trace.meta;
      if (what === "frame") continue;
      const texts = figure.panels[panel];
      const about = {
        panel: texts.title || panel + 1,
        x_axis: trace.type === "scatter" || what === "image" ? texts.x : "",
        y_axis: trace.type === "scatter" || what === "image" ? texts.y : "",
        series: name,
      };
      for (const row of await rowsOf(trace)) all.push({ ...about, ...row });
    }
    return all;
  }

  async function rowsOf(trace) {
    switch (trace.meta.what) {
      case "band":
        return intervals(trace);
      case "image":
      case "cell":
        return trace.z.flatMap((line, row) =>
          line.map((value, column) => ({
            row,
            column,
            x: trace.meta.what === "image" ? trace.x0 + column * trace.dx : undefined,
            y: trace.meta.what === "image" ? trace.y0 + row * trace.dy : undefined,
            value,
          })),
        );
      case "picture":
        return pixels(trace);
      default:
        return trace.x
          .map((x, index) => ({ x, y: trace.y[index], z: trace.z?.[index], text: trace.text?.[index] }))
          .filter((row) => row.x !== null);
    }
  }

  /** The outline of each run of a band goes along the upper edge and back along the lower one. */
  function intervals(trace) {
    const found = [];
    let start = 0;
    for (let end = 0; end <= trace.x.length; end += 1) {
      if (end < trace.x.length && trace.x[end] !== null) continue;
      for (let index = start; index < (start + end) / 2; index += 1) {
        found.push({ x: trace.x[index], upper: trace.y[index], lower: trace.y[start + end - 1 - index] });
      }
      start = end + 1;
    }
    return found;
  }

  async function pixels(trace) {
    const [height, width] = trace.meta.size;
    const image = new Image();
    image.src = trace.source;
    await image.decode();
    const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
    context.drawImage(image, 0, 0);
    const bytes = context.getImageData(0, 0, width, height).data;
    return Array.from({ length: width * height }, (_, index) => ({
      row: Math.floor(index / width),
      column: index % width,
      red: bytes[4 * index],
      green: bytes[4 * index + 1],
      blue: bytes[4 * index + 2],
    }));
  }

  function cell(value) {
    if (value === undefined || value === null) return "";
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  async function csv(frame) {
    const all = await rows(parts(frame));
    const used = COLUMNS.filter((column) => all.some((row) => cell(row[column]) !== ""));
    const lines = [used, ...all.map((row) => used.map((column) => row[column]))];
    return lines.map((line) => line.map(cell).join(",") + "\r\n").join("");
  }

  /** The rows of the tables of a button; of several, with the task that made each. */
  function table(button) {
    const parts = [...button.querySelectorAll("data")].map((part) => ({
      task: part.textContent,
      csv: JSON.parse(document.getElementById(part.value).textContent),
    }));
    if (parts.length === 1) return parts[0].csv;
    const text = parts.map(({ task, csv }, index) => {
      const [head, ...records] = csv.match(/(?:[^"\n]|"[^"]*")+/g) ?? [];
      const lines = records.map((record) => `${cell(task)},${record}\n`);
      return index === 0 ? [`task,${head}\n`, ...lines] : lines;
    });
    return text.flat().join("");
  }

  for (const article of document.querySelectorAll("article")) {
    const frame = article.querySelector(".frame");
    if (!frame) continue;
    const download = article.querySelector(".csv");
    download.hidden = false;
    download.addEventListener("click", async () => {
      save(new Blob([await csv(frame)], { type: "text/csv" }), download.dataset.file);
    });
    for (const button of article.querySelectorAll(".rows")) {
      button.hidden = false;
      button.addEventListener("click", () => save(new Blob([table(button)], { type: "text/csv" }), button.dataset.file));
    }
    const reset = article.querySelector(".reset");
    reset.hidden = false;
    reset.addEventListener("click", () => {
      if (frame.dataset.state !== "drawn") return;
      Plotly.purge(frame.querySelector(".interactive"));
      delete frame.dataset.view;
      draw(frame);
    });
  }

  // Contents that follow the page.

  const links = new Map([...document.querySelectorAll("#contents a")].map((link) => [link.dataset.figure ?? link.getAttribute("href").slice(1), link]));
  const places = [...document.querySelectorAll("main section[id], main article[id]")].filter((part) => links.has(part.id));
  const contents = document.getElementById("contents");

  function follow() {
    const above = places.filter((part) => part.getBoundingClientRect().top < innerHeight / 3 && part.offsetParent !== null);
    const current = links.get(above.at(-1)?.id);
    for (const link of links.values()) {
      if (link === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (!current || !contents || contents.scrollHeight <= contents.clientHeight) return;
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
  const fold = document.querySelector(".fold");
  if (fold && matchMedia("(max-width: 60rem)").matches) fold.open = false;
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
    sweeps.set(table, [...(sweeps.get(table) ?? []), row]);
  }
  for (const [table, rows] of sweeps) {
    if (rows.length === 1) continue;
    const head = rows[0].cloneNode(true);
    head.removeAttribute("id");
    head.className = "sweep";
    const states = new Map();
    for (const row of rows) {
      const badge = row.querySelector(".badge");
      states.set(badge.textContent, [...(states.get(badge.textContent) ?? []), badge]);
    }
    const unfold = Object.assign(document.createElement("button"), { type: "button", textContent: `${table} (${rows.length} tasks)` });
    unfold.setAttribute("aria-expanded", "false");
    for (const cell of head.cells) cell.replaceChildren();
    head.cells[0].append(unfold);
    for (const badges of states.values()) head.cells[1].append(badges[0].cloneNode(true), ` ${badges.length} `);
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
        const key = (row) => row.cells[column].textContent.trim().replaceAll("\u2212", "-").replace(/^[≥≤] /, "");
        const body = table.tBodies[0];
        // In the order of a column, the tasks of a sweep need not stand together.
        for (const head of body.querySelectorAll(".sweep")) head.remove();
        for (const row of body.querySelectorAll(".folded")) row.classList.remove("folded");
        const compare = new Intl.Collator("en", { numeric: true }).compare;
        const number = head.classList.contains("number");
        const order = (one, other) => (number ? (parseFloat(one) || 0) - (parseFloat(other) || 0) || compare(one, other) : compare(one, other));
        const rows = [...body.rows].sort((one, other) => order(key(one), key(other)) * (falls ? -1 : 1));
        body.append(...rows);
      });
    });
  }

  // Commands to copy.

  document.addEventListener("click", async ({ target }) => {
    if (!target.matches(".copy")) return;
    const command = target.parentElement.querySelector("pre");
    try {
      await navigator.clipboard.writeText(command.textContent);
      target.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(command); // A browser may forbid it: the reader copies what is selected.
      target.textContent = "Selected";
    }
    setTimeout(() => (target.textContent = "Copy the command"), 2000);
  });

  // Pictures: the still one, with the font in it.

  const faces = (window.eigenscopeFonts ?? document.querySelector("style").textContent).match(/@font-face \{[^}]*\}/g)?.join("") ?? "";

  function picture(frame) {
    const drawing = still(frame).querySelector("svg").cloneNode(true);
    const style = document.createElementNS("http://www.w3.org/2000/svg", "style");
    style.textContent = faces;
    drawing.prepend(style);
    return new Blob([new XMLSerializer().serializeToString(drawing)], { type: "image/svg+xml" });
  }

  async function inPixels(drawing, scale) {
    const image = new Image();
    const address = URL.createObjectURL(drawing);
    image.src = address;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: scale * image.naturalWidth, height: scale * image.naturalHeight });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(address);
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  }

  function save(blob, name) {
    const address = URL.createObjectURL(blob);
    const link = Object.assign(document.createElement("a"), { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  }

  for (const take of document.querySelectorAll(".picture")) {
    take.hidden = false;
    take.addEventListener("click", async () => {
      const drawing = picture(take.closest("article").querySelector(".frame"));
      const name = take.dataset.file;
      save(name.endsWith(".png") ? await inPixels(drawing, 2) : drawing, name);
    });
  }
})();
