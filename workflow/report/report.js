"use strict";

const LARGEST = 40;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/* Interpolate linearly between points, clipped beyond them. */
function interpolate(x, from, to) {
  const next = from.findIndex((end) => x <= end);
  if (next < 1) return next ? to.at(-1) : to[0];
  return to[next - 1] + ((x - from[next - 1]) / (from[next] - from[next - 1])) * (to[next] - to[next - 1]);
}

/* Same rules as round_length and distance in words.py, for the scale bar of a zoomed picture. */
function roundLength(limit) {
  const power = 10 ** Math.floor(Math.log10(limit));
  return [5, 2, 1].map((digit) => digit * power).find((length) => length <= limit) ?? power;
}

function lengthText(length, given) {
  if (given !== "µm") return `${+length.toPrecision(4)} ${given}`;
  const [scale, unit] = length >= 1000 ? [1e-3, "mm"] : length >= 1 ? [1, "µm"] : [1000, "nm"];
  return `${+(length * scale).toPrecision(4)} ${unit}`;
}

/* Return the greys of a picture, 0 to 255, row by row. */
function pixels(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return Uint8Array.from({ length: canvas.width * canvas.height }, (_, i) => data[4 * i + 1]);
}

/* Set up the grey window of a scan; return the `value` and the brightness `shown`, 0 to 1, of each of the 256 greys. */
function levels(section, changed) {
  const group = section.querySelector(".levels");
  const [values, codes] = [group.dataset.values, group.dataset.codes].map((list) => list.split(" ").map(Number));
  const [fields, handles] = ["number", "range"].map((type) => [...group.querySelectorAll(`[type=${type}]`)]);
  const middle = values.length / 2;
  const greys = { value: Array.from({ length: 256 }, (_, code) => interpolate(code, codes, values)) };
  let ends;
  const set = (black, white) => {
    if (black < white) ends = [black, white];
    greys.shown = greys.value.map((value) => clamp((value - ends[0]) / (ends[1] - ends[0]), 0, 1));
    const table = greys.shown.map((grey) => +grey.toFixed(4)).join(" ");
    for (const channel of section.querySelectorAll("filter [tableValues]")) channel.setAttribute("tableValues", table);
    ends.forEach((end, i) => {
      fields[i].value = +end.toPrecision(4);
      handles[i].value = interpolate(end, values, codes);
      handles[i].setAttribute("aria-valuetext", fields[i].value);
    });
    changed();
  };
  const reset = () => set(values[middle - 1], values[middle]);
  const move = (i, value) => set(i ? ends[0] : value, i ? value : ends[1]);
  handles.forEach((handle, i) => handle.addEventListener("input", () => move(i, greys.value[handle.value])));
  fields.forEach((field, i) => field.addEventListener("change", () => move(i, field.valueAsNumber)));
  section.querySelector("[data-do=reset]").addEventListener("click", reset);
  reset();
  return greys;
}

/* Set up what the planes of a scan share: divider, mode, grey window, and line profile. */
function scan(section) {
  const viewer = section.querySelector(".viewer");
  if (!viewer) return;
  const [raw, denoised, mark] = section.querySelectorAll(".profile path");
  const words = section.querySelectorAll(".profile b");
  const dividers = viewer.querySelectorAll(".frame input");
  const pair = section.querySelector("[data-do=pair]");
  let latest = () => {};
  const shared = {
    greys: levels(section, () => latest()),
    cut(percent) {
      viewer.style.setProperty("--cut", `${percent}%`);
      for (const divider of dividers) {
        divider.value = percent;
        divider.setAttribute("aria-valuetext", `${Math.round(percent)} % raw`);
      }
    },
    pair() {
      pair.setAttribute("aria-pressed", viewer.classList.toggle("pairs"));
    },
    /* Draw the profile, `length` greys of both pictures from `start`, with a mark; draw it again when the window changes. */
    plot(text, greys, start, length, column) {
      latest = () => {
        const { shown, value } = shared.greys;
        const line = (codes) => "M" + Array.from(codes.subarray(start, start + length), (code, i) => `${i + 0.5},${1 - shown[code]}`).join("L");
        const number = (codes) => value[codes[start + column]].toPrecision(3).replace("-", "−");
        raw.ownerSVGElement.setAttribute("viewBox", `0 0 ${length} 1`);
        [raw, denoised].forEach((path, i) => path.setAttribute("d", line(greys[i])));
        mark.setAttribute("d", `M${column + 0.5},0V1`);
        [text, ...greys.map(number)].forEach((part, i) => (words[i].textContent = part));
      };
      latest();
    },
  };
  pair.addEventListener("click", shared.pair);
  viewer.addEventListener("input", (event) => event.target.matches(".frame input") && shared.cut(Number(event.target.value)));
  [...viewer.querySelectorAll("figure")].forEach((figure, i) => plane(figure, shared, i === 0));
}

/* Set up one slice: zoom, values under the pointer, full resolution, and the slider if there is one. */
function plane(figure, shared, first) {
  const frame = figure.querySelector(".frame");
  const images = [...frame.querySelectorAll("img")];
  const layers = [...frame.querySelectorAll(".layer")];
  const slider = figure.querySelector(".slider input");
  const others = [...figure.querySelectorAll(".slider i")].map(({ dataset }) => ({ ...dataset, factor: slider.dataset.factor }));
  const [across, down, along] = figure.dataset.axes.split(" ");
  const [rows, columns] = [+figure.dataset.rows, +figure.dataset.columns];
  const [voxel, unit] = [+frame.dataset.voxel, frame.dataset.unit];
  const own = { raw: images[0].src, denoised: images[1].src, index: figure.dataset.index, factor: figure.dataset.factor };
  const whole = { ...figure.dataset, factor: 1 };
  const view = { scale: 1, x: 0, y: 0 };
  const pointers = new Map();
  let shown = own;
  let greys = null;
  let point = first ? [columns >> 1, rows >> 1] : null;

  /* Scale and corner of the picture in its layer, from `object-fit: contain` and the zoom. */
  const laid = () => {
    const [width, height] = [columns, rows].map((size) => Math.ceil(size / shown.factor));
    const { clientWidth, clientHeight } = layers[0];
    const fit = Math.min(clientWidth / width, clientHeight / height);
    const [left, top] = [(clientWidth - fit * width) / 2, (clientHeight - fit * height) / 2];
    return { width, height, clientWidth, clientHeight, scale: fit * view.scale, left: view.x + left * view.scale, top: view.y + top * view.scale };
  };
  const draw = () => {
    const { width, height, clientWidth, clientHeight, scale } = laid();
    view.x = clamp(view.x, clientWidth * (1 - view.scale), 0);
    view.y = clamp(view.y, clientHeight * (1 - view.scale), 0);
    frame.classList.toggle("zoomed", view.scale > 1);
    /* Skipped pixels make noise look stronger: sharp blocks only if each pixel covers at least one screen pixel. */
    frame.classList.toggle("crisp", view.scale > 1 && scale >= 1);
    for (const image of images) image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    const bar = roundLength((0.25 * Math.max(rows, columns) * voxel) / view.scale);
    const line = frame.querySelector("line");
    frame.querySelector(".scale svg").setAttribute("viewBox", `0 0 ${width} ${height}`);
    for (const end of ["y1", "y2"]) line.setAttribute(end, height);
    line.setAttribute("x2", (bar / voxel / shown.factor) * view.scale);
    frame.querySelector(".scale span").textContent = lengthText(bar, unit);
  };
  /* Show the values at a voxel of the volume, and along the row of the picture that contains it. */
  const probe = (x, y, marked = true) => {
    if (!(x >= 0 && y >= 0 && x < columns && y < rows) || !images.every((image) => image.complete)) return;
    point = [x, y];
    greys ??= images.map(pixels);
    const { width, clientWidth, scale, left, top } = laid();
    const [column, row] = point.map((place) => Math.floor(place / shown.factor));
    const [start, stop] = [Math.max(0, Math.floor(-left / scale)), Math.min(width, Math.ceil((clientWidth - left) / scale))];
    const at = { [across]: shown.index, [down]: y, [along]: x };
    const mean = shown.factor > 1 ? ` (mean of ${shown.factor} × ${shown.factor})` : "";
    shared.plot(`z ${at.z}, y ${at.y}, x ${at.x}${mean}`, greys, row * width + start, stop - start, column - start);
    frame.style.setProperty("--row", `${top + (row + 0.5) * scale}px`);
    frame.classList.toggle("probed", marked);
  };
  const magnify = (factor, x = layers[0].clientWidth / 2, y = layers[0].clientHeight / 2) => {
    const scale = clamp(view.scale * factor, 1, LARGEST);
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    draw();
  };
  /* Position of the pointer in the layer under it; side by side there are two. */
  const at = (event) => {
    const boxes = layers.map((layer) => layer.getBoundingClientRect());
    const box = boxes.find((layer) => event.clientX < layer.right && event.clientY < layer.bottom) ?? boxes[1];
    return [event.clientX - box.left, event.clientY - box.top];
  };
  /* Replace the pictures; the `load` listener below draws them as soon as they are there. */
  const put = (next) => {
    shown = next;
    images.forEach((image, i) => (image.src = [shown.raw, shown.denoised][i]));
    figure.querySelector("output").textContent = shown.index;
    const button = figure.querySelector("[data-do=whole]");
    if (!button) return;
    button.setAttribute("aria-pressed", shown === whole);
    button.disabled = shown !== own && shown !== whole;
  };
  const slide = (step) => {
    if (!slider) return;
    slider.value = step;
    const middle = +slider.dataset.middle;
    put(+slider.value === middle ? own : others[slider.value - (slider.value > middle)]);
    slider.setAttribute("aria-valuetext", `z = ${shown.index}`);
  };
  const save = () => {
    const { width, height } = laid();
    const canvas = Object.assign(document.createElement("canvas"), { width: 2 * width + 4, height });
    const table = shared.greys.shown.map((grey) => 0xff000000 + Math.round(255 * grey) * 0x10101);
    images.map(pixels).forEach((codes, i) => {
      const data = new ImageData(width, height);
      new Uint32Array(data.data.buffer).set(Uint32Array.from(codes, (code) => table[code]));
      canvas.getContext("2d").putImageData(data, i * (width + 4), 0);
    });
    const name = figure.closest("section").querySelector("h2").textContent;
    Object.assign(document.createElement("a"), { download: `${name} ${across}=${shown.index}.png`, href: canvas.toDataURL() }).click();
  };
  const actions = {
    in: () => magnify(1.5),
    out: () => magnify(1 / 1.5),
    fit: () => magnify(0),
    full: () => (document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen()),
    pair: shared.pair,
    lower: () => slide(+slider?.value - 1),
    upper: () => slide(+slider?.value + 1),
    whole() {
      if (!whole.raw || (shown !== own && shown !== whole)) return;
      put(shown === whole ? own : whole);
      magnify(shown === whole ? 1 / laid().scale : 0);
    },
    save,
  };

  for (const image of images) {
    image.addEventListener("load", () => {
      greys = null;
      draw();
      if (point) probe(...point, frame.classList.contains("probed"));
    });
  }
  for (const button of figure.querySelectorAll("button")) {
    button.addEventListener("click", actions[button.dataset.do]);
    button.hidden = button.dataset.do === "full" && !document.fullscreenEnabled;
  }
  slider?.addEventListener("input", () => slide(slider.value));
  frame.addEventListener("dblclick", (event) => magnify(2, ...at(event)));
  figure.addEventListener("keydown", (event) => {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const keys = { "+": "in", "=": "in", "-": "out", 0: "fit", 1: "whole", s: "pair", f: "full", PageUp: "upper", PageDown: "lower" };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (keys[event.key] && (slider || !event.key.startsWith("Page"))) actions[keys[event.key]]();
    else if (arrows[event.key] && event.target === frame) {
      const [x, y] = arrows[event.key];
      if (view.scale > 1) {
        view.x -= 60 * x;
        view.y -= 60 * y;
        draw();
      } else if (point && frame.classList.contains("probed")) probe(point[0] + x * shown.factor, point[1] + y * shown.factor);
      else probe(columns >> 1, rows >> 1);
    } else return;
    event.preventDefault();
  });
  /* Scrolling past a picture must not get stuck: the wheel zooms only after a click on the picture, or with Ctrl. */
  frame.addEventListener("wheel", (event) => {
    const wanted = event.ctrlKey || frame.contains(document.activeElement);
    if (!wanted || (event.deltaY > 0 && view.scale === 1)) return;
    event.preventDefault();
    magnify(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), ...at(event));
  }, { passive: false });
  frame.addEventListener("pointerdown", (event) => {
    if (event.target.matches("input")) return;
    pointers.set(event.pointerId, event);
    frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    const { scale, left, top } = laid();
    probe(Math.floor(((x - left) / scale) * shown.factor), Math.floor(((y - top) / scale) * shown.factor));
    const last = pointers.get(event.pointerId);
    if (!last) return;
    pointers.set(event.pointerId, event);
    const other = [...pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    if (other) {
      const span = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY);
      magnify(span(event) / span(last), ...at(other));
    } else if (view.scale > 1) {
      view.x += event.clientX - last.clientX;
      view.y += event.clientY - last.clientY;
      draw();
    } else shared.cut(clamp((100 * x) / layers[0].clientWidth, 0, 100));
  });
  for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, (event) => pointers.delete(event.pointerId));
  addEventListener("beforeprint", () => shown === whole && actions.whole());
  new ResizeObserver(draw).observe(layers[0]);
  if (first) probe(...point, false);
}

/* The menu jumps to a scan or model, and shows which one is in view. */
function follow(menu) {
  const sections = document.querySelectorAll("section[id]");
  menu.addEventListener("change", () => {
    const target = document.getElementById(menu.value);
    if (target) target.scrollIntoView();
    else scrollTo(0, 0);
  });
  const update = () => {
    const seen = [...sections].filter((section) => section.getBoundingClientRect().top < innerHeight / 3);
    menu.value = seen.at(-1)?.id ?? "";
  };
  addEventListener("scroll", update, { passive: true });
  update();
}

document.querySelectorAll("section[id]").forEach(scan);
document.querySelectorAll(".menu select").forEach(follow);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((fold) => (fold.open = true)));
