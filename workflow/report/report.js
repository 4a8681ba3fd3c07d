"use strict";

const LARGEST = 40;

/* The same two rules as round_length and length in page.py, for the scale bar of a zoomed picture. */
function roundLength(limit) {
  const power = 10 ** Math.floor(Math.log10(limit));
  return [5, 2, 1].map((digit) => digit * power).find((length) => length <= limit) ?? power;
}

function lengthText(micrometres, given) {
  if (given !== "µm") return `${+micrometres.toPrecision(4)} ${given}`;
  const [scale, unit] = micrometres >= 1000 ? [1e-3, "mm"] : micrometres >= 1 ? [1, "µm"] : [1000, "nm"];
  return `${+(micrometres * scale).toPrecision(4)} ${unit}`;
}

/* One divider for all planes of a scan: dragging one shows the same side of each. */
function compare(viewer) {
  const sliders = viewer.querySelectorAll("input");
  const cut = (percent) => {
    viewer.style.setProperty("--cut", `${percent}%`);
    for (const slider of sliders) {
      slider.value = percent;
      slider.setAttribute("aria-valuetext", `${Math.round(percent)} % raw`);
    }
  };
  viewer.addEventListener("input", (event) => cut(Number(event.target.value)));
  const plot = profile(viewer.nextElementSibling);
  const [first] = [...viewer.querySelectorAll("figure")].map((figure) => zoom(figure, cut, plot));
  /* Not when the pictures are decoded: that fails where a press of 1:1 has put others in their place. */
  addEventListener("load", first);
}

/* Grey values of a picture, 0 to 255, row by row. */
function pixels(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return Uint8Array.from({ length: canvas.width * canvas.height }, (_, i) => data[4 * i]);
}

/* The profile along a row: of two pictures, from the first to the last column in sight, with a mark at a column. */
function profile(figure) {
  const { low, high } = figure.querySelector("figcaption").dataset;
  const value = (grey) => (+low + (grey / 255) * (high - low)).toPrecision(3);
  return (name, width, [raw, denoised], row, column, [first, last]) => {
    const line = (grey) => "M" + Array.from(grey.subarray(row * width + first, row * width + last), (g, i) => `${i + 0.5},${255 - g}`).join("L");
    figure.querySelector("svg").setAttribute("viewBox", `0 0 ${last - first} 255`);
    figure.querySelector(".raw-line").setAttribute("d", line(raw));
    figure.querySelector(".denoised-line").setAttribute("d", line(denoised));
    figure.querySelector(".at-line").setAttribute("d", `M${column - first + 0.5},0V255`);
    const at = row * width + column;
    figure.querySelector("output").textContent = `${name}, row ${row}, column ${column}: raw ${value(raw[at])}, denoised ${value(denoised[at])}. Profile along the row`;
  };
}

function zoom(figure, cut, plot) {
  const frame = figure.querySelector(".frame");
  const images = frame.querySelectorAll("img");
  const view = { scale: 1, x: 0, y: 0 };
  const point = { x: -1, y: -1 };
  let grey = null;
  const pointers = new Map();
  const small = { sources: [...images].map((image) => image.src), micrometres: frame.dataset.micrometres };

  const draw = () => {
    const { scale } = view;
    view.x = Math.min(0, Math.max(frame.clientWidth * (1 - scale), view.x));
    view.y = Math.min(0, Math.max(frame.clientHeight * (1 - scale), view.y));
    frame.classList.toggle("zoomed", scale > 1);
    /* A pixel left out here and there makes noise look stronger: blocks only where a pixel covers one of the screen. */
    frame.classList.toggle("crisp", scale > 1 && laid().scale >= 1);
    for (const image of images) image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${scale})`;
    const pixel = Number(frame.dataset.micrometres);
    const bar = roundLength((0.25 * Math.max(images[0].naturalWidth, images[0].naturalHeight) * pixel) / scale);
    frame.querySelector("line").setAttribute("x2", (bar / pixel) * scale);
    frame.querySelector(".scale span").textContent = lengthText(bar, frame.dataset.unit);
  };
  const magnify = (factor, x = frame.clientWidth / 2, y = frame.clientHeight / 2) => {
    const scale = Math.min(LARGEST, Math.max(1, view.scale * factor));
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    draw();
  };
  const move = (x, y) => {
    view.x += x;
    view.y += y;
    draw();
  };
  /* Where a picture lies in its frame: scale and corner, as `object-fit: contain` and the zoom put it. */
  const laid = () => {
    const { naturalWidth: width, naturalHeight: height } = images[0];
    const fit = Math.min(frame.clientWidth / width, frame.clientHeight / height);
    const [left, top] = [(frame.clientWidth - fit * width) / 2, (frame.clientHeight - fit * height) / 2];
    return { width, height, scale: fit * view.scale, left: view.x + left * view.scale, top: view.y + top * view.scale };
  };
  const probe = (x, y, marked = true) => {
    const { width, height, scale, left, top } = laid();
    if (!(x >= 0 && y >= 0 && x < width && y < height)) return;
    [point.x, point.y] = [x, y];
    grey ??= [...images].map(pixels);
    const seen = [Math.max(0, Math.floor(-left / scale)), Math.min(width, Math.ceil((frame.clientWidth - left) / scale))];
    plot(images[0].alt.split(" ")[0], width, grey, y, x, seen);
    const mark = frame.querySelector(".row-mark");
    mark.style.top = `${top + (y + 0.5) * scale}px`;
    mark.style.display = marked ? "block" : "none";
  };
  const at = (event) => {
    const box = frame.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const full = () => (document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen());

  /* All pixels in place of the averaged ones, a pixel of the slice to one of the page; and back. */
  const files = figure.closest("section").querySelectorAll(`.whole a[data-plane="${figure.dataset.plane}"]`);
  const put = async ({ sources, micrometres }) => {
    const loaded = [...images].map((image) => new Promise((done) => image.addEventListener("load", done, { once: true })));
    images.forEach((image, i) => (image.src = sources[i]));
    await Promise.all(loaded);
    const { naturalWidth: width, naturalHeight: height } = images[0];
    const line = frame.querySelector("line");
    frame.querySelector(".scale svg").setAttribute("viewBox", `0 0 ${width} ${height}`);
    for (const end of ["y1", "y2"]) line.setAttribute(end, height);
    frame.dataset.micrometres = micrometres;
    frame.querySelector(".row-mark").style.display = "none";
    [grey, point.x, point.y] = [null, -1, -1];
    draw();
  };
  const whole = async () => {
    if (!files.length) return;
    const button = figure.querySelector("[data-do=whole]");
    const wanted = button.getAttribute("aria-pressed") === "false";
    button.setAttribute("aria-pressed", wanted);
    const sources = [...files].map((file) => file.href);
    await put(wanted ? { sources, micrometres: files[0].parentElement.dataset.micrometres } : small);
    magnify(wanted ? 1 / laid().scale : 0);
  };
  addEventListener("beforeprint", () => {
    if (figure.querySelector("[aria-pressed=true]")) whole();
  });
  const actions = { in: () => magnify(1.5), out: () => magnify(1 / 1.5), fit: () => magnify(0), full, whole };

  for (const button of figure.querySelectorAll("button")) {
    button.addEventListener("click", actions[button.dataset.do]);
    button.hidden = button.dataset.do === "full" && !document.fullscreenEnabled;
  }
  frame.addEventListener("dblclick", (event) => magnify(2, ...at(event)));
  frame.addEventListener("keydown", (event) => {
    const arrows = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    const action = { "+": "in", "=": "in", "-": "out", 0: "fit", 1: "whole", f: "full" }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (action) actions[action]();
    else if (arrows[event.key] && event.target === frame) {
      const [x, y] = arrows[event.key];
      if (view.scale > 1) move(x, y);
      else if (point.x < 0) probe(images[0].naturalWidth >> 1, images[0].naturalHeight >> 1);
      else probe(point.x - Math.sign(x), point.y - Math.sign(y));
    }
    else return;
    event.preventDefault();
  });
  /* A page that is scrolled past must not get stuck: the wheel zooms a picture that was clicked, or with Ctrl. */
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
    probe(Math.floor((x - left) / scale), Math.floor((y - top) / scale));
    const last = pointers.get(event.pointerId);
    if (!last) return;
    pointers.set(event.pointerId, event);
    const other = [...pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    if (other) {
      const span = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY);
      magnify(span(event) / span(last), ...at(other));
    } else if (view.scale > 1) move(event.clientX - last.clientX, event.clientY - last.clientY);
    else cut(Math.min(100, Math.max(0, (100 * at(event)[0]) / frame.clientWidth)));
  });
  for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, (event) => pointers.delete(event.pointerId));
  new ResizeObserver(draw).observe(frame);
  return () => probe(images[0].naturalWidth >> 1, images[0].naturalHeight >> 1, false);
}

/* The menu goes to a scan or model, and says which one is in sight. */
function follow(menu) {
  const sections = document.querySelectorAll("section[id]");
  menu.addEventListener("change", () => {
    const target = document.getElementById(menu.value);
    if (target) target.scrollIntoView();
    else scrollTo(0, 0);
  });
  const tell = () => {
    const seen = [...sections].filter((section) => section.getBoundingClientRect().top < innerHeight / 3);
    menu.value = seen.at(-1)?.id ?? "";
  };
  addEventListener("scroll", tell, { passive: true });
  tell();
}

document.querySelectorAll(".viewer").forEach(compare);
document.querySelectorAll(".menu select").forEach(follow);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((fold) => (fold.open = true)));
