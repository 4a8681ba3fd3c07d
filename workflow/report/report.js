"use strict";

const LARGEST = 40;

/* The same two rules as round_length and length in page.py, for the scale bar of a zoomed picture. */
function roundLength(limit) {
  const power = 10 ** Math.floor(Math.log10(limit));
  return [5, 2, 1].map((digit) => digit * power).find((length) => length <= limit) ?? power;
}

function lengthText(micrometres) {
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
  for (const figure of viewer.querySelectorAll("figure")) zoom(figure, cut);
}

function zoom(figure, cut) {
  const frame = figure.querySelector(".frame");
  const images = frame.querySelectorAll("img");
  const view = { scale: 1, x: 0, y: 0 };
  const pointers = new Map();

  const draw = () => {
    const { scale } = view;
    view.x = Math.min(0, Math.max(frame.clientWidth * (1 - scale), view.x));
    view.y = Math.min(0, Math.max(frame.clientHeight * (1 - scale), view.y));
    frame.classList.toggle("zoomed", scale > 1);
    for (const image of images) image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${scale})`;
    const pixel = Number(frame.dataset.micrometres);
    const bar = roundLength((0.25 * Math.max(images[0].naturalWidth, images[0].naturalHeight) * pixel) / scale);
    frame.querySelector("line").setAttribute("x2", (bar / pixel) * scale);
    frame.querySelector(".scale span").textContent = lengthText(bar);
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
  const at = (event) => {
    const box = frame.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const full = () => (document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen());
  const actions = { in: () => magnify(1.5), out: () => magnify(1 / 1.5), fit: () => magnify(0), full };

  for (const button of figure.querySelectorAll("button")) {
    button.addEventListener("click", actions[button.dataset.do]);
    button.hidden = button.dataset.do === "full" && !document.fullscreenEnabled;
  }
  frame.addEventListener("dblclick", (event) => magnify(2, ...at(event)));
  frame.addEventListener("keydown", (event) => {
    const arrows = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    const action = { "+": "in", "=": "in", "-": "out", 0: "fit", f: "full" }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (action) actions[action]();
    else if (arrows[event.key] && view.scale > 1 && event.target === frame) move(...arrows[event.key]);
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
}

document.querySelectorAll(".viewer").forEach(compare);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((fold) => (fold.open = true)));
