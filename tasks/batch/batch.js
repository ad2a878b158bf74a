"use strict";
(() => {
  const table = document.querySelector("#scans table");
  if (!table) return;
  document.documentElement.classList.add("js");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row, place) => ({ row, place, keys: JSON.parse(row.dataset.keys) }));
  const natural = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number" ? one - other : natural.compare(String(one), String(other));

  // What has no number stays at the end in either direction.
  const sort = (column, sign) => {
    rows.sort((one, other) => {
      const a = one.keys[column], b = other.keys[column];
      if (a === null || b === null) return (a === null) - (b === null) || one.place - other.place;
      return sign * compare(a, b) || one.place - other.place;
    });
    body.append(...rows.map(({ row }) => row));
  };
  const heads = [...table.tHead.querySelectorAll("th")];
  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const first = head.classList.contains("high") ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      const next = head.getAttribute("aria-sort") === first ? second : first;
      for (const one of heads) one.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", next);
      sort(Number(head.dataset.column), next === "ascending" ? 1 : -1);
    });
  }

  const find = document.getElementById("find"), state = document.getElementById("state");
  const count = document.getElementById("count");
  const sift = () => {
    const wanted = find.value.trim().toLowerCase();
    let shown = 0;
    for (const { row, keys } of rows) {
      const fits = (!state.value || keys[1] === state.value) && row.textContent.toLowerCase().includes(wanted);
      row.hidden = !fits;
      shown += fits;
    }
    count.value = shown === rows.length ? `${rows.length} rows` : `${shown} of ${rows.length} rows`;
  };
  find.addEventListener("input", sift);
  state.addEventListener("change", sift);
  sift();
})();
