// The figures of a page: each is shown and drawn when it comes into sight, and gives its data and its picture. This runs before the browser
// has read all of them.
"use strict";
(() => {
  const root = document.documentElement;
  const frames = document.getElementsByClassName("frame");

  /** A text that the page holds deflated and in base64, so that thousands of figures are opened quickly. */
  async function unpack(id) {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = new Uint8Array(packed.length);
    for (let index = 0; index < bytes.length; index += 1) bytes[index] = packed.charCodeAt(index);
    const { readable, writable } = new DecompressionStream("deflate");
    const writer = writable.getWriter();
    const written = writer.write(bytes).then(() => writer.close());
    // A stream of a blob or of a response would wait until the browser has read the page.
    const reader = readable.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    await written;
    return text;
  }

  /** Frames in sight, and those that are drawn with what they consist of, the longest out of sight first. */
  const seen = new Set();
  const drawn = new Map();

  /** What a figure consists of. */
  async function parts(frame) {
    return drawn.get(frame) ?? JSON.parse(await unpack(frame.dataset.figure));
  }

  let library;

  /** Loads plotly.js, whose digest the policy of the page names, when it is first needed. That takes a second, in which nothing is painted. */
  async function loadLibrary() {
    if (window.Plotly) return;
    const text = await unpack("library.data");
    await new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
    document.head.append(Object.assign(document.createElement("script"), { textContent: text }));
  }

  /** The still picture. Where it is not needed it is only text: thousands of drawings are slow. */
  function still(frame) {
    const text = frame.querySelector("noscript.drawing");
    if (!frame.querySelector(".still")) text.insertAdjacentHTML("afterend", text.textContent);
    return frame.querySelector(".still");
  }

  // The same for what is said about a figure.
  const tellAbout = ({ target }) => {
    const text = target.querySelector(":scope > noscript.about");
    if (text) text.outerHTML = text.textContent;
  };
  document.addEventListener("toggle", tellAbout, { capture: true });

  addEventListener("beforeprint", () => [...frames].forEach(still));

  // On a small screen, the contents stand before the figures and not beside them.
  const fold = document.querySelector(".fold");
  if (fold && matchMedia("(max-width: 60rem)").matches) fold.open = false;

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

  /** Smallest scale of a drawing, below which its frame scrolls, and of one for large screens that has a form for small ones: on these and on
   * others, where a single column would leave most of the room. */
  const SMALLEST = 0.5;
  const SMALLEST_ON = { small: 0.8, large: 0.6 };
  const SMALL = 600;

  const scaleOf = (frame, { width }) => Math.min(1, frame.clientWidth / width);

  function viewFor(frame, figure) {
    const smallest = SMALLEST_ON[frame.clientWidth < SMALL ? "small" : "large"];
    return figure.narrow && scaleOf(frame, figure.wide.layout) < smallest ? "narrow" : "wide";
  }

  /** The traces as a view has them. */
  function tracesOf(figure, view) {
    const { changes } = figure[view];
    return figure.data.map((trace, index) => ({ ...trace, ...changes[index] }));
  }

  /** Makes a drawing that is wider than its frame smaller, so that no part of it is out of sight. */
  function fit(frame, layout) {
    const { style } = frame.querySelector(".interactive");
    const scale = scaleOf(frame, layout);
    const isSmaller = scale >= SMALLEST && scale < 1;
    style.transform = isSmaller ? `scale(${scale})` : "";
    // Frames scroll over the room that drawings take before they are made smaller.
    style.width = isSmaller ? `${Math.floor(scale * layout.width)}px` : "";
    style.height = isSmaller ? `${scale * layout.height}px` : "";
  }

  /** Most drawings out of sight that are kept: a browser with hundreds of them is slow. */
  const KEPT = 30;

  async function draw(frame) {
    const picture = still(frame);
    const target = frame.querySelector(".interactive");
    const config = {
      displaylogo: false,
      doubleClick: "reset",
      modeBarButtonsToRemove: ["lasso2d", "select2d"],
      plotlyServerURL: "",
      showTips: false,
      toImageButtonOptions: { filename: frame.dataset.name, scale: 2 },
    };
    try {
      const [figure] = await Promise.all([parts(frame), fonts, (library ??= loadLibrary())]);
      if (inSpace(figure) && !canTurn()) {
        frame.dataset.state = "still"; // Without WebGL the picture stays as it is.
        return;
      }
      const view = viewFor(frame, figure);
      const layout = themed(figure[view].layout, isDark());
      layout.uirevision = view;
      if (touch.matches) layout.dragmode = false; // Fingers scroll the page; the buttons above a figure still zoom.
      target.hidden = false;
      await Plotly.react(target, themed(tracesOf(figure, view), isDark()), layout, config);
      fit(frame, layout);
      picture.hidden = true;
      frame.style.minHeight = "";
      if (!frame.dataset.view) followZoom(target, frame, figure);
      frame.dataset.view = view;
      frame.dataset.state = "drawn";
      drawn.set(frame, figure);
    } catch (error) {
      target.hidden = true;
      still(frame).hidden = false;
      frame.dataset.state = "failed";
      console.error(`${frame.dataset.name} cannot be drawn:`, error);
    }
  }

  /** Gives an axis new ticks when its range has changed, and its own when it is back. */
  function followZoom(target, frame, figure) {
    target.on("plotly_relayout", (change) => {
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

  /** Makes a frame what it was before it was seen. */
  function release(frame) {
    const target = frame.querySelector(".interactive");
    Plotly.purge(target);
    target.hidden = true;
    frame.querySelector(".still")?.remove();
    frame.style.minHeight = `${drawn.get(frame)[frame.dataset.view].layout.height}px`;
    drawn.delete(frame);
    delete frame.dataset.view;
    delete frame.dataset.state;
  }

  /** Releases drawings out of sight: those in space, of which browsers keep few at a time, and all but the last of the others. */
  function releaseUnseen() {
    const unseen = [...drawn].filter(([frame]) => !seen.has(frame));
    const wanted = unseen.slice(-KEPT).filter(([, figure]) => !inSpace(figure));
    const kept = new Map(wanted);
    for (const [frame] of unseen) if (!kept.has(frame)) release(frame);
  }

  let isDrawing = false;
  let scrolled = -Infinity;
  addEventListener("scroll", () => (scrolled = performance.now()), { passive: true });

  /** Draws what is in sight, one figure after the other, while the page stands still: drawing would hold up scrolling. */
  async function drawSeen() {
    if (isDrawing) return;
    isDrawing = true;
    for (const frame of seen) {
      while (performance.now() < scrolled + 100) await new Promise((next) => setTimeout(next, 50));
      if (frame.dataset.state || !seen.has(frame)) continue;
      await draw(frame);
      await new Promise(requestAnimationFrame);
    }
    isDrawing = false;
    releaseUnseen();
  }

  const sight = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) {
          still(target);
          seen.add(target);
          continue;
        }
        seen.delete(target);
        const figure = drawn.get(target);
        if (drawn.delete(target)) drawn.set(target, figure);
        else target.querySelector(".still")?.remove();
      }
      releaseUnseen();
      drawSeen();
    },
    { rootMargin: "400px" },
  );

  let watched = 0;

  /** Watches the figures that the browser has read to their ends, and as long as it reads, asks again. */
  function watch() {
    const isReading = document.readyState === "loading";
    const end = isReading ? frames.length - 1 : frames.length;
    for (; watched < end; watched += 1) sight.observe(frames[watched]);
    if (isReading) setTimeout(watch, 50);
  }
  watch();

  function redraw(wanted) {
    for (const [frame, figure] of [...drawn]) if (wanted(frame, figure)) draw(frame);
  }

  new ResizeObserver(() => {
    for (const [frame, figure] of drawn) fit(frame, figure[frame.dataset.view].layout);
    redraw((frame, figure) => viewFor(frame, figure) !== frame.dataset.view);
  }).observe(root);

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
    const all = await rows(await parts(frame));
    const used = COLUMNS.filter((column) => all.some((row) => cell(row[column]) !== ""));
    const lines = [used, ...all.map((row) => used.map((column) => row[column]))];
    return lines.map((line) => line.map(cell).join(",") + "\r\n").join("");
  }

  /** The rows of the tables of a button; of several, with the task that made each. */
  async function table(button) {
    const all = [...button.querySelectorAll("data")].map(async (part) => ({ task: part.textContent, csv: await unpack(part.value) }));
    const parts = await Promise.all(all);
    if (parts.length === 1) return parts[0].csv;
    const text = parts.map(({ task, csv }, index) => {
      const [head, ...records] = csv.match(/(?:[^"\n]|"[^"]*")+/g) ?? [];
      const lines = records.map((record) => `${cell(task)},${record}\n`);
      return index === 0 ? [`task,${head}\n`, ...lines] : lines;
    });
    return text.flat().join("");
  }

  const csvBlob = (text) => new Blob([text], { type: "text/csv" });

  /** What the buttons below a figure do. */
  const actions = {
    csv: async (frame, { dataset }) => save(csvBlob(await csv(frame)), dataset.file),
    rows: async (frame, button) => save(csvBlob(await table(button)), button.dataset.file),
    async picture(frame, { dataset }) {
      const drawing = picture(frame);
      save(dataset.file.endsWith(".png") ? await inPixels(drawing, 2) : drawing, dataset.file);
    },
    reset(frame) {
      if (!drawn.has(frame)) return;
      Plotly.purge(frame.querySelector(".interactive"));
      delete frame.dataset.view;
      draw(frame);
    },
  };
  document.addEventListener("click", ({ target }) => {
    const button = target.closest(".tools > button");
    if (button) actions[button.className](button.closest("article").querySelector(".frame"), button);
  });

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

  function picture(frame) {
    const drawing = still(frame).querySelector("svg").cloneNode(true);
    const faces = (window.eigenscopeFonts ?? document.querySelector("style").textContent).match(/@font-face \{[^}]*\}/g)?.join("") ?? "";
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
})();

