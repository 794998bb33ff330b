// Pictures of a recording: none is asked for before somebody wants to see it, since each is a view.

import { optional, reveal } from "./page";

/** Ask for a picture once; where there is none its place says so. */
export function load(picture: HTMLImageElement): void {
  if (picture.src !== "") return;
  picture.addEventListener("error", () => {
    const note = document.createElement("p");
    note.className = `${picture.className} still-none`;
    note.textContent = picture.dataset["none"] ?? "–";
    picture.replaceWith(note);
  });
  picture.src = picture.dataset["src"] ?? "";
}

/** The list's pictures: as they come into view, while the box is ticked. */
export function thumbnails(): void {
  const box = optional<HTMLInputElement>("thumbnails");
  if (box === null) return;
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) load(entry.target as HTMLImageElement);
    }
  });
  box.addEventListener("change", () => {
    for (const cell of document.querySelectorAll<HTMLElement>(".thumbs")) reveal(cell, box.checked);
    for (const picture of document.querySelectorAll<HTMLImageElement>("img.thumb")) seen.observe(picture);
  });
}
