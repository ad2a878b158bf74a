"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const viewer = document.querySelector(".viewer");
  const panels = [...viewer.querySelectorAll(".panel")];
  document.documentElement.classList.add("js");

  // One view for all images: zoom z, and the offset (x, y) in percent of a frame.
  const view = { z: 1, x: 0, y: 0 };
  const show = () => {
    const limit = 50 - 50 / view.z;
    view.x = Math.min(limit, Math.max(-limit, view.x));
    view.y = Math.min(limit, Math.max(-limit, view.y));
    for (const key of ["z", "x", "y"]) viewer.style.setProperty("--" + key, view[key]);
    viewer.classList.toggle("zoomed", view.z > 1);
    byId("zoom").value = Number(view.z.toFixed(1)) + "×";
  };
  // The point (px, py), in percent of a frame from its centre, stays where it is.
  const zoom = (factor, px = 0, py = 0) => {
    const z = Math.min(16, Math.max(1, view.z * factor));
    view.x += px / z - px / view.z;
    view.y += py / z - py / view.z;
    view.z = z;
    show();
  };
  const within = (frame, event) => {
    const box = frame.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width - 0.5) * 100, ((event.clientY - box.top) / box.height - 0.5) * 100];
  };
  for (const frame of viewer.querySelectorAll(".frame")) {
    let last = null;
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || view.z === 1) return;
      last = within(frame, event);
      frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener("pointermove", (event) => {
      if (!last) return;
      const now = within(frame, event);
      view.x += (now[0] - last[0]) / view.z;
      view.y += (now[1] - last[1]) / view.z;
      last = now;
      show();
    });
    for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => { last = null; });
    frame.addEventListener("dblclick", (event) => zoom(2, ...within(frame, event)));
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the plain wheel scrolls the page
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 300), ...within(frame, event));
    }, { passive: false });
  }

  // Grey window, in percent of the embedded one.
  const black = byId("black"), white = byId("white");
  const decibels = Number(viewer.dataset.decibels);
  const reading = (percent) => {
    if (!decibels) return percent + " %";
    const level = Math.round(decibels * (percent / 100 - 1));
    return (level < 0 ? "−" + -level : "0") + " dB";
  };
  const apply = () => {
    const low = black.value / 100, high = white.value / 100;
    for (const f of byId("window").firstElementChild.children) {
      f.setAttribute("slope", 1 / (high - low));
      f.setAttribute("intercept", -low / (high - low));
    }
    viewer.classList.toggle("windowed", low > 0 || high < 1);
    for (const end of [black, white]) end.nextElementSibling.value = reading(Number(end.value));
  };
  black.addEventListener("input", () => { white.value = Math.max(white.value, Number(black.value) + 5); apply(); });
  white.addEventListener("input", () => { black.value = Math.min(black.value, Number(white.value) - 5); apply(); });

  // The reference in every place, to see differences flicker.
  const swap = byId("swap");
  const pressed = (on) => {
    if (!swap) return;
    swap.setAttribute("aria-pressed", on);
    for (const panel of panels) {
      const reference = panel.querySelector(".reference img").src;
      for (const image of panel.querySelectorAll(".frame.grey:not(.reference) img:not(.outline)")) {
        image.dataset.own ??= image.src;
        image.src = on ? reference : image.dataset.own;
      }
    }
  };
  const toggle = () => pressed(swap?.getAttribute("aria-pressed") !== "true");
  swap?.addEventListener("click", toggle);

  const outline = byId("outline");
  const outlined = (on) => {
    outline?.setAttribute("aria-pressed", on);
    viewer.classList.toggle("bare", !on);
  };
  const draw = () => outlined(outline?.getAttribute("aria-pressed") !== "true");
  outline?.addEventListener("click", draw);

  const item = byId("item");
  const choose = () => { for (const panel of panels) panel.hidden = Boolean(item) && panel.dataset.item !== item.value; };
  item?.addEventListener("change", choose);

  const reset = () => {
    Object.assign(view, { z: 1, x: 0, y: 0 });
    black.value = 0;
    white.value = 100;
    pressed(false);
    outlined(true);
    apply();
    show();
  };
  byId("in").addEventListener("click", () => zoom(1.5));
  byId("out").addEventListener("click", () => zoom(1 / 1.5));
  byId("reset").addEventListener("click", reset);
  viewer.addEventListener("keydown", (event) => {
    if (["INPUT", "SELECT"].includes(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 10 / view.z;
    const keys = {
      "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), "0": reset, r: toggle, o: draw,
      ArrowLeft: () => { view.x += step; show(); }, ArrowRight: () => { view.x -= step; show(); },
      ArrowUp: () => { view.y += step; show(); }, ArrowDown: () => { view.y -= step; show(); },
    };
    const arrow = event.key.startsWith("Arrow");
    if (!keys[event.key] || (arrow && view.z === 1)) return;
    event.preventDefault();
    keys[event.key]();
  });

  // The animation stands still where the reader's system asks for it, until told otherwise.
  const motion = byId("motion");
  let moves = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const play = () => {
    byId("still").media = moves ? "not all" : "all";
    motion.textContent = moves ? "Pause" : "Play";
  };
  motion?.addEventListener("click", () => { moves = !moves; play(); });
  if (motion) play();

  const copy = byId("copy");
  copy.addEventListener("click", () => {
    getSelection().selectAllChildren(byId("command"));
    document.execCommand("copy"); // navigator.clipboard is refused to pages opened from a file
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
  const closed = [];
  addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details:not([open])")) { each.open = true; closed.push(each); }
  });
  addEventListener("afterprint", () => { for (const each of closed.splice(0)) each.open = false; });
  choose();
  apply();
  show();
})();
