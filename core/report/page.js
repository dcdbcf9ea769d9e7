"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const at = find("at"), under = find("under"), over = find("over"), number = find("frame");
  if (!at) return;
  const cells = [...document.querySelectorAll(".cell")];
  const first = cells.findIndex((cell) => cell.dataset.frame === number.textContent.trim());
  let place = Math.max(first, 0), left = "plate";
  const told = { plate: "plate", alone: "frame by frame" };

  const show = (wanted) => {
    cells[place].classList.remove("now");
    place = (wanted + cells.length) % cells.length;
    const cell = cells[place], frame = cell.dataset.frame;
    cell.classList.add("now");
    under.src = cell.querySelector("." + left).src;
    under.alt = `Frame ${frame}, ${told[left]}`;
    over.src = cell.querySelector(".painted").src;
    over.alt = `Frame ${frame}, painted`;
    number.textContent = frame;
    find("lefttag").textContent = told[left];
  };

  at.addEventListener("input", () => at.parentElement.style.setProperty("--at", at.value + "%"));
  at.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1, PageUp: -1, PageDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(place + step);
  });
  find("previous").addEventListener("click", () => show(place - 1));
  find("next").addEventListener("click", () => show(place + 1));
  for (const choice of document.querySelectorAll("input[name=left]"))
    choice.addEventListener("change", () => { left = choice.value; show(place); });
  cells.forEach((cell, index) => cell.querySelector("a").addEventListener("click", (event) => {
    event.preventDefault();
    show(index);
    find("wipe").scrollIntoView();
    at.focus({ preventScroll: true });
  }));
  cells[place].classList.add("now");
})();
